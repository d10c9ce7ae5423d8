"""What one run did."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from tasks.database.records.conflict import RecordConflict, ResolutionSource
from tasks.database.records.record import SyncRecord

#: The kinds of which a key is of one only, the most telling first.
_TELLING = ("skipped", "conflicts", "compatible", "deleted", "created", "applied")


def _by_model() -> defaultdict[str, list[str]]:
    return defaultdict(list)


class RecordError(str):
    """What went wrong with one record, as a line for people; it names the record, and knows it by its key."""

    model_label: str
    key: str
    #: The line without the record's name.
    reason: str
    #: What was raised, if anything was.
    exception: BaseException | None

    def __new__(
        cls, model_label: str, key: str, reason: str, exception: BaseException | None = None
    ) -> RecordError:
        """The line `model 'key': reason`."""
        error = super().__new__(cls, f"{model_label} {key!r}: {reason}")
        error.model_label, error.key, error.reason, error.exception = model_label, key, reason, exception
        return error

    @property
    def message(self) -> str:
        """The line itself."""
        return str(self)


@dataclass
class ConflictEntry:
    """A conflict that this node resolved; its `field_conflicts` hold both values."""

    conflict: RecordConflict
    resolution_source: ResolutionSource
    #: The record that stays. `None`: it is deleted, or, where fields are in conflict, it was not said.
    kept: SyncRecord | None = None


@dataclass
class DatabaseResult:
    """The keys of a run's records by model, by what became of them on this node: each is of one kind only.

    `pushed` stands beside them: what was sent may come back as something else.
    """

    #: The peer's fields were taken over; on the node that asks, its new records as well.
    applied: defaultdict[str, list[str]] = field(default_factory=_by_model)
    #: Both had edited the record, in different fields or to the same values.
    compatible: defaultdict[str, list[str]] = field(default_factory=_by_model)
    conflict_log: list[ConflictEntry] = field(default_factory=list)
    #: Both had edited the same fields, or one had deleted what the other edited.
    conflicts: defaultdict[str, list[str]] = field(default_factory=_by_model)
    #: New here, on the node that answers.
    created: defaultdict[str, list[str]] = field(default_factory=_by_model)
    deleted: defaultdict[str, list[str]] = field(default_factory=_by_model)
    #: One line for each thing that went wrong; one about a record is a `RecordError`.
    errors: list[str] = field(default_factory=list)
    #: Sent to the peer.
    pushed: defaultdict[str, list[str]] = field(default_factory=_by_model)
    #: Could not be applied; they are kept and tried again.
    skipped: defaultdict[str, list[str]] = field(default_factory=_by_model)

    @property
    def ok(self) -> bool:
        """Whether nothing went wrong."""
        return not self.errors

    def settle(self, *, asking: bool = False) -> None:
        """Name each key once, by what says most of what became of it in all exchanges.

        What an `asking` node took is all `applied`: it did not ask for any of it by name.
        """
        if asking:
            for label, keys in self.created.items():
                self.applied[label] += keys
            self.created.clear()
        named: dict[str, set[str]] = {}
        for kind in _TELLING:
            for label, keys in getattr(self, kind).items():
                before = named.setdefault(label, set())
                keys[:] = [key for key in dict.fromkeys(keys) if key not in before]
                before.update(keys)

    def counts(self) -> dict[str, int]:
        """How many records there are of each kind, without the kinds that have none."""
        kinds = ("pushed", "created", "applied", "deleted", "compatible", "conflicts", "skipped")
        sums = {kind: sum(map(len, getattr(self, kind).values())) for kind in kinds}
        return {kind: count for kind, count in sums.items() if count}
