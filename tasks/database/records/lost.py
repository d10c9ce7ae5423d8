"""What lost in a node's conflicts, value by value, for the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tasks.database.records.conflict import ConflictType, FieldConflict, ResolutionSource
from tasks.database.records.result import ConflictEntry, DatabaseResult
from tasks.database.records.ties import same


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
    #: Whose value stays: that of the node that resolved it, its peer's, or one that a resolver made.
    kept_of: ResolutionSource
    #: Whose value lost: the node's or its peer's.
    lost_of: ResolutionSource
    #: The whole record, as far as it is known: a person knows it by what it holds.
    record: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


def lost_in(result: DatabaseResult) -> list[LostValue]:
    """All that lost in one run."""
    return [value for entry in result.conflict_log for value in lost_values(entry)]


def lost_values(entry: ConflictEntry) -> list[LostValue]:
    """What lost in a conflict: field by field, or a whole record beside a deletion."""
    if entry.conflict.field_conflicts:
        return [value for found in entry.conflict.field_conflicts for value in _lost_sides(entry, found)]
    return [_beside_deletion(entry)]


def _beside_deletion(entry: ConflictEntry) -> LostValue:
    conflict = entry.conflict
    edited = conflict.local or conflict.remote
    data, stamp = (dict(edited.data), edited.newest) if edited else ({}, 0)
    editor, deleter = ResolutionSource.LOCAL, ResolutionSource.REMOTE
    if conflict.conflict_type == ConflictType.MODIFY_VS_DELETE:
        editor, deleter = deleter, editor
    rule = f"{conflict.conflict_type}: {entry.resolution_source}"
    label, key = conflict.model_label, conflict.key
    if entry.kept is not None:  # what lost is the deletion
        return LostValue(label, key, "", data, None, stamp, 0, rule, editor, deleter, data)
    return LostValue(label, key, "", None, data, 0, stamp, rule, deleter, editor, data)


def _lost_sides(entry: ConflictEntry, found: FieldConflict) -> list[LostValue]:
    """The sides of a field that do not stay: one of the two, or both where a resolver made a third value."""
    name, conflict = found.field_name, entry.conflict
    sides = {
        ResolutionSource.LOCAL: (found.local_value, found.local_timestamp),
        ResolutionSource.REMOTE: (found.remote_value, found.remote_timestamp),
    }
    if entry.kept is not None and name in entry.kept.data:
        kept, kept_at = entry.kept.data[name], entry.kept.timestamps.get(name, 0)
    else:
        local = entry.resolution_source != ResolutionSource.REMOTE
        kept, kept_at = sides[ResolutionSource.LOCAL if local else ResolutionSource.REMOTE]
    record = entry.kept or conflict.local or conflict.remote
    stays = [side for side, (value, _) in sides.items() if same(value, kept)]
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
            stays[0] if stays else ResolutionSource.MERGED,
            side,
            {} if record is None else record.data,
        )
        for side, (lost, lost_at) in sides.items()
        if side not in stays
    ]
