"""What a peer deleted is deleted here, children first; what something living refers to stays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from tasks.database.deciding.reconciler import ReconciliationResult
from tasks.database.records.conflict import ConflictType, RecordConflict, ResolutionSource
from tasks.database.records.graph import DependencyGraph
from tasks.database.records.record import SyncRecord
from tasks.database.records.result import ConflictEntry
from tasks.database.storages.referred import Name, References, renewed
from tasks.database.storages.storage import ArrivalStorage


@dataclass
class Deleting:
    """The deletions of one exchange, in two tries: what is not written yet may be written between them.

    As long as the peer has more to tell, or what refers to a record waits here for being written, nothing is decided
    on the record: its deletion is held.
    """

    storage: ArrivalStorage
    graph: DependencyGraph
    identity_field: str
    outcomes: Mapping[str, ReconciliationResult]
    #: The keys of the records that were here before.
    known: Mapping[str, set[str]]
    unwritten: dict[str, set[str]]
    more: bool
    new_stamp: Callable[[], int]
    #: Deletes records of a model; returns what was refused.
    delete: Callable[[str, dict[str, int]], set[str]]
    #: Keeps a deletion for later: model, key and why.
    hold: Callable[[str, str, str], None]
    #: Notes that a record was decided on here: what it is now, and what it was.
    mark: Callable[[SyncRecord, SyncRecord], None]

    def __post_init__(self) -> None:
        self.left = {label: dict(outcome.to_delete) for label, outcome in self.outcomes.items()}

    def attempt(self, *, last: bool) -> dict[str, dict[str, int]]:
        """Delete what can be deleted, and return the rest; after the `last` try that is what was refused."""
        here = {label: self.known[label].intersection(deletes) for label, deletes in self.left.items()}
        references = References(self.storage, here)
        stays, undecided = references.kept(self.unwritten)
        if self.more:
            stays, undecided = {}, {**undecided, **stays}
        for label, key in [*stays, *undecided]:
            del self.left[label][key]
        self._keep_alive(stays)
        for label in reversed(self.graph.sync_order()):
            if deletes := self.left.get(label):
                keys = references.children_first(label, deletes)
                failed = self.delete(label, {key: deletes[key] for key in keys})
                self.left[label] = {key: deletes[key] for key in keys if key in failed}
        for (label, key), child in undecided.items():
            if last or self.more:
                self._put_off(label, key, child)
            else:
                self.left[label][key] = self.outcomes[label].to_delete[key]
        return self.left

    def _put_off(self, label: str, key: str, child: Name) -> None:
        self._withdraw(label, key)
        self.hold(label, key, "{} {!r} refers to it and could not be written itself".format(*child))

    def _keep_alive(self, names: Iterable[Name]) -> None:
        """Give these records a life that is newer than their deletion."""
        by_label: dict[str, list[str]] = {}
        for label, key in names:
            by_label.setdefault(label, []).append(key)
        for label, keys in by_label.items():
            outcome = self.outcomes[label]
            renewals: dict[str, SyncRecord] = {}
            for key, local in self.storage.get_records(label, keys).items():
                stamp = max(self.new_stamp(), local.newest + 1, self._withdraw(label, key) + 1)
                renewals[key] = record = renewed(local, stamp, self.identity_field)
                self.mark(record, local)
                outcome.conflict_log.append(kept_alive(label, local, record))
                outcome.conflict_keys.append(key)
                outcome.applied_keys.add(key)
            outcome.to_upsert |= renewals
            outcome.response_records |= renewals
            self.unwritten.setdefault(label, set()).update(self.storage.upsert_many(label, renewals))

    def _withdraw(self, label: str, key: str) -> int:
        """It is not deleted, and nothing is said of its deletion; return that one's stamp."""
        outcome = self.outcomes[label]
        outcome.response_deletes.pop(key, None)
        outcome.conflict_log[:] = [entry for entry in outcome.conflict_log if entry.conflict.key != key]
        outcome.conflict_keys[:] = [each for each in outcome.conflict_keys if each != key]
        return outcome.to_delete.pop(key)


def kept_alive(label: str, local: SyncRecord, kept: SyncRecord) -> ConflictEntry:
    """What the ledger says of a record that stays, though a peer has deleted it."""
    conflict = RecordConflict(local.key, label, ConflictType.DELETE_VS_MODIFY, local=local)
    return ConflictEntry(conflict, ResolutionSource.LOCAL, kept)
