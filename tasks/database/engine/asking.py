"""The exchanges of one sync, from the side of the node that asks."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from tasks.database.deciding.exchange import Applied
from tasks.database.engine.collect import Page
from tasks.database.engine.full_compare import FullCompare
from tasks.database.engine.node import Node
from tasks.database.enums import SyncPhase, SyncStage
from tasks.database.exceptions import SyncAbortedError, SyncError
from tasks.database.garbage import search_put_off
from tasks.database.records.manifest import ModelPayload, SyncManifest
from tasks.database.records.marks import Mark, Marks
from tasks.database.records.record import WHOLE, SyncRecord
from tasks.database.records.result import DatabaseResult
from tasks.database.storages.guard import LookAheadError, Toll
from tasks.database.storages.peer import PeerState
from tasks.database.storages.referred import renewed
from tasks.database.storages.view import Cursor, PeerView
from tasks.database.transport import Transport

#: Exchanges that follow the one that ended with nothing left, as long as there is still something to tell.
ROUNDS_AFTER_END = 8


class Asking:
    """The exchanges of one `sync`."""

    def __init__(
        self,
        node: Node,
        transport: Transport,
        result: DatabaseResult,
        dry_run: bool,
        toll: Toll,
        *,
        enter: Callable[[SyncPhase], None],
        tell: Callable[[SyncStage, int, int], None],
    ) -> None:
        self.node, self.transport, self.result, self.dry_run = node, transport, result, dry_run
        self.toll = toll
        self.enter, self.tell = enter, tell
        self.full: FullCompare | None = None
        self.state = PeerState()
        self.page = Page()
        self.applied = Applied()
        #: What is kept as received; during a full comparison it is behind `state`.
        self.received = Cursor()
        #: Of the last exchange that began.
        self.mark: Mark | None = None
        #: The peer's name, once it has answered.
        self.peer = ""
        #: What was asked while the answer before it is taken, and how to have its answer.
        self.ahead: tuple[SyncManifest, Callable[[], SyncManifest]] | None = None

    def exchange_all(self) -> None:
        """Until neither node has more."""
        try:
            self._exchange_all()
        finally:
            if self.ahead is not None:
                with suppress(SyncError):
                    self.ahead[1]()  # nothing of a run goes on after its end

    def _exchange_all(self) -> None:
        node = self.node
        rounds_left = ROUNDS_AFTER_END
        if self.dry_run:
            self.state = PeerState.load(node.storage, node.own_key)
        while True:
            self.enter(SyncPhase.COLLECTING)
            asked, self.ahead = self.ahead, None
            if asked is None:
                self._collect()
            else:
                self._nothing_to_send()
            self.tell(SyncStage.VALIDATE, self._sent(), self._sent())
            self.enter(SyncPhase.EXCHANGING)
            response = self._exchange() if asked is None else self._answered(*asked)
            self._ask_ahead(response)
            self.enter(SyncPhase.RECONCILING)
            payloads = node.known(response, self.result)
            count = sum(len(payload.records) + len(payload.deletes) for payload in payloads)
            self.tell(SyncStage.CLASSIFY, count, count)
            if not self.dry_run:
                self.enter(SyncPhase.COMMITTING)
            with search_put_off():
                self._take(response, payloads)
            self.tell(SyncStage.MUTATE, count, count)
            if not self.page.has_more and not response.has_more:
                done = not (self.page or count or response.set_back or node.small_enough(self.state))
                if self.dry_run or done or not rounds_left:
                    break
                rounds_left -= 1
        node.report(self.applied, self.state, self.result)
        self.result.errors.extend(self.state.theirs.lines(self.peer))
        self.result.errors[:] = dict.fromkeys(self.result.errors)

    def _sent(self) -> int:
        return sum(len(p.records) + len(p.deletes) for p in self.page.payloads.values())

    def _collect(self) -> None:
        node = self.node
        node.clock.reserve()
        with search_put_off(), node.work(undo=self.dry_run):
            generation = node.look_back(dry_run=self.dry_run)
            if not self.dry_run:
                self.state = PeerState.load(node.storage, node.own_key)
                self.received = self.state.received
                node.look_again(self.state)
            now = node.arrival([], dry_run=self.dry_run)
            if not self.dry_run:
                self.mark = self.state.tell(now, generation.name)
            self.page = node.collector.page(self.state.sent, now, self.state.view())
            self.page.restamped = node.restamped()
            node.settle(self.state, self.page, dry_run=self.dry_run)
            if not self.dry_run:
                self.state.save(node.storage, node.own_key)
            if self.full is not None and not self.dry_run:
                self.state.received = self.full.received
        for label, payload in self.page.payloads.items():
            self.result.pushed[label].extend([*payload.records, *payload.deletes])

    def _exchange(self) -> SyncManifest:
        node = self.node
        manifest = self._manifest(self.page)
        if self.dry_run:
            manifest.payloads, manifest.fresh, manifest.dry_run = [], None, True
        elif self.mark is not None:
            node.keep_told(self.mark)
        if self.full is not None:
            manifest.resync = self.full.purged
        manifest.seal()
        return self._answered(manifest, lambda: self.transport.exchange(manifest))

    def _manifest(self, page: Page) -> SyncManifest:
        manifest = self.node.manifest(page, self.state.received, self.state)
        manifest.marks = Marks(self.state.told, self.state.mark)
        return manifest

    def _answered(self, manifest: SyncManifest, answer: Callable[[], SyncManifest]) -> SyncManifest:
        response = answer()
        self.node.limits.check(response)
        before = (manifest.checkpoint, manifest.after_keys)
        if manifest.ahead is not None:
            before = (manifest.ahead["checkpoint"], manifest.ahead["after_keys"])
        stuck = response.has_more and (response.checkpoint, response.after_keys) == before
        if stuck and not response.resync and not any(p.records or p.deletes for p in response.payloads):
            raise SyncAbortedError(f"node {response.node_id!r} has more, but does not give it")
        return response

    def _ask_ahead(self, response: SyncManifest) -> None:
        """Where the peer has more and this node has nothing to send, ask for it while the answer is taken.

        The peer is told how far this node has kept what it got, as ever, and where to go on beside that. So it
        makes no difference to either if this node does not come to keep the answer.
        """
        begin = getattr(self.transport, "begin", None)
        told_apart = response.fresh is not None  # by a peer that knows what to do with it
        if (
            begin is None
            or not (told_apart and response.has_more)
            or response.resync
            or response.set_back
            or self.full is not None
            or self.dry_run
            or self.page
            or self.page.has_more
        ):
            return
        manifest = self._manifest(Page())
        manifest.ahead = _place_of(response)
        manifest.seal()
        self.ahead = (manifest, begin(manifest))

    def _sees_ahead(self, response: SyncManifest) -> bool:
        """Whether the peer shows what comes after its answer without taking that for received."""
        return response.has_more and response.fresh is not None and self.full is None and not self.dry_run

    def _look_ahead(self, response: SyncManifest) -> None:
        """Count what the rest of the run would destroy. Nothing of it is written, and the peer keeps no word of it."""
        node, view = self.node, self.state.view()
        while response.has_more and not response.resync:  # a comparison in full has a count of its own
            if self.ahead is not None and self.ahead[0].ahead == _place_of(response):
                asked, answer = self.ahead
                response = self._answered(asked, answer)
                self.ahead = (asked, partial(_same, response))  # it is wanted once more
            else:
                manifest = self._manifest(Page())
                manifest.ahead, manifest.dry_run = _place_of(response), True
                manifest.seal()
                response = self._answered(manifest, partial(self.transport.exchange, manifest))
            payloads = node.known(response, DatabaseResult())
            with node.work(undo=True):
                node.applier.count(payloads, replace(view, fresh=response.fresh), self.toll, node.clock.peek)
        self.toll.looked = True

    def _nothing_to_send(self) -> None:
        with self.node.work():
            self._unchanged(PeerState.load(self.node.storage, self.node.own_key))
        sent = self.state.sent
        self.page = Page(cursor=Cursor(sent.floor, dict(sent.places)))

    def _take(self, response: SyncManifest, payloads: list[ModelPayload]) -> None:
        before = replace(self.state)
        with suppress(LookAheadError):
            self._commit(response, payloads)
            return
        self.state = before
        self._look_ahead(response)
        self._commit(response, payloads)

    def _commit(self, response: SyncManifest, payloads: list[ModelPayload]) -> None:
        node, state = self.node, self.state
        with node.work(undo=self.dry_run):
            if not self.dry_run:
                self._unchanged(PeerState.load(node.storage, node.own_key))
            state.hear(response.node_time, response.restamped)
            if response.set_back:
                state.start_over()
            state.theirs, state.takes, self.peer = response.held, response.takes, response.node_id
            view = state.view(
                sent={label: payload.records for label, payload in self.page.payloads.items()},
                sent_deletes={label: payload.deletes for label, payload in self.page.payloads.items()},
                fresh=response.fresh,
                checkpoint=state.received.floor,
            )
            now = node.arrival([*payloads, *state.held.payloads().values()], dry_run=self.dry_run)
            told = sent = Cursor() if response.set_back else self.page.cursor
            if not (self.page.has_more or response.set_back):
                meanwhile = node.collector.page(sent, now, view)
                sent = meanwhile.cursor if meanwhile.met_nothing else sent
            came = [*payloads, *state.held.payloads().values()]
            self.applied = node.applier.apply(
                payloads,
                state.held,
                view,
                received_at=now,
                new_stamp=node.clock.peek if self.dry_run else node.clock.now,
                later=node.later,
                result=self.result,
                write=not self.dry_run,
                toll=self.toll,
                foreseen=self._sees_ahead(response),
                more=response.has_more,
            )
            if self.applied.own:
                state.own.add(now)
            if not self.dry_run:
                self._insist(
                    replace(view, own=frozenset(state.own)), [*state.held.payloads().values(), *payloads]
                )
                node.settle(state, Page(mended=node.mended(state, came, view)), dry_run=False)
            state.held = self.applied.held
            state.sent = told if self.applied.released else sent
            state.received = Cursor.read(response.checkpoint, response.after_keys)
            state.told = state.told.heard(self.mark)
            if response.marks is not None:  # of a dry run the peer keeps none
                state.mark = None if self.dry_run else response.marks.mark
            if response.set_back:
                self.full = None
                if node.storage.get_purged():  # what was deleted here, and it has, can only be taken from it
                    state.received = Cursor()
            kept = self._compared(response, view, now)
            if not self.dry_run:
                self.state = replace(state, received=kept)
                self.state.save(node.storage, node.own_key)
                self.received = kept

    def _unchanged(self, stored: PeerState) -> None:
        """Nobody else has asked meanwhile, and the database is the one that was read.

        Raises:
            SyncAbortedError: it is not so.
        """
        state = self.state
        if (stored.sent, stored.own, stored.told) != (state.sent, state.own, state.told) or (
            stored.received != self.received
        ):
            raise SyncAbortedError(
                f"another session of node {self.node.node_id!r} was quicker, or its database was replaced"
            )

    def _insist(self, view: PeerView, came: list[ModelPayload]) -> None:
        """Send again what the peer was believed to have, and has just shown otherwise.

        Where that cannot be noted, what came is held, to be told the same when it is tried again.
        """
        storage = self.node.storage
        place = self.node.later() if self.applied.response else 0
        for label, payload in self.applied.response.items():
            here = storage.get_records(label, list(payload.records))
            again = {
                key: replace(record, received_at=place, arrivals={WHOLE: place})
                for key, record in here.items()
                if view.knows_record(label, record)
            }
            refused = storage.upsert_many(label, again) if again else set()
            for theirs in came:
                if theirs.model_label == label:
                    held = {key: record for key, record in theirs.records.items() if key in refused}
                    self.applied.held.records.setdefault(label, {}).update(held)
            gone = storage.get_tombstones(label, list(payload.deletes)).items()
            deletes = {key: t.stamp for key, t in gone if view.knows_tombstone(label, key, t)}
            if deletes:
                storage.delete_many(label, deletes, place)

    def _compared(self, response: SyncManifest, view: PeerView, now: int) -> Cursor:
        """What to keep as received: during a full comparison what was there before it."""
        if response.resync and self.full is None:
            before = PeerState.load(self.node.storage, self.node.own_key).received
            # It is a place, which may be ahead of the clocks; deletions that follow from it must not be.
            self.full = FullCompare(min(response.resync, self.node.clock.peek()), before)
            self.state.received = Cursor()
            self.full.confirm(self.page.payloads.values())
            return before
        if self.full is None:
            return self.state.received
        self.full.received = self.state.received
        self.full.confirm(self.page.payloads.values())
        self.full.confirm(response.payloads)
        self.full.spare(response.unsent)
        if response.has_more:
            return self.full.before
        if not self.dry_run:
            has = replace(view, has=self.state.sent)
            node = self.node
            if self.full.delete_others(node, has, now, self.result, self.toll, self._keep_alive):
                self.state.own.add(now)
        self.full = None
        return self.state.received

    def _keep_alive(self, label: str, record: SyncRecord, stamp: int) -> SyncRecord:
        """The record with a newer life than its deletion, of which the peer is told."""
        node, place = self.node, self.node.later()
        identity = node.applier.identity_field
        lives = renewed(record, max(node.clock.now(), stamp + 1, record.newest + 1), identity)
        changed = [name for name, at in lives.timestamps.items() if at != record.timestamps.get(name)]
        lives.move(place, changed)
        return lives


def _place_of(response: SyncManifest) -> dict[str, Any]:
    """Where an answer ends, for `SyncManifest.ahead`."""
    return {"checkpoint": response.checkpoint, "after_keys": response.after_keys}


def _same(response: SyncManifest) -> SyncManifest:
    return response
