"""What asking and answering have in common: a node's parts, and how they are used together."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from tasks.database.deciding.applying import Applier
from tasks.database.deciding.exchange import Applied
from tasks.database.engine.collect import Collector, Page
from tasks.database.engine.validation import Limits
from tasks.database.exceptions import HeldLimitError
from tasks.database.records.clock import HybridLogicalClock
from tasks.database.records.graph import DependencyGraph
from tasks.database.records.held import HeldList, unsent_lines
from tasks.database.records.manifest import ModelPayload, SyncManifest
from tasks.database.records.marks import Mark
from tasks.database.records.record import STAMP_MAX
from tasks.database.records.result import DatabaseResult, RecordError
from tasks.database.storages.beside import Beside, Outside
from tasks.database.storages.generation import Generation
from tasks.database.storages.peer import HELD_MAX, PeerState
from tasks.database.storages.storage import ArrivalStorage, RestampableStorage
from tasks.database.storages.unsent import note, now_small_enough, release, send_again
from tasks.database.storages.view import Cursor, PeerView

log = logging.getLogger(__name__)


class _UndoneError(Exception):
    """Ends a transaction of a dry run."""


@dataclass(frozen=True)
class Node:
    """The parts of one node."""

    node_id: str
    #: The node id under which the storage keeps how far the asked peer is.
    own_key: str
    storage: ArrivalStorage
    graph: DependencyGraph
    clock: HybridLogicalClock
    limits: Limits
    collector: Collector
    applier: Applier
    transaction: Callable[[], AbstractContextManager[Any]]
    beside: Beside

    def look_back(self, *, dry_run: bool = False) -> Generation:
        """The node's generation; another one begins where the database ends before what was told of it.

        To be called first in a transaction. No place and no stamp that may have been given is given again.
        """
        outside = self.beside.read()
        if outside is not None and outside.place > self._last_place():
            if dry_run:
                return Generation()
            log.warning("Node %r: its database was set back, as by restoring a backup.", self.node_id)
            self.storage.horizon(outside.place + 1)
            self.storage.save_clock_bound(outside.bound)
            self.clock.keep_bound(self.storage)
            return Generation.begin(self.storage)
        found = Generation.load(self.storage)
        return found if found.name or dry_run else Generation.begin(self.storage)

    def keep_told(self, mark: Mark) -> None:
        """Note outside of the database how far a peer is about to be told."""
        self.beside.keep(Outside(mark.place, self.clock.bound))

    def known(self, manifest: SyncManifest, result: DatabaseResult) -> list[ModelPayload]:
        """The payloads of models of this node."""
        known = self.graph.known_models()
        for payload in manifest.payloads:
            if payload.model_label not in known:
                result.errors.append(f"model {payload.model_label!r} is unknown here")
        return [payload for payload in manifest.payloads if payload.model_label in known]

    def arrival(self, payloads: list[ModelPayload], *, dry_run: bool) -> int:
        """The arrival stamp of an exchange: above all that is here, and all that may be taken.

        It is of this node's own order, which goes on from where it was when the clock was set back.
        """
        if isinstance(self.storage, RestampableStorage):
            self.clock.follow()
        newest = _newest_stamp(payloads, self.limits.stamp_max())
        if dry_run:
            return max(self.storage.horizon(self.clock.peek()), newest + 1)
        if newest:
            self.clock.receive(newest)
        return self.later()

    def _last_place(self) -> int:
        """The last place that the database knows of."""
        return self.storage.get_last_place() if isinstance(self.storage, RestampableStorage) else STAMP_MAX

    def later(self) -> int:
        """A place in the order of arrival above all that were given so far."""
        return self.storage.horizon(self.clock.now())

    def restamped(self) -> dict[int, int]:
        """As `SyncManifest.restamped`."""
        return self.storage.get_restamped() if isinstance(self.storage, RestampableStorage) else {}

    def small_enough(self, state: PeerState) -> dict[str, list[str]]:
        """The keys of records that were too large for the peer, and are not any more."""
        return now_small_enough(state.unsent, self.collector.limit_for(state.view()))

    def look_again(self, state: PeerState) -> None:
        """Let records that were too large for the peer come again, where it takes larger ones now."""
        due = self.small_enough(state)
        if due:
            send_again(self.storage, state.unsent, due, self.later())

    def mended(
        self, state: PeerState, payloads: Iterable[ModelPayload], view: PeerView
    ) -> dict[str, set[str]]:
        """What could not be sent, and can be now or is gone, for the peer's own edits have replaced what was wrong."""
        found: dict[str, set[str]] = {}
        for payload in payloads:
            label = payload.model_label
            unsent = state.unsent.get(label, {})
            keys = [key for key in unsent if key in payload.records or key in payload.deletes]
            here = self.storage.get_records(label, keys) if keys else {}
            for key in keys:
                if key not in here or self.collector.unsendable(here[key], (), view) is None:
                    found.setdefault(label, set()).add(key)
        return found

    def settle(self, state: PeerState, page: Page, *, dry_run: bool) -> None:
        """Note what a page could not hold, and let what can go again come anew.

        Raises:
            HeldLimitError: there is too much of it.
        """
        note(state.unsent, page.unsent)
        if page.mended and dry_run:
            release(state.unsent, page.mended)
            page.has_more = bool(page.cursor.places)  # nothing comes anew of what is only looked at
        elif page.mended:
            send_again(self.storage, state.unsent, page.mended, self.later())
        count = sum(map(len, state.unsent.values()))
        if count > HELD_MAX:
            first = next(unsent_lines(state.all_held()))
            raise HeldLimitError(f"{count} records of this node cannot be sent; the first: {first}")

    def purge(self, place: int) -> int:
        """Drop the tombstones up to this place; return how many. What peers hold back is not among them."""
        if isinstance(self.storage, RestampableStorage):
            return self.storage.purge_tombstones(place, self.limits.stamp_max())
        return self.storage.purge_tombstones(place)

    def manifest(self, page: Page, cursor: Cursor, state: PeerState) -> SyncManifest:
        """A page for the peer, and how far this node is with the peer's own or the peer with this one's."""
        return SyncManifest(
            node_id=self.node_id,
            checkpoint=cursor.floor,
            after_keys=cursor.as_json(),
            has_more=page.has_more,
            node_time=self.clock.wall() // 1000,
            payloads=[page.payloads[label] for label in self.graph.sync_order() if label in page.payloads],
            fresh=page.fresh,
            restamped=page.restamped,
            held=HeldList.of(state.all_held()),
            takes=self.collector.record_limit or 0,
        )

    @contextmanager
    def work(self, *, undo: bool = False) -> Iterator[None]:
        """A transaction; `undo` ends it without a trace."""
        try:
            with self.transaction():
                yield
                if undo:
                    raise _UndoneError  # noqa: TRY301  it is what undoes the transaction
        except _UndoneError:
            self.clock.keep_reserved()
        except Exception:
            self.clock.keep_reserved()
            raise

    @staticmethod
    def report(applied: Applied, state: PeerState, result: DatabaseResult) -> None:
        """Enter what is held into the result."""
        for (label, key), reason in applied.problems.items():
            if (label, key) in applied.waiting:
                continue
            result.skipped[label].append(key)
            result.errors.append(RecordError(label, key, f"{reason}; it is kept and tried again"))
        result.errors.extend(unsent_lines(state.all_held()))


def _newest_stamp(payloads: Iterable[ModelPayload], stamp_max: int) -> int:
    """The largest stamp of all that is not above `stamp_max`."""
    newest = 0
    for payload in payloads:
        stamps = [record.newest for record in payload.records.values()]
        newest = max(
            [newest, *(stamp for stamp in [*stamps, *payload.deletes.values()] if stamp <= stamp_max)]
        )
    return newest
