"""A node's sync as a scheduled task."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Self

from tasks.database.conflict import canonical
from tasks.database.engine import DatabaseEngine
from tasks.database.result import ConflictEntry, DatabaseResult
from tasks.schedule import Schedule

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


class DatabaseSync:
    """Runs a node's engine by the schedule, like any other task.

    Args:
        name: names the task in status and history.
        engine: the node's engine, with a transport.
    """

    def __init__(self, name: str, engine: DatabaseEngine) -> None:
        self.name = name
        self.engine = engine
        self._schedule = Schedule()
        self._limited = False

    def run_every(self, hours: int = 0, minutes: int = 0, seconds: int = 0) -> Self:
        """Run again and again, with this period between the starts of two runs."""
        every = timedelta(hours=hours, minutes=minutes, seconds=seconds)
        self._schedule = Schedule(every, self._schedule.total if self._limited else None)
        return self

    def in_total(self, times: int) -> Self:
        """End after so many runs that really ran."""
        self._schedule = replace(self._schedule, total=times)
        self._limited = True
        return self

    def run_once(self) -> Self:
        """Run a single time."""
        self._schedule = Schedule(None, 1)
        self._limited = True
        return self

    @property
    def plan_schedule(self) -> Schedule:
        """The schedule as it stands."""
        return self._schedule

    async def run(self, *, dry_run: bool = False) -> NodeReport:
        """Sync once, in a thread of its own.

        Raises:
            SyncError: the run could not end.
        """
        return report(await asyncio.to_thread(self.engine.sync, dry_run))


def report(result: DatabaseResult) -> NodeReport:
    """The result as a run's record."""
    reason = "" if result.ok else f"{len(result.errors)} could not be applied; the first: {result.errors[0]}"
    return NodeReport(
        status="succeeded" if result.ok else "failed",
        reason=reason,
        counts=result.counts(),
        notes=result.errors[:NOTES],
        lost=[value for entry in result.conflict_log for value in lost_values(entry)],
    )


def lost_values(entry: ConflictEntry) -> list[LostValue]:
    """What lost in a conflict: field by field, or a whole record beside a deletion."""
    conflict, rule = entry.conflict, str(entry.resolution_source)
    if not conflict.field_conflicts:
        record = conflict.local or conflict.remote
        data, stamp = (dict(record.data), record.newest) if record else ({}, 0)
        return [
            LostValue(
                conflict.model_label,
                conflict.key,
                "",
                None,
                data,
                0,
                stamp,
                f"{conflict.conflict_type}: {rule}",
            )
        ]
    values: list[LostValue] = []
    for found in conflict.field_conflicts:
        sides = [(found.local_value, found.local_timestamp), (found.remote_value, found.remote_timestamp)]
        if rule == "remote" or (rule == "merged" and _later(sides[1], sides[0])):
            sides.reverse()
        (kept, kept_at), (lost, lost_at) = sides
        values.append(
            LostValue(
                conflict.model_label, conflict.key, found.field_name, kept, lost, kept_at, lost_at, rule
            )
        )
    return values


def _later(one: tuple[Any, int], other: tuple[Any, int]) -> bool:
    return (one[1], canonical(one[0])) > (other[1], canonical(other[0]))


__all__ = ["DatabaseSync", "LostValue", "NodeReport", "lost_values", "report"]
