"""What one run did."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from tasks.database.conflict import RecordConflict, ResolutionSource
from tasks.database.record import SyncRecord


def _by_model() -> defaultdict[str, list[str]]:
    return defaultdict(list)


@dataclass
class ConflictEntry:
    """A conflict that this node resolved; its `field_conflicts` hold both values."""

    conflict: RecordConflict
    resolution_source: ResolutionSource
    #: The record that stays. `None`: it is deleted, or, where fields are in conflict, it was not said.
    kept: SyncRecord | None = None


@dataclass
class DatabaseResult:
    """The keys of a run's records by model, by what became of them on this node."""

    #: Fields of the peer were taken over.
    applied: defaultdict[str, list[str]] = field(default_factory=_by_model)
    #: Both had edited the record, in different fields.
    compatible: defaultdict[str, list[str]] = field(default_factory=_by_model)
    conflict_log: list[ConflictEntry] = field(default_factory=list)
    #: Both had edited the same fields, or one had deleted what the other edited.
    conflicts: defaultdict[str, list[str]] = field(default_factory=_by_model)
    created: defaultdict[str, list[str]] = field(default_factory=_by_model)
    deleted: defaultdict[str, list[str]] = field(default_factory=_by_model)
    #: One line for each thing that went wrong.
    errors: list[str] = field(default_factory=list)
    #: Sent to the peer.
    pushed: defaultdict[str, list[str]] = field(default_factory=_by_model)
    #: Could not be applied; they are kept and tried again.
    skipped: defaultdict[str, list[str]] = field(default_factory=_by_model)

    @property
    def ok(self) -> bool:
        """Whether nothing went wrong."""
        return not self.errors

    def counts(self) -> dict[str, int]:
        """How many records there are of each kind, without the kinds that have none."""
        kinds = ("pushed", "created", "applied", "deleted", "compatible", "conflicts", "skipped")
        sums = {kind: sum(map(len, getattr(self, kind).values())) for kind in kinds}
        return {kind: count for kind, count in sums.items() if count}
