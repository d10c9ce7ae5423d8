"""What asking and answering have in common: a node's parts, and how they are used together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from tasks.database.applying import Applied, Applier, newest_stamp
from tasks.database.clock import HybridLogicalClock
from tasks.database.collect import Collector, Page
from tasks.database.graph import DependencyGraph
from tasks.database.manifest import ModelPayload, SyncManifest
from tasks.database.record import STAMP_MAX
from tasks.database.result import DatabaseResult, RecordError
from tasks.database.storage import ArrivalStorage, RestampableStorage
from tasks.database.validation import Limits
from tasks.database.view import Cursor


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
        newest = newest_stamp(payloads, self.limits.stamp_max())
        if dry_run:
            return max(self.storage.horizon(self.clock.peek()), newest + 1)
        if newest:
            self.clock.receive(newest)
        return self.later()

    def last_place(self) -> int:
        """The last place that a peer can have been told of."""
        return self.storage.get_last_place() if isinstance(self.storage, RestampableStorage) else STAMP_MAX

    def later(self) -> int:
        """A place in the order of arrival above all that were given so far."""
        return self.storage.horizon(self.clock.now())

    def restamped(self) -> dict[int, int]:
        """As `SyncManifest.restamped`."""
        return self.storage.get_restamped() if isinstance(self.storage, RestampableStorage) else {}

    def purge(self, place: int) -> int:
        """Drop the tombstones up to this place; return how many. What peers hold back is not among them."""
        if isinstance(self.storage, RestampableStorage):
            return self.storage.purge_tombstones(place, self.limits.stamp_max())
        return self.storage.purge_tombstones(place)

    def manifest(self, page: Page, cursor: Cursor) -> SyncManifest:
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
            pass

    @staticmethod
    def report(applied: Applied, result: DatabaseResult) -> None:
        """Enter what is held into the result."""
        for (label, key), reason in applied.problems.items():
            result.skipped[label].append(key)
            result.errors.append(RecordError(label, key, f"{reason}; it is kept and tried again"))
