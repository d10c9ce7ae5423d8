"""What becomes of the records that a peer sent. Pure: the same input gives the same result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import NoneType

from tasks.database.exceptions import InvalidParameterError
from tasks.database.records.conflict import (
    ConflictResolver,
    ConflictType,
    FieldConflict,
    FieldTimestampWins,
    RecordConflict,
    RecordResolution,
    ResolutionSource,
)
from tasks.database.records.differing import differing
from tasks.database.records.manifest import ModelPayload
from tasks.database.records.record import SyncRecord
from tasks.database.records.result import ConflictEntry, RecordError
from tasks.database.records.ties import Stamped, beats, is_nothing, same, tied
from tasks.database.storages.storage import Tombstone
from tasks.database.storages.view import Cursor, PeerView


@dataclass
class ReconciliationResult:
    """What to write here, and what to tell the peer. Each key of the payload is of one kind only."""

    #: The peer's word holds, or says nothing new.
    applied_keys: set[str] = field(default_factory=set)
    #: Both had edited the record, in different fields or to the same values.
    compatible_keys: list[str] = field(default_factory=list)
    #: The fields in which a record of `to_upsert` is another one than here, as far as that was looked at.
    changed_fields: dict[str, list[str]] = field(default_factory=dict)
    conflict_keys: list[str] = field(default_factory=list)
    conflict_log: list[ConflictEntry] = field(default_factory=list)
    created_keys: set[str] = field(default_factory=set)
    #: Records with stamps that were given here and now.
    decided_keys: set[str] = field(default_factory=set)
    #: Records and deletions on which the resolver failed: nothing is decided on them.
    errors: list[RecordError] = field(default_factory=list)
    #: Records that end otherwise than the peer sent them.
    response_records: dict[str, SyncRecord] = field(default_factory=dict)
    #: Tombstones that the peer must hear of.
    response_deletes: dict[str, int] = field(default_factory=dict)
    to_delete: dict[str, int] = field(default_factory=dict)
    to_upsert: dict[str, SyncRecord] = field(default_factory=dict)


class _UndecidedError(Exception):
    """The resolver gave no word that can be kept."""


class PayloadReconciler:
    """Reconciles a peer's payload with what is here, field by field.

    `resolver` is asked about what both edited without knowing of each other; everything else follows from the
    stamps alone. A decision of its that the stamps would not give gets a new stamp, so that all nodes take it.
    """

    def __init__(self, resolver: ConflictResolver | None = None) -> None:
        self._resolver = resolver or FieldTimestampWins()

    def reconcile(
        self,
        payload: ModelPayload,
        local_records: dict[str, SyncRecord],
        checkpoint: int,
        *,
        tombstones: Mapping[str, Tombstone] | None = None,
        view: PeerView | None = None,
        new_stamp: Callable[[], int] | None = None,
    ) -> ReconciliationResult:
        """Decide on every record and deletion of the payload.

        Args:
            payload: what the peer sent.
            local_records: the records of its keys that are here.
            checkpoint: how far the peer is in this node's order of arrival.
            tombstones: the tombstones of its keys that are here.
            view: what the peer knows in detail, instead of `checkpoint`.
            new_stamp: gives the stamps of decisions; without it they are one above the stamps they settle.

        Raises:
            InvalidParameterError: the checkpoint is negative.
        """
        if checkpoint < 0:
            raise InvalidParameterError(f"checkpoint must be non-negative, got {checkpoint}")
        work = _Work(
            payload.model_label,
            self._resolver,
            view or PeerView(has=_at(checkpoint), checkpoint=checkpoint),
            new_stamp,
        )
        for key, remote in payload.records.items():
            local = local_records.get(key)
            try:
                if local is not None:
                    work.both_live(local, remote)
                else:
                    work.only_remote(remote, (tombstones or {}).get(key))
            except _UndecidedError as error:
                work.leave(key, error)
        for key, stamp in payload.deletes.items():
            try:
                work.deletion(key, stamp, local_records.get(key), (tombstones or {}).get(key))
            except _UndecidedError as error:
                work.leave(key, error)
        return work.result


def _at(checkpoint: int) -> Cursor:
    return Cursor(checkpoint)


@dataclass
class _Work:
    label: str
    resolver: ConflictResolver
    view: PeerView
    new_stamp: Callable[[], int] | None
    result: ReconciliationResult = field(default_factory=ReconciliationResult)

    def __post_init__(self) -> None:
        self.excluded: frozenset[str] = getattr(self.resolver, "excluded", frozenset())

    def leave(self, key: str, error: _UndecidedError) -> None:
        """The resolver has failed on this key: nothing is decided on it."""
        self.result.errors.append(RecordError(self.label, key, str(error), error.__cause__))

    def both_live(self, local: SyncRecord, remote: SyncRecord) -> None:
        key = local.key
        data, timestamps = dict(local.data), dict(local.timestamps)
        conflicts: list[FieldConflict] = []
        taken: list[str] = []
        local_news = remote_news = False
        remote = self._without_excluded(remote)
        for name in differing(remote, local):
            theirs_value = remote.data[name]
            theirs, ours = remote.timestamps.get(name, 0), local.timestamps.get(name, 0)
            known = name in local.data
            equal = known and same(local.data[name], theirs_value)
            # An edit that could not be made by somebody who saw the other value.
            ours_new = known and not self.view.knows_field(self.label, local, name)
            theirs_new = self.view.sent_new(self.label, key, name, theirs)
            if equal or not known:
                local_news |= ours_new
                remote_news |= theirs_new
                if not known or theirs > ours:
                    data[name], timestamps[name] = theirs_value, max(theirs, ours)
                    taken.append(name)
                continue
            here, there = Stamped(ours, local.data[name]), Stamped(theirs, theirs_value)
            theirs_wins = beats(there, here)
            local_news |= ours_new and ours > theirs
            remote_news |= theirs_new and theirs > ours
            if not is_nothing(here if theirs_wins else there) and (
                (ours_new and theirs_new)
                or (theirs_new and theirs <= ours)
                or (ours_new and ours <= theirs)
                or tied(ours, theirs)
            ):
                conflicts.append(FieldConflict(name, local.data[name], theirs_value, ours, theirs))
            if theirs_wins:
                data[name] = theirs_value
                taken.append(name)
                timestamps.pop(name, None)
                if theirs:
                    timestamps[name] = theirs
        merged = SyncRecord(key, data, timestamps)
        if conflicts:
            merged = self._resolved(local, remote, merged, conflicts)
            self.result.conflict_keys.append(key)
        elif local_news and remote_news:
            self.result.compatible_keys.append(key)
        else:
            self.result.applied_keys.add(key)
        if conflicts:
            self._keep(local, merged)
        elif taken:
            self._write(local, merged, taken)
        if _differ(self._without_excluded(merged), remote):
            self.result.response_records[key] = self.result.to_upsert.get(key, local)

    def _without_excluded(self, record: SyncRecord) -> SyncRecord:
        """The record without the fields that stay as they are on each node that has the record."""
        if self.excluded.isdisjoint(record.data):
            return record
        data = {name: value for name, value in record.data.items() if name not in self.excluded}
        return SyncRecord(record.key, data, record.timestamps)

    def _keep(self, local: SyncRecord, merged: SyncRecord) -> None:
        if changed := differing(merged, local):
            self._write(local, replace(merged), changed)

    def _write(self, local: SyncRecord, merged: SyncRecord, changed: list[str]) -> None:
        """The record becomes another one in these fields."""
        merged.received_at, merged.arrivals = local.received_at, local.arrivals.copy()
        self.result.to_upsert[local.key] = merged
        self.result.changed_fields[local.key] = changed

    def _resolved(
        self, local: SyncRecord, remote: SyncRecord, merged: SyncRecord, conflicts: list[FieldConflict]
    ) -> SyncRecord:
        """The record that stays: `merged` in all that is not in conflict, the resolver's word in the rest."""
        ours, theirs = _copied(merged), _copied(merged)
        for conflict in conflicts:
            name = conflict.field_name
            ours.data[name], ours.timestamps[name] = conflict.local_value, conflict.local_timestamp
            theirs.data[name], theirs.timestamps[name] = conflict.remote_value, conflict.remote_timestamp
        question = RecordConflict(local.key, self.label, ConflictType.BOTH_MODIFIED, conflicts, ours, theirs)
        answer = self._asked(question)
        if answer.record is None:
            raise _UndecidedError("the resolver gave no record, though nobody deleted it")
        by_time = getattr(self.resolver, "settles_by_time", lambda _: False)
        ties = {c.field_name for c in conflicts if tied(c.local_timestamp, c.remote_timestamp)}
        data, timestamps = dict(merged.data), dict(merged.timestamps)
        # A default never wins, whatever a resolver thinks of where it is.
        ties -= {
            c.field_name
            for c in conflicts
            if c.local_timestamp == c.remote_timestamp and not by_time(c.field_name)
        }
        for name, value in answer.record.data.items():
            settled = name in self.excluded or name in ties
            if not settled and not (name in data and same(data[name], value)):
                data[name] = value
                timestamps[name] = self._new_stamp(ours, theirs)
        kept = SyncRecord(local.key, data, timestamps)
        self.result.conflict_log.append(ConflictEntry(question, _source(answer, conflicts, kept), kept))
        return kept

    def _asked(self, question: RecordConflict) -> RecordResolution:
        """The resolver's word.

        Raises:
            _UndecidedError: it failed, or gave something else.
        """
        try:
            answer = self.resolver.resolve(question)
        except Exception as error:  # a person's code may raise anything
            raise _UndecidedError(f"the resolver failed on it ({type(error).__name__}: {error})") from error
        if not isinstance(answer, RecordResolution) or not isinstance(answer.record, (SyncRecord, NoneType)):
            raise _UndecidedError(f"the resolver gave a {type(answer).__name__} that is no RecordResolution")
        return answer

    def only_remote(self, remote: SyncRecord, tombstone: Tombstone | None) -> None:
        key = remote.key
        if tombstone is None:
            self.result.created_keys.add(key)
            # Its own mark of arrival, and nothing else that anybody changes.
            self.result.to_upsert[key] = SyncRecord(key, remote.data, remote.timestamps, remote.received_at)
            return
        newer = remote.newest > tombstone.stamp
        edited = any(
            self.view.sent_new(self.label, key, name, remote.timestamps.get(name, 0)) for name in remote.data
        )
        knew = self.view.knows_tombstone(self.label, key, tombstone)
        live, asked = newer, False
        if edited and not (newer and knew):
            asked = True
            question = RecordConflict(key, self.label, ConflictType.MODIFY_VS_DELETE, remote=remote)
            live = self._lives(question, newer)
        if live:
            record = _copied(remote)
            if not newer:
                newest = self._new_stamp(remote, above=tombstone.stamp)
                record.timestamps.update(dict.fromkeys(record.data, newest))
                self.result.response_records[key] = record
            if not asked:
                self.result.created_keys.add(key)
            self.result.to_upsert[key] = record
        elif newer:
            stamp = self._new_stamp(remote, above=tombstone.stamp)
            self.result.to_delete[key] = self.result.response_deletes[key] = stamp
        else:
            self.result.response_deletes[key] = tombstone.stamp

    def deletion(self, key: str, stamp: int, local: SyncRecord | None, tombstone: Tombstone | None) -> None:
        if local is None:
            if tombstone is None or tombstone.stamp < stamp:
                self.result.to_delete[key] = stamp
            elif tombstone.stamp > stamp:
                self.result.response_deletes[key] = tombstone.stamp
            return
        newer = local.newest > stamp
        live = newer
        if newer or not self.view.knows_record(self.label, local):
            question = RecordConflict(key, self.label, ConflictType.DELETE_VS_MODIFY, local=local)
            live = self._lives(question, newer)
        if live:
            kept = _copied(local)
            if not newer:
                kept.timestamps.update(dict.fromkeys(kept.data, self._new_stamp(local, above=stamp)))
                self._keep(local, kept)
            self.result.response_records[key] = kept
        elif newer:
            fresh = self._new_stamp(local, above=stamp)
            self.result.to_delete[key] = self.result.response_deletes[key] = fresh
        else:
            self.result.to_delete[key] = stamp

    def _lives(self, question: RecordConflict, edit_is_newer: bool) -> bool:
        """Whether the edited record stays; who decides by time is asked only where the edit is newer."""
        theirs = question.conflict_type == ConflictType.MODIFY_VS_DELETE
        if hasattr(self.resolver, "settles_by_time") and not edit_is_newer:
            source = ResolutionSource.LOCAL if theirs else ResolutionSource.REMOTE
            answer = RecordResolution(None, source, delete=True)
        else:
            answer = self._asked(question)
        self.result.conflict_keys.append(question.key)
        lives = not answer.delete and answer.record is not None
        edited = question.remote if theirs else question.local
        self.result.conflict_log.append(ConflictEntry(question, answer.source, edited if lives else None))
        return lives

    def _new_stamp(self, *records: SyncRecord, above: int = 0) -> int:
        self.result.decided_keys.update(record.key for record in records)
        least = max([above, *(record.newest for record in records)]) + 1
        return max(least, self.new_stamp()) if self.new_stamp is not None else least


def _source(answer: RecordResolution, conflicts: list[FieldConflict], kept: SyncRecord) -> ResolutionSource:
    """Whose values stay: the resolver's word, unless the values themselves have settled a tie otherwise."""
    names = [conflict.field_name for conflict in conflicts]
    if answer.record is not None and all(
        name in answer.record.data and same(answer.record.data[name], kept.data[name]) for name in names
    ):
        return answer.source
    if all(same(conflict.local_value, kept.data[conflict.field_name]) for conflict in conflicts):
        return ResolutionSource.LOCAL
    if all(same(conflict.remote_value, kept.data[conflict.field_name]) for conflict in conflicts):
        return ResolutionSource.REMOTE
    return ResolutionSource.MERGED


def _copied(record: SyncRecord) -> SyncRecord:
    return replace(
        record, data=dict(record.data), timestamps=dict(record.timestamps), arrivals=dict(record.arrivals)
    )


def _differ(one: SyncRecord, other: SyncRecord) -> bool:
    """Whether a peer that has the one must still hear of the other."""
    if one.data == other.data and one.timestamps == other.timestamps:
        return False
    return one.data.keys() != other.data.keys() or bool(differing(one, other))
