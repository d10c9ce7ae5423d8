"""The answer to a peer's manifest, from the side of the node that is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from tasks.database.engine.collect import Collector, Page
from tasks.database.engine.node import Node
from tasks.database.exceptions import MassChangeError
from tasks.database.records.manifest import ModelPayload, SyncManifest
from tasks.database.records.marks import Mark, Marks, Told
from tasks.database.records.result import DatabaseResult
from tasks.database.storages.guard import Guard, Toll
from tasks.database.storages.peer import PeerState
from tasks.database.storages.view import Cursor, PeerView


@dataclass(frozen=True)
class Answering:
    """The answer to one manifest, in the transaction that is open.

    Args:
        node: the node that answers.
        guard: how much the peer may destroy here without a person's word; None: anything.
        approve: asked where it is more: whether a person has said so.
        result: what becomes of all that came is told there.
    """

    node: Node
    guard: Guard | None
    approve: Callable[[MassChangeError], bool]
    result: DatabaseResult

    def answer(self, incoming: SyncManifest, payloads: list[ModelPayload]) -> SyncManifest:
        """Take the payloads, keep how far both are, and say what the peer has to hear.

        Raises:
            MassChangeError: too much would be destroyed.
            SyncError: the manifest cannot be taken.
        """
        generation = self.node.look_back(dry_run=incoming.dry_run)
        state = PeerState.load(self.node.storage, incoming.node_id)
        asked = Cursor.read(incoming.checkpoint, incoming.after_keys)
        heard = incoming.marks.heard if incoming.marks is not None else None
        set_back = not generation.knows(heard, state.told, incoming.node_id)
        state.sent = state.sent.or_before(asked) if set_back else asked
        self._hear(incoming, state, heard)
        self._catch_up(heard if set_back else None)
        now = self.node.arrival([*payloads, *state.held.payloads().values()], dry_run=incoming.dry_run)
        mark = state.tell(now, generation.name)
        # What the peer believes to be known here it may have told in another past.
        view = state.view(fresh={} if set_back else incoming.fresh, checkpoint=incoming.checkpoint)
        purged = 0 if incoming.resync or set_back else self._stale(state.sent)
        start = state.sent
        keys = {payload.model_label: {*payload.records, *payload.deletes} for payload in payloads}
        if purged:
            page = Page(cursor=state.sent, has_more=True)
        else:
            wanted = replace(view, own=frozenset()) if incoming.resync else view
            # Of another past is only what it means to keep: what it just looks at begins where it says.
            if incoming.ahead is not None and (incoming.dry_run or not set_back):
                start = Cursor.read(incoming.ahead["checkpoint"], incoming.ahead["after_keys"])
            page = self.node.collector.page(start, now, wanted, leave_out=keys)
        page.restamped = self.node.restamped()
        came = [*payloads, *state.held.payloads().values()]
        toll = Toll(self.guard, self.approve, state.toll, state.through)
        applied = self.node.applier.apply(
            payloads,
            state.held,
            view,
            received_at=now,
            new_stamp=self.node.clock.peek if incoming.dry_run else self.node.clock.now,
            later=self.node.later,
            result=self.result,
            write=not incoming.dry_run,
            toll=toll,
            more=incoming.has_more,
        )
        state.toll, state.through = (toll.counts(), toll.through) if incoming.has_more else ({}, False)
        if applied.own:
            state.own.add(now)
        state.held = applied.held
        told = replace(view, own=frozenset({*state.own, now}))
        collector = self.node.collector
        page = fitted(page, applied.response, start, collector, told, at_once=incoming.dry_run)
        for label, some in self.node.mended(state, came, told).items():
            page.mended[label] = page.mended.get(label, set()) | some
        self.node.settle(state, page, dry_run=incoming.dry_run)
        if not incoming.dry_run:
            state.save(self.node.storage, incoming.node_id)
        if incoming.resync and not incoming.after_keys:
            # What waits here for being applied is not gone, though no record of this node shows it.
            _add(page.payloads, applied.held.payloads())
        _add(page.payloads, applied.response)
        _say_what_is_fresh(page, applied.response, told)
        response = self.node.manifest(page, page.cursor, state)
        response.resync = purged
        response.set_back = now if set_back else 0
        response.marks = Marks(Told((mark,)))
        if incoming.resync:
            response.unsent = {label: list(keys) for label, keys in state.unsent.items()}
        response.seal()
        self.node.report(applied, state, self.result)
        return response

    def _hear(self, incoming: SyncManifest, state: PeerState, heard: Mark | None) -> None:
        """Note what the peer says of itself."""
        state.hear(incoming.node_time, incoming.restamped)
        state.hear_marks(incoming.marks)
        state.told = state.told.heard(heard)
        state.theirs, state.takes = incoming.held, incoming.takes
        if not incoming.dry_run:
            self.node.look_again(state)

    def _catch_up(self, heard: Mark | None) -> None:
        """Give no stamp again that was given once, in a past that is not known here any more."""
        if heard is not None and heard.place <= self.node.limits.stamp_max():
            self.node.clock.receive(heard.place)

    def _stale(self, cursor: Cursor) -> int:
        """Where tombstones were dropped that the peer has not seen: up to which stamp; else 0."""
        purged = self.node.storage.get_purged()
        stamps = [cursor.floor, *(stamp for stamp, _ in cursor.places.values())]
        return purged if any(0 < stamp < purged for stamp in stamps) else 0


def fitted(
    page: Page,
    response: dict[str, ModelPayload],
    start: Cursor,
    collector: Collector,
    view: PeerView,
    *,
    at_once: bool,
) -> Page:
    """The page that goes with a response; the response keeps what can be sent now.

    What cannot be sent at all is noted. What is too much for one answer comes with later pages, and so does then
    the page itself, which began at `start`; not where all has to come `at_once`, as for who only looks: the same
    response would come with every answer.
    """
    page = replace(page, unsent=dict(page.unsent), mended=dict(page.mended))
    limit, size, later = collector.limit_for(view), 0, False
    for label, payload in response.items():
        for key, record in list(payload.records.items()):
            fields = view.unknown_fields(label, record)
            unsent = collector.unsendable(record, fields, view)
            if unsent is not None:
                del payload.records[key]
                page.unsent[label] = {**page.unsent.get(label, {}), key: unsent}
                continue
            if limit is not None:
                size += len(key) + len(record.encode())
                if size > limit:
                    del payload.records[key]
                    page.mended[label] = {*page.mended.get(label, ()), key}
                    later = True
    if limit is None or not size or at_once:
        return page
    weight = sum(
        len(key) + len(record.encode()) for p in page.payloads.values() for key, record in p.records.items()
    )
    if not later and size + weight <= limit:
        return page
    return Page(
        cursor=Cursor(start.floor, dict(start.places)),
        has_more=True,
        restamped=page.restamped,
        unsent=page.unsent,
        mended=page.mended,
    )


def _say_what_is_fresh(page: Page, told: Mapping[str, ModelPayload], view: PeerView) -> None:
    """Name the fields of these records that the peer cannot have yet."""
    for label, payload in told.items():
        for key, record in payload.records.items():
            page.fresh.setdefault(label, {})[key] = [
                name for name in record.data if not view.knows_field(label, record, name)
            ]


def _add(payloads: dict[str, ModelPayload], more: dict[str, ModelPayload]) -> None:
    for label, payload in more.items():
        into = payloads.setdefault(label, ModelPayload(label))
        for key, record in payload.records.items():
            into.deletes.pop(key, None)
            into.records[key] = record
        for key, stamp in payload.deletes.items():
            into.records.pop(key, None)
            into.deletes[key] = stamp
