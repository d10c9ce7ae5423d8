"""Waiting for the next turn in a process that runs a task by itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from tasks.clock import SLICE, boot_seconds, pass_time
from tasks.schedule.schedule import Schedule
from tasks.schedule.turns import next_turn


@dataclass(frozen=True, slots=True)
class Started:
    """When a run was started: by the clock that cannot be set, and by the other one."""

    seconds: float = field(default_factory=boot_seconds)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


async def wait_for_turn(schedule: Schedule, last: Started | None, name: str) -> Started:
    """Wait until the task of this name is to be started, after its last start, and give this one.

    The first one is due at once, unless the schedule names times or quiet hours.
    """
    if last is not None and schedule.every is not None and schedule.is_plain:
        await pass_time(last.seconds + schedule.every.total_seconds() - boot_seconds())
        return Started()
    at = _due(schedule, last, name)
    while (left := (at - datetime.now(UTC)).total_seconds()) > 0:
        await pass_time(min(left, SLICE))  # the clock may be set meanwhile
    return Started()


def _due(schedule: Schedule, last: Started | None, name: str) -> datetime:
    now = datetime.now(UTC)
    at, since = now, now if last is None else last.at
    while schedule.cron is not None or (schedule.recurs and last is not None):
        turn = next_turn(schedule, since, name)
        if turn is None:  # `checked` lets no schedule pass whose turns never come
            break
        if turn.until is None or now <= turn.until:
            at = max(now, turn.at)
            break
        since = now
    quiet = schedule.quiet_hours
    return at if quiet is None else quiet.end(at)
