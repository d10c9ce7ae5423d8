"""Writing what a peer sent into the storage, in the transaction that is open."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from tasks.database.deciding.accounting import Accounting
from tasks.database.deciding.exchange import Applied, Exchange
from tasks.database.deciding.joining import freshen, joined
from tasks.database.deciding.reconciler import PayloadReconciler
from tasks.database.exceptions import HeldLimitError
from tasks.database.records.graph import DependencyGraph
from tasks.database.records.manifest import ModelPayload
from tasks.database.records.result import DatabaseResult
from tasks.database.storages.guard import Toll
from tasks.database.storages.peer import HELD_MAX, Held
from tasks.database.storages.storage import ArrivalStorage
from tasks.database.storages.view import PeerView


@dataclass
class Applier:
    """Applies payloads to a storage.

    Args:
        storage: where to write.
        graph: the models, parents first.
        reconciler: decides what is written.
        identity_field: the field that must be the record's key, where a record has it.
        stamp_max: larger stamps are not taken: their clock is too far ahead.
        node_id: the node's name, for people.
    """

    storage: ArrivalStorage
    graph: DependencyGraph
    reconciler: PayloadReconciler
    identity_field: str
    stamp_max: Callable[[], int]
    node_id: str = ""

    def apply(
        self,
        payloads: list[ModelPayload],
        held: Held,
        view: PeerView,
        *,
        received_at: int,
        new_stamp: Callable[[], int],
        later: Callable[[], int],
        result: DatabaseResult,
        write: bool = True,
        toll: Toll | None = None,
        foreseen: bool = False,
        more: bool = False,
    ) -> Applied:
        """Reconcile and write; what cannot be applied is held, together with what was held before.

        Args:
            payloads: what came.
            held: what was held before.
            view: what the peer has, and what is new in what it sent.
            received_at: the place of what the peer knows in this node's order of arrival.
            new_stamp: gives the stamps of decisions.
            later: gives a place for what the peer does not know.
            result: what becomes of it is told there.
            write: whether to change anything.
            toll: counts what is destroyed by it.
            foreseen: whether what comes next can be looked at before this is written.
            more: the peer has not told everything yet.

        Raises:
            HeldLimitError: too much cannot be applied.
            MassChangeError: too much would be destroyed.
            LookAheadError: that depends on what comes next.
        """
        applied = Applied()
        incoming = held.payloads()
        retried = {label: {*kept.records, *kept.deletes} for label, kept in incoming.items()}
        fresh: dict[str, dict[str, Iterable[str]]] = {
            label: dict(keys) for label, keys in (view.fresh or {}).items()
        }
        for payload in payloads:
            before = incoming.get(payload.model_label)
            incoming[payload.model_label] = joined(before, payload) if before else payload
        arrived = {payload.model_label: {*payload.records, *payload.deletes} for payload in payloads}
        heard = view
        for label, records in held.records.items():
            for key, record in records.items():
                freshen(fresh, label, key, record, held, came=key in arrived.get(label, ()))
        view = replace(view, fresh=fresh if view.fresh is not None or held.fresh else None)
        work = self._exchange(view, received_at, new_stamp, later, applied)
        work.more, work.arrived = more, arrived
        work.toll = toll if toll is not None and toll.watches else None
        for label in self.graph.sync_order():
            if label in incoming:
                work.overtaken(label, held, replace(heard, fresh=held.fresh))
                work.reconcile(incoming[label])
        if work.toll is not None:
            work.toll.check(self.node_id, self.storage, more=foreseen)
        if write:
            work.write()
        log = Accounting(work, result, write, retried, held.told).account()
        if write and work.toll is not None:
            work.toll.written(applied.problems)
        keep = getattr(self.storage, "keep_conflicts", None)
        if write and log and keep is not None:
            keep(log)
        if len(applied.held) > HELD_MAX and not more:
            (label, key), reason = next(iter(applied.problems.items()))
            raise HeldLimitError(
                f"{len(applied.held)} records of the peer cannot be applied here; the first is {label} {key!r}: "
                f"{reason}"
            )
        return applied

    def count(
        self, payloads: list[ModelPayload], view: PeerView, toll: Toll, new_stamp: Callable[[], int]
    ) -> None:
        """Count what these would destroy, and do nothing else."""
        work = self._exchange(view, 0, new_stamp, new_stamp, Applied())
        work.toll = toll
        for payload in payloads:
            work.reconcile(payload)

    def _exchange(
        self,
        view: PeerView,
        received_at: int,
        new_stamp: Callable[[], int],
        later: Callable[[], int],
        applied: Applied,
    ) -> Exchange:
        return Exchange(
            self.storage,
            self.graph,
            self.reconciler,
            self.identity_field,
            self.stamp_max,
            view,
            received_at,
            new_stamp,
            later,
            applied,
        )
