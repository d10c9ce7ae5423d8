"""The records and deletions of one exchange: decided, and written in the transaction that is open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from tasks.database.deciding.deleting import Deleting
from tasks.database.deciding.reconciler import PayloadReconciler, ReconciliationResult
from tasks.database.records.differing import differing
from tasks.database.records.graph import DependencyGraph
from tasks.database.records.manifest import ModelPayload
from tasks.database.records.record import WHOLE, SyncRecord
from tasks.database.records.result import ConflictEntry
from tasks.database.storages.guard import Toll
from tasks.database.storages.peer import Held
from tasks.database.storages.storage import ArrivalStorage
from tasks.database.storages.view import PeerView


@dataclass
class Applied:
    """What came of it."""

    #: What the peer has to be told because things end otherwise here.
    response: dict[str, ModelPayload] = field(default_factory=dict)
    held: Held = field(default_factory=Held)
    #: Why, by model and key.
    problems: dict[tuple[str, str], str] = field(default_factory=dict)
    #: Deletions among them that only wait until the peer has told all that belongs to them.
    waiting: set[tuple[str, str]] = field(default_factory=set)
    wrote: bool = False
    #: Something that was held before is held no longer.
    released: bool = False

    @property
    def own(self) -> bool:
        """Whether the peer knows all that was written. What was held it may have seen otherwise since."""
        return self.wrote and not self.released


@dataclass
class Exchange:
    """The work of one exchange.

    Args:
        storage, graph, reconciler, identity_field, stamp_max: as of `tasks.database.deciding.applying.Applier`.
        view: what the peer has, and what is new in what it sent.
        received_at: the place of what the peer knows in this node's order of arrival.
        new_stamp: gives the stamps of decisions.
        later: gives a place for what the peer does not know.
        applied: what comes of it.
        more: the peer has not told everything yet.
    """

    storage: ArrivalStorage
    graph: DependencyGraph
    reconciler: PayloadReconciler
    identity_field: str
    stamp_max: Callable[[], int]
    view: PeerView
    received_at: int
    new_stamp: Callable[[], int]
    later: Callable[[], int]
    applied: Applied
    more: bool = False
    #: The keys that came with this exchange.
    arrived: dict[str, set[str]] = field(default_factory=dict)
    outcomes: dict[str, ReconciliationResult] = field(default_factory=dict)
    incoming: dict[str, ModelPayload] = field(default_factory=dict)
    known: dict[str, set[str]] = field(default_factory=dict)
    unwritten: dict[str, set[str]] = field(default_factory=dict)
    #: Written without foreign keys that are filled in afterwards: the peer knows all of it, and more.
    partly: dict[str, set[str]] = field(default_factory=dict)
    #: The conflicts of held records that what came now replaces.
    before: dict[str, list[ConflictEntry]] = field(default_factory=dict)
    toll: Toll | None = None

    def __post_init__(self) -> None:
        self.whole = {WHOLE: self.received_at}  # of all new records, and never changed

    def reconcile(self, payload: ModelPayload) -> None:
        """Decide on all that came of a model, and write nothing."""
        label, storage = payload.model_label, self.storage
        payload = self._accepted(payload)
        keys = [*payload.records, *payload.deletes]
        local = storage.get_records(label, keys) if keys else {}
        missing = [key for key in keys if key not in local]
        tombstones = storage.get_tombstones(label, missing) if missing else {}
        outcome = self.reconciler.reconcile(
            payload,
            local,
            self.view.checkpoint,
            tombstones=tombstones,
            view=self.view,
            new_stamp=self.new_stamp,
        )
        for error in outcome.errors:
            record, stamp = payload.records.get(error.key), payload.deletes.get(error.key, 0)
            self.hold(label, error.key, error.reason, record=record, stamp=stamp)
        for key, record in outcome.to_upsert.items():
            self._mark(record, local.get(key), outcome.changed_fields.get(key))
            if key in outcome.decided_keys:
                self._mark_decided(record, local.get(key), payload.records.get(key))
        if self.toll is not None:
            for key, here in local.items():
                if key in outcome.to_delete:
                    self.toll.delete(label, here)
                elif (after := outcome.to_upsert.get(key)) is not None:
                    self.toll.update(label, here, after, outcome.changed_fields.get(key))
        self.outcomes[label], self.incoming[label], self.known[label] = outcome, payload, set(local)

    def overtaken(self, label: str, held: Held, view: PeerView) -> None:
        """What is held is about to be replaced by what came now: its conflicts are told first."""
        records = {
            key: record
            for key, record in held.records.get(label, {}).items()
            if key in self.arrived.get(label, ()) and self._refusal(record, self.stamp_max()) is None
        }
        if records:
            local = self.storage.get_records(label, list(records))
            outcome = self.reconciler.reconcile(
                ModelPayload(label, records), local, view.checkpoint, view=view, new_stamp=self.new_stamp
            )
            self.before[label] = outcome.conflict_log

    def _accepted(self, payload: ModelPayload) -> ModelPayload:
        """The payload without what cannot be right; that is held."""
        label = payload.model_label
        records: dict[str, SyncRecord] = {}
        stamp_max = self.stamp_max()
        for key, record in payload.records.items():
            reason = self._refusal(record, stamp_max)
            if reason is None:
                records[key] = record
            else:
                self.hold(label, key, reason, record=record)
        deletes: dict[str, int] = {}
        for key, stamp in payload.deletes.items():
            if stamp <= stamp_max:
                deletes[key] = stamp
            else:
                self.hold(label, key, "its deletion is stamped too far in the future", stamp=stamp)
        return ModelPayload(label, records, deletes)

    def _refusal(self, record: SyncRecord, stamp_max: int) -> str | None:
        if record.newest > stamp_max:
            return "it is stamped too far in the future: the clock of the node that edited it is wrong"
        identity = record.data.get(self.identity_field)
        if identity is not None and str(identity) != record.key:
            return f"its {self.identity_field!r} is not its key"
        return None

    def hold(
        self, label: str, key: str, reason: str, *, record: SyncRecord | None = None, stamp: int = 0
    ) -> None:
        """Keep what cannot be applied, a record or else a deletion."""
        held = self.applied.held
        if record is not None:
            held.records.setdefault(label, {})[key] = record
            if self.view.fresh is not None and key in self.view.fresh.get(label, {}):
                held.fresh.setdefault(label, {})[key] = list(self.view.fresh[label][key])
        else:
            held.deletes.setdefault(label, {})[key] = stamp
        held.reasons.setdefault(label, {})[key] = reason
        self.applied.problems[label, key] = reason

    def _mark(self, record: SyncRecord, local: SyncRecord | None, changed: list[str] | None = None) -> None:
        """Note when the record's fields came here."""
        if local is None:
            record.arrivals, record.received_at = self.whole, self.received_at
            return
        record.move(self.received_at, differing(record, local) if changed is None else changed)

    def _mark_decided(self, record: SyncRecord, *before: SyncRecord | None) -> None:
        """What was decided here has still to go to the peer."""
        known = [each.timestamps for each in before if each is not None]
        decided = [n for n, at in record.timestamps.items() if all(at != stamps.get(n) for stamps in known)]
        if decided:
            record.move(self.place, decided)

    @cached_property
    def place(self) -> int:
        """Where what was decided here comes in the order of arrival: after all that the peer knows."""
        return self.later()

    def write(self) -> None:
        """Parents first, deletions children first, then once more what could not be written by itself."""
        storage, order = self.storage, self.graph.sync_order()
        for label in order:
            outcome = self.outcomes.get(label)
            if outcome is None or not outcome.to_upsert:
                continue
            deferred = self.graph.deferred(label)
            if deferred:
                failed = storage.upsert_without(label, outcome.to_upsert, deferred)
                self.partly[label] = outcome.to_upsert.keys() - failed
                self.unwritten[label] = set(outcome.to_upsert)
            else:
                self.unwritten[label] = set(storage.upsert_many(label, outcome.to_upsert))
        self._write_again(list(self.partly))  # what it refers to stays, so that has to be known before
        deleting = self._deleting()
        deleting.attempt(last=False)
        self._write_again(order)
        if any(deleting.left.values()):
            deleting.attempt(last=True)
        for label, refused in deleting.left.items():
            self.unwritten.setdefault(label, set()).update(refused)

    def _write_again(self, labels: list[str]) -> None:
        """Try what was not written as long as that is of use."""
        while before := sum(len(self.unwritten.get(label, ())) for label in labels):
            for label in labels:
                if keys := self.unwritten.get(label):
                    records = self.outcomes[label].to_upsert
                    again = {key: records[key] for key in sorted(keys)}
                    self.unwritten[label] = set(self.storage.upsert_many(label, again))
            if sum(len(self.unwritten.get(label, ())) for label in labels) == before:
                return

    def _deleting(self) -> Deleting:
        def hold(label: str, key: str, reason: str) -> None:
            self.hold(label, key, reason, stamp=self.incoming[label].deletes.get(key, 0))
            if self.more:
                self.applied.waiting.add((label, key))

        def mark(record: SyncRecord, local: SyncRecord) -> None:
            self._mark(record, local)
            self._mark_decided(record, local)

        return Deleting(
            self.storage,
            self.graph,
            self.identity_field,
            self.outcomes,
            self.known,
            self.unwritten,
            self.more,
            self.new_stamp,
            self._delete,
            hold,
            mark,
        )

    def _delete(self, label: str, deletes: dict[str, int]) -> set[str]:
        """Deletions with another stamp than the peer's are news to it, so they did not come with it."""
        told = self.incoming[label].deletes
        theirs = {key: stamp for key, stamp in deletes.items() if told.get(key) == stamp}
        decided = {key: stamp for key, stamp in deletes.items() if key not in theirs}
        storage, failed = self.storage, set[str]()
        if theirs:
            failed |= set(storage.delete_many(label, theirs, self.received_at) or ())
        if decided:
            failed |= set(storage.delete_many(label, decided, self.place) or ())
        return failed
