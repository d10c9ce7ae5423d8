"""A node's sync as a scheduled task."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tasks.clock import boot_seconds, pass_time
from tasks.database.conflict import FieldConflict, ResolutionSource
from tasks.database.engine import DatabaseEngine
from tasks.database.exceptions import MassChangeError, SyncAbortedError
from tasks.database.guard import refuse
from tasks.database.result import ConflictEntry, DatabaseResult
from tasks.database.ties import same
from tasks.scheduled import Scheduled

#: Lines that are kept of one run.
NOTES = 100


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


@dataclass(frozen=True)
class NodeReport:
    """What one run did, in the form in which a worker enters it."""

    #: `succeeded`, or `failed` where something could not be applied.
    status: str
    reason: str
    counts: Mapping[str, int]
    notes: list[str]
    lost: list[LostValue] = field(default_factory=list)


class DatabaseSync(Scheduled):
    """Runs a node's engine by the schedule, like any other task.

    Args:
        name: names the task in status and history.
        engine: the node's engine, with a transport.
    """

    def __init__(self, name: str, engine: DatabaseEngine) -> None:
        super().__init__(name)
        self.engine = engine

    async def __call__(self) -> None:
        """Run as scheduled in this process.

        Raises:
            SyncError: a run could not end, or something could not be applied.
        """
        runs = 0
        while self.plan_schedule.total is None or runs < self.plan_schedule.total:
            started = boot_seconds()
            done = await self.run()
            runs += 1
            if done.status != "succeeded":
                raise SyncAbortedError(f"task {self.name!r}: {done.reason}")
            if self.plan_schedule.every is not None:
                await pass_time(started + self.plan_schedule.every.total_seconds() - boot_seconds())

    async def run(
        self, *, dry_run: bool = False, approve: Callable[[MassChangeError], bool] = refuse
    ) -> NodeReport:
        """Sync once, in a thread of its own.

        Raises:
            MassChangeError: it would destroy too much on this node, and `approve` did not let it.
            SyncError: the run could not end.
        """
        return report(await asyncio.to_thread(self.engine.sync, dry_run, approve=approve))


def report(result: DatabaseResult) -> NodeReport:
    """The result as a run's record."""
    reason = (
        "" if result.ok else f"{len(result.errors)} records do not get through; the first: {result.errors[0]}"
    )
    return NodeReport(
        status="succeeded" if result.ok else "failed",
        reason=reason,
        counts=result.counts(),
        notes=result.errors[:NOTES],
        lost=[value for entry in result.conflict_log for value in lost_values(entry)],
    )


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


__all__ = ["DatabaseSync", "LostValue", "NodeReport", "lost_values", "report"]
