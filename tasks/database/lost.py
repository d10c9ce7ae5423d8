"""What lost in a node's conflicts, value by value, for the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tasks.database.conflict import FieldConflict, ResolutionSource
from tasks.database.result import ConflictEntry, DatabaseResult
from tasks.database.ties import same


@dataclass(frozen=True)
class LostValue:
    """A value that lost a conflict, for the ledger."""

    model_label: str
    key: str
    #: Empty where a whole record lost against a deletion, or won against one.
    field_name: str
    kept: Any
    lost: Any
    kept_timestamp: int
    lost_timestamp: int
    rule: str


def lost_in(result: DatabaseResult) -> list[LostValue]:
    """All that lost in one run."""
    return [value for entry in result.conflict_log for value in lost_values(entry)]


def lost_values(entry: ConflictEntry) -> list[LostValue]:
    """What lost in a conflict: field by field, or a whole record beside a deletion."""
    if entry.conflict.field_conflicts:
        return [value for found in entry.conflict.field_conflicts for value in _lost_sides(entry, found)]
    conflict = entry.conflict
    edited = conflict.local or conflict.remote
    data, stamp = (dict(edited.data), edited.newest) if edited else ({}, 0)
    rule = f"{conflict.conflict_type}: {entry.resolution_source}"
    if entry.kept is not None:  # what lost is the deletion
        return [LostValue(conflict.model_label, conflict.key, "", data, None, stamp, 0, rule)]
    return [LostValue(conflict.model_label, conflict.key, "", None, data, 0, stamp, rule)]


def _lost_sides(entry: ConflictEntry, found: FieldConflict) -> list[LostValue]:
    """The sides of a field that do not stay: one of the two, or both where a resolver made a third value."""
    name, conflict = found.field_name, entry.conflict
    local, remote = (
        (found.local_value, found.local_timestamp),
        (found.remote_value, found.remote_timestamp),
    )
    if entry.kept is not None and name in entry.kept.data:
        kept, kept_at = entry.kept.data[name], entry.kept.timestamps.get(name, 0)
    else:
        kept, kept_at = remote if entry.resolution_source == ResolutionSource.REMOTE else local
    return [
        LostValue(
            conflict.model_label,
            conflict.key,
            name,
            kept,
            lost,
            kept_at,
            lost_at,
            str(entry.resolution_source),
        )
        for lost, lost_at in (local, remote)
        if not same(lost, kept)
    ]
