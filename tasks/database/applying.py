"""Writing what a peer sent into the storage, in the transaction that is open."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from tasks.database.deleting import Deleting
from tasks.database.exceptions import HeldLimitError
from tasks.database.graph import DependencyGraph
from tasks.database.guard import Toll
from tasks.database.manifest import ModelPayload
from tasks.database.peer import HELD_MAX, Held
from tasks.database.reconciler import PayloadReconciler, ReconciliationResult
from tasks.database.record import WHOLE, SyncRecord
from tasks.database.result import ConflictEntry, DatabaseResult
from tasks.database.storage import ArrivalStorage
from tasks.database.ties import Stamped, beats, same
from tasks.database.view import PeerView


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
            incoming[payload.model_label] = _joined(before, payload) if before else payload
        arrived = {payload.model_label: {*payload.records, *payload.deletes} for payload in payloads}
        heard = view
        for label, records in held.records.items():
            for key, record in records.items():
                _freshen(fresh, label, key, record, held, came=key in arrived.get(label, ()))
        view = replace(view, fresh=fresh if view.fresh is not None or held.fresh else None)
        work = _Work(
            self,
            view,
            received_at,
            new_stamp,
            later,
            result,
            applied,
            write,
            more,
            arrived,
            retried,
            held.told,
        )
        work.toll = toll if toll is not None and toll.watches else None
        for label in self.graph.sync_order():
            if label in incoming:
                work.overtaken(label, held, replace(heard, fresh=held.fresh))
                work.reconcile(incoming[label])
        if work.toll is not None:
            work.toll.check(self.node_id, self.storage, more=foreseen)
        if write:
            work.write()
        log = work.account()
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
        work = _Work(
            self, view, 0, new_stamp, new_stamp, DatabaseResult(), Applied(), False, False, {}, {}, {}
        )
        work.toll = toll
        for payload in payloads:
            work.reconcile(payload)


@dataclass
class _Work:
    applier: Applier
    view: PeerView
    received_at: int
    new_stamp: Callable[[], int]
    later: Callable[[], int]
    result: DatabaseResult
    applied: Applied
    writes: bool
    more: bool
    #: The keys that came with this exchange.
    arrived: dict[str, set[str]]
    #: The keys that were held before.
    retried: dict[str, set[str]]
    #: The conflicts that were told while their records were held.
    told: dict[str, dict[str, list[str]]]
    outcomes: dict[str, ReconciliationResult] = field(default_factory=dict)
    incoming: dict[str, ModelPayload] = field(default_factory=dict)
    known: dict[str, set[str]] = field(default_factory=dict)
    unwritten: dict[str, set[str]] = field(default_factory=dict)
    #: Written without foreign keys that are filled in afterwards: the peer knows all of it, and more.
    partly: dict[str, set[str]] = field(default_factory=dict)
    before: dict[str, list[ConflictEntry]] = field(default_factory=dict)
    toll: Toll | None = None

    def __post_init__(self) -> None:
        self.whole = {WHOLE: self.received_at}  # of all new records, and never changed

    def reconcile(self, payload: ModelPayload) -> None:
        label, storage = payload.model_label, self.applier.storage
        payload = self._accepted(payload)
        keys = [*payload.records, *payload.deletes]
        local = storage.get_records(label, keys) if keys else {}
        missing = [key for key in keys if key not in local]
        tombstones = storage.get_tombstones(label, missing) if missing else {}
        outcome = self.applier.reconciler.reconcile(
            payload,
            local,
            self.view.checkpoint,
            tombstones=tombstones,
            view=self.view,
            new_stamp=self.new_stamp,
        )
        for error in outcome.errors:
            record, stamp = payload.records.get(error.key), payload.deletes.get(error.key, 0)
            self._hold(label, error.key, error.reason, record=record, stamp=stamp)
        for key, record in outcome.to_upsert.items():
            self._mark(record, local.get(key))
            if key in outcome.decided_keys:
                self._mark_decided(record, local.get(key), payload.records.get(key))
        if self.toll is not None:
            for key, here in local.items():
                if key in outcome.to_delete:
                    self.toll.delete(label, here)
                elif (after := outcome.to_upsert.get(key)) is not None:
                    self.toll.update(label, here, after)
        self.outcomes[label], self.incoming[label], self.known[label] = outcome, payload, set(local)

    def overtaken(self, label: str, held: Held, view: PeerView) -> None:
        """What is held is about to be replaced by what came now: its conflicts are told first."""
        records = {
            key: record
            for key, record in held.records.get(label, {}).items()
            if key in self.arrived.get(label, ()) and self._refusal(record, self.applier.stamp_max()) is None
        }
        if records:
            local = self.applier.storage.get_records(label, list(records))
            outcome = self.applier.reconciler.reconcile(
                ModelPayload(label, records), local, view.checkpoint, view=view, new_stamp=self.new_stamp
            )
            self.before[label] = outcome.conflict_log

    def _accepted(self, payload: ModelPayload) -> ModelPayload:
        """The payload without what cannot be right; that is held."""
        label = payload.model_label
        records: dict[str, SyncRecord] = {}
        stamp_max = self.applier.stamp_max()
        for key, record in payload.records.items():
            reason = self._refusal(record, stamp_max)
            if reason is None:
                records[key] = record
            else:
                self._hold(label, key, reason, record=record)
        deletes: dict[str, int] = {}
        for key, stamp in payload.deletes.items():
            if stamp <= stamp_max:
                deletes[key] = stamp
            else:
                self._hold(label, key, "its deletion is stamped too far in the future", stamp=stamp)
        return ModelPayload(label, records, deletes)

    def _refusal(self, record: SyncRecord, stamp_max: int) -> str | None:
        if record.newest > stamp_max:
            return "it is stamped too far in the future: the clock of the node that edited it is wrong"
        identity = record.data.get(self.applier.identity_field)
        if identity is not None and str(identity) != record.key:
            return f"its {self.applier.identity_field!r} is not its key"
        return None

    def _hold(
        self, label: str, key: str, reason: str, *, record: SyncRecord | None = None, stamp: int = 0
    ) -> None:
        held = self.applied.held
        if record is not None:
            held.records.setdefault(label, {})[key] = record
            if self.view.fresh is not None and key in self.view.fresh.get(label, {}):
                held.fresh.setdefault(label, {})[key] = list(self.view.fresh[label][key])
        else:
            held.deletes.setdefault(label, {})[key] = stamp
        held.reasons.setdefault(label, {})[key] = reason
        self.applied.problems[label, key] = reason

    def _mark(self, record: SyncRecord, local: SyncRecord | None) -> None:
        """Note when the record's fields came here."""
        if local is None:
            record.arrivals, record.received_at = self.whole, self.received_at
            return
        changed = [
            name
            for name, value in record.data.items()
            if record.timestamps.get(name, 0) != local.timestamps.get(name, 0)
            or name not in local.data
            or (value is not local.data[name] and not same(local.data[name], value))
        ]
        record.move(self.received_at, changed)

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
        storage, order = self.applier.storage, self.applier.graph.sync_order()
        for label in order:
            outcome = self.outcomes.get(label)
            if outcome is None or not outcome.to_upsert:
                continue
            deferred = self.applier.graph.deferred(label)
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
                    self.unwritten[label] = set(self.applier.storage.upsert_many(label, again))
            if sum(len(self.unwritten.get(label, ())) for label in labels) == before:
                return

    def _deleting(self) -> Deleting:
        applier = self.applier

        def hold(label: str, key: str, reason: str) -> None:
            self._hold(label, key, reason, stamp=self.incoming[label].deletes.get(key, 0))
            if self.more:
                self.applied.waiting.add((label, key))

        def mark(record: SyncRecord, local: SyncRecord) -> None:
            self._mark(record, local)
            self._mark_decided(record, local)

        return Deleting(
            applier.storage,
            applier.graph,
            applier.identity_field,
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
        storage, failed = self.applier.storage, set[str]()
        if theirs:
            failed |= set(storage.delete_many(label, theirs, self.received_at) or ())
        if decided:
            failed |= set(storage.delete_many(label, decided, self.place) or ())
        return failed

    def account(self) -> list[ConflictEntry]:
        """Tell what became of each record, and what the peer has to hear; return the conflicts."""
        conflicts: list[ConflictEntry] = []
        refusals = getattr(self.applier.storage, "refusals", {}) if self.writes else {}
        for label, outcome in self.outcomes.items():
            payload, failed = self.incoming[label], self.unwritten.get(label, set())
            for key in sorted(failed):
                plain = "it could not be deleted" if key in outcome.to_delete else "it could not be written"
                self._hold(
                    label,
                    key,
                    refusals.get((label, key), plain),
                    record=payload.records.get(key),
                    stamp=payload.deletes.get(key, 0),
                )
            known = self.known[label]
            self._tell(
                "created", label, [key for key in outcome.to_upsert if key in outcome.created_keys], failed
            )
            self._tell(
                "applied", label, [key for key in outcome.to_upsert if key in outcome.applied_keys], failed
            )
            self._tell("deleted", label, [key for key in outcome.to_delete if key in known], failed)
            self._tell("compatible", label, outcome.compatible_keys, failed)
            self._tell("conflicts", label, outcome.conflict_keys, failed)
            log = self._new(label, [*self.before.get(label, []), *outcome.conflict_log], failed)
            conflicts += log
            partly = self.partly.get(label, set())
            self.applied.wrote |= bool(
                (outcome.to_upsert.keys() | outcome.to_delete.keys()) - failed | partly
            )
            records = {k: r for k, r in outcome.response_records.items() if k not in failed}
            deletes = {k: stamp for k, stamp in outcome.response_deletes.items() if k not in failed}
            held = [key for at, key in self.applied.problems if at == label]
            waiting = {key for at, key in self.applied.waiting if at == label}
            if released := self.retried.get(label, set()).difference(held):
                self.applied.released = True
                records |= self.applier.storage.get_records(label, sorted(released))
                gone = self.applier.storage.get_tombstones(label, sorted(released.difference(records)))
                deletes |= {key: tombstone.stamp for key, tombstone in gone.items()}
            self._tell_beside(
                label,
                [
                    key
                    for key in held
                    if key in self.arrived.get(label, ()) and key not in partly and key not in waiting
                ],
                records,
                deletes,
            )
            if records or deletes:
                self.applied.response[label] = ModelPayload(label, records, deletes)
        self.result.conflict_log.extend(conflicts)
        return conflicts

    def _tell_beside(
        self, label: str, held: list[str], records: dict[str, SyncRecord], deletes: dict[str, int]
    ) -> None:
        """Tell the peer what is here instead of what is held, as far as it does not know."""
        if not held:
            return
        here = self.applier.storage.get_records(label, held)
        records |= {key: r for key, r in here.items() if not self.view.knows_record(label, r)}
        gone = self.applier.storage.get_tombstones(label, [key for key in held if key not in here])
        unknown = {key: t for key, t in gone.items() if not self.view.knows_tombstone(label, key, t)}
        deletes |= {key: tombstone.stamp for key, tombstone in unknown.items()}

    def _new(self, label: str, log: list[ConflictEntry], failed: set[str]) -> list[ConflictEntry]:
        """The conflicts that were not told before: what is held meets the same one at every try."""
        new: list[ConflictEntry] = []
        for entry in log:
            key = entry.conflict.key
            mark, told = _mark_of(entry), self.told.get(label, {}).get(key, [])
            if mark not in told:
                new.append(entry)
            if key in failed:
                self.applied.held.told.setdefault(label, {})[key] = (
                    [*told, mark] if mark not in told else told
                )
        return new

    def _tell(self, kind: str, label: str, keys: list[str], failed: set[str]) -> None:
        good = [key for key in keys if key not in failed]
        if good:
            getattr(self.result, kind)[label].extend(good)


def _freshen(
    fresh: dict[str, dict[str, Iterable[str]]],
    label: str,
    key: str,
    record: SyncRecord,
    held: Held,
    *,
    came: bool,
) -> None:
    """What was new in a held record is still new, whatever has come for it since."""
    names = held.fresh.get(label, {}).get(key)
    new = fresh.setdefault(label, {})
    if not came and names is not None:
        new[key] = names
    elif came and key in new:
        new[key] = sorted({*new[key], *(record.data if names is None else names)})


def _mark_of(entry: ConflictEntry) -> str:
    """Names a conflict by its stamps."""
    conflict = entry.conflict
    fields = [(c.field_name, c.local_timestamp, c.remote_timestamp) for c in conflict.field_conflicts]
    records = [record.newest for record in (conflict.local, conflict.remote) if record and not fields]
    return json.dumps([str(conflict.conflict_type), fields, records])


def _joined(held: ModelPayload, payload: ModelPayload) -> ModelPayload:
    """What was held, as far as what came now does not replace it."""
    records, deletes = dict(held.records), dict(held.deletes)
    for key, record in payload.records.items():
        before = records.get(key)
        # Where the peer's record has grown newer it is whole: what it was before may have been deleted between.
        if before is not None and record.newest <= before.newest:
            data = {**before.data, **record.data}
            timestamps = {**before.timestamps, **record.timestamps}
            for name, value in before.data.items():
                old = Stamped(before.timestamps.get(name, 0), value)
                new = Stamped(record.timestamps.get(name, 0), record.data.get(name))
                if beats(old, new) or (name not in record.data and old.stamp > new.stamp):
                    data[name], timestamps[name] = value, old.stamp
            record = SyncRecord(key, data, timestamps)  # noqa: PLW2901  the two as one
        if deletes.get(key, -1) < record.newest:
            deletes.pop(key, None)
            records[key] = record
    for key, stamp in payload.deletes.items():
        if key not in records or records[key].newest <= stamp:
            records.pop(key, None)
            deletes[key] = max(stamp, deletes.get(key, 0))
    return ModelPayload(payload.model_label, records, deletes)


def newest_stamp(payloads: Mapping[str, ModelPayload] | list[ModelPayload], stamp_max: int) -> int:
    """The largest stamp of all that is not above `stamp_max`."""
    newest = 0
    for payload in payloads.values() if isinstance(payloads, Mapping) else payloads:
        stamps = [record.newest for record in payload.records.values()]
        newest = max(
            [newest, *(stamp for stamp in [*stamps, *payload.deletes.values()] if stamp <= stamp_max)]
        )
    return newest
