"""What two nodes may disagree on, and who wins."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from tasks.database.exceptions import InvalidParameterError
from tasks.database.records.record import SyncRecord
from tasks.database.records.ties import same

#: Columns that keep a record's own stamps: they are never merged.
META_FIELDS = frozenset({"sync_field_last_modified", "sync_field_timestamps"})


class ConflictType(StrEnum):
    """How a record was changed on both nodes."""

    BOTH_MODIFIED = "both_modified"
    #: Both edited it, in different fields.
    COMPATIBLE = "compatible"
    #: The peer deleted what this node edited.
    DELETE_VS_MODIFY = "delete_vs_modify"
    #: The peer edited what this node deleted.
    MODIFY_VS_DELETE = "modify_vs_delete"


class ResolutionSource(StrEnum):
    """Whose values stay."""

    LOCAL = "local"
    MERGED = "merged"
    REMOTE = "remote"


@dataclass
class FieldConflict:
    """A field that both nodes edited without knowing of each other."""

    field_name: str
    local_value: Any
    remote_value: Any
    local_timestamp: int
    remote_timestamp: int


@dataclass
class RecordConflict:
    """A record that both nodes changed without knowing of each other."""

    key: str
    model_label: str
    conflict_type: ConflictType
    field_conflicts: list[FieldConflict] = field(default_factory=list)
    local: SyncRecord | None = None
    remote: SyncRecord | None = None


@dataclass
class RecordResolution:
    """What a resolver decided: the record that stays, or its deletion."""

    record: SyncRecord | None
    source: ResolutionSource
    delete: bool = False
    field_conflicts: list[FieldConflict] = field(default_factory=list)


class ConflictResolver(Protocol):
    """Decides conflicts. What it decides becomes the newest edit, so that all nodes end with it."""

    def resolve(self, conflict: RecordConflict) -> RecordResolution:
        """The record that stays."""
        ...


class FieldTimestampWins:
    """Field by field, the newer edit stays; an edit that is newer than a deletion survives it.

    Equal stamps: called by itself, the local value stays, or the remote one with `prefer_remote_on_tie`. In a
    sync, ties are decided alike on all nodes by the values themselves, unless `prefer_remote_on_tie` is set.
    """

    def __init__(self, exclude_fields: set[str] | None = None, prefer_remote_on_tie: bool = False) -> None:
        self._exclude = frozenset(exclude_fields or set()) | META_FIELDS
        self._prefer_remote_on_tie = prefer_remote_on_tie

    @property
    def excluded(self) -> frozenset[str]:
        """Fields that each node which has the record keeps as they are: no word is said of them."""
        return self._exclude

    def settles_by_time(self, field_name: str) -> bool:
        """Whether nothing but the stamps decides on this field."""
        return field_name not in self._exclude and not self._prefer_remote_on_tie

    def resolve(self, conflict: RecordConflict) -> RecordResolution:
        """The record with the newer value of each field."""
        if (kept := _kept_edit(conflict)) is not None:
            return kept
        local, remote = _require_both(conflict)
        return _merge_fields(local, remote, conflict, self._exclude, self._prefer_remote_on_tie)


class FieldOwnershipWins:
    """Each field belongs to one of the two nodes; of all others the newer edit stays.

    Raises:
        InvalidParameterError: a field belongs to both.
    """

    def __init__(
        self,
        local_fields: set[str],
        remote_fields: set[str],
        exclude_fields: set[str] | None = None,
        prefer_remote_on_tie: bool = False,
    ) -> None:
        if overlap := local_fields & remote_fields:
            raise InvalidParameterError(f"local_fields and remote_fields must not overlap: {overlap}")
        self._exclude = frozenset(exclude_fields or set()) | META_FIELDS
        self._local_fields = frozenset(local_fields)
        self._prefer_remote_on_tie = prefer_remote_on_tie
        self._remote_fields = frozenset(remote_fields)

    @property
    def excluded(self) -> frozenset[str]:
        """Fields that each node which has the record keeps as they are: no word is said of them."""
        return self._exclude

    def settles_by_time(self, field_name: str) -> bool:
        """Whether nothing but the stamps decides on this field."""
        owned = self._local_fields | self._remote_fields | self._exclude
        return field_name not in owned and not self._prefer_remote_on_tie

    def resolve(self, conflict: RecordConflict) -> RecordResolution:
        """The record with each field of its owner."""
        if (kept := _kept_edit(conflict)) is not None:
            return kept
        local, remote = _require_both(conflict)
        return _merge_fields(
            local,
            remote,
            conflict,
            self._exclude,
            self._prefer_remote_on_tie,
            local_fields=self._local_fields,
            remote_fields=self._remote_fields,
        )


class LocalWins:
    """The state of the node that resolves stays, its deletions too."""

    def resolve(self, conflict: RecordConflict) -> RecordResolution:
        """The local record, or its deletion."""
        if conflict.conflict_type == ConflictType.MODIFY_VS_DELETE:
            return RecordResolution(record=None, source=ResolutionSource.LOCAL, delete=True)
        return RecordResolution(
            record=_require_local(conflict),
            source=ResolutionSource.LOCAL,
            field_conflicts=conflict.field_conflicts,
        )


class RemoteWins:
    """The state of the peer stays, its deletions too."""

    def resolve(self, conflict: RecordConflict) -> RecordResolution:
        """The remote record, or its deletion."""
        if conflict.conflict_type == ConflictType.DELETE_VS_MODIFY:
            return RecordResolution(record=None, source=ResolutionSource.REMOTE, delete=True)
        return RecordResolution(
            record=_require_remote(conflict),
            source=ResolutionSource.REMOTE,
            field_conflicts=conflict.field_conflicts,
        )


def _kept_edit(conflict: RecordConflict) -> RecordResolution | None:
    if conflict.conflict_type == ConflictType.DELETE_VS_MODIFY:
        return RecordResolution(record=_require_local(conflict), source=ResolutionSource.LOCAL)
    if conflict.conflict_type == ConflictType.MODIFY_VS_DELETE:
        return RecordResolution(record=_require_remote(conflict), source=ResolutionSource.REMOTE)
    return None


def _require_local(conflict: RecordConflict) -> SyncRecord:
    if conflict.local is None:
        raise InvalidParameterError(f"conflict of {conflict.key!r} has no local record")
    return conflict.local


def _require_remote(conflict: RecordConflict) -> SyncRecord:
    if conflict.remote is None:
        raise InvalidParameterError(f"conflict of {conflict.key!r} has no remote record")
    return conflict.remote


def _require_both(conflict: RecordConflict) -> tuple[SyncRecord, SyncRecord]:
    return _require_local(conflict), _require_remote(conflict)


def _merge_fields(
    local: SyncRecord,
    remote: SyncRecord,
    conflict: RecordConflict,
    exclude: Collection[str],
    prefer_remote_on_tie: bool,
    *,
    local_fields: Collection[str] = (),
    remote_fields: Collection[str] = (),
) -> RecordResolution:
    data = {name: value for name, value in local.data.items() if name not in exclude}
    timestamps = dict(local.timestamps)
    taken = kept = 0
    for name, value in remote.data.items():
        if name in exclude:
            continue
        ours, theirs = local.timestamps.get(name, 0), remote.timestamps.get(name, 0)
        newer = theirs > ours or (theirs == ours and prefer_remote_on_tie)
        if name not in data or name in remote_fields or (newer and name not in local_fields):
            taken += name not in data or not same(data[name], value) or theirs != ours
            data[name] = value
            timestamps[name] = theirs
        else:
            kept += not same(data[name], value) or theirs != ours
    kept += len(data.keys() - remote.data.keys())
    source = ResolutionSource.REMOTE if taken and not kept else ResolutionSource.LOCAL
    if taken and kept:
        source = ResolutionSource.MERGED
    timestamps = {
        name: stamp for name, stamp in timestamps.items() if name in data or (stamp and name not in exclude)
    }
    return RecordResolution(
        SyncRecord(local.key, data, timestamps), source, field_conflicts=conflict.field_conflicts
    )
