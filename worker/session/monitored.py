"""What Sentry is told of a run: a check-in at its begin and end, and how long each of its phases took."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.sentry import OWN_SPANS, reporting
from tasks.engine.sync import Progress
from tasks.schedule import Schedule
from tasks.scheduled import PRUNE, Scheduled

if TYPE_CHECKING:
    from sentry_sdk._types import MonitorConfig, MonitorConfigScheduleUnit
    from sentry_sdk.tracing import Span

#: Minutes that a run may be late before it counts as missed, and its period if that is longer: as `lockstep status`.
LEAST_GRACE = 5
#: The shortest period that Sentry knows, in seconds.
SHORTEST = 60.0
#: Seconds of each unit that Sentry has for a period, the largest first.
_UNITS: tuple[tuple[MonitorConfigScheduleUnit, int], ...] = (("day", 86_400), ("hour", 3600), ("minute", 60))


@dataclass(slots=True)
class Outcome:
    """What a run came to, besides that it failed."""

    skipped: bool = False


def monitor_of(schedule: Schedule, time_limit: float) -> MonitorConfig | None:
    """When Sentry has to expect a run; `None` for a schedule that ends, rests in quiet hours, or is too quick.

    Args:
        schedule: of the task.
        time_limit: seconds after which a run is given up.
    """
    if schedule.total is not None or schedule.quiet:
        return None
    jitter = math.ceil(schedule.jitter.total_seconds() / 60)
    limit = math.ceil(time_limit / 60) + 1
    if schedule.cron is not None:
        return {
            "schedule": {"type": "crontab", "value": schedule.cron},
            "timezone": schedule.timezone or "UTC",
            "checkin_margin": LEAST_GRACE + jitter,
            "max_runtime": limit,
        }
    if schedule.every is None:
        return None
    seconds = schedule.every.total_seconds()
    if seconds < SHORTEST:
        return None
    unit, length = next((each for each in _UNITS if seconds % each[1] == 0), _UNITS[-1])
    return {
        "schedule": {"type": "interval", "value": math.ceil(seconds / length), "unit": unit},
        "timezone": "UTC",
        "checkin_margin": max(LEAST_GRACE, math.ceil(seconds / 60)) + jitter,
        "max_runtime": limit,
    }


@contextmanager
def monitored(task: Scheduled, time_limit: float) -> Iterator[Outcome]:
    """Check in for a run of a task: that it has begun, and that it is done or has failed.

    A run that was skipped, say because another one is at work, counts as one that was made: it came when it was due.
    Without Sentry nothing is sent.
    """
    outcome = Outcome()
    monitor = None if task.name == PRUNE else monitor_of(task.plan_schedule, time_limit)
    if monitor is None or reporting() is None:
        yield outcome
        return
    from sentry_sdk.crons import MonitorStatus, capture_checkin

    began = time.monotonic()
    check_in = capture_checkin(task.name, status=MonitorStatus.IN_PROGRESS, monitor_config=monitor)
    status = MonitorStatus.ERROR
    try:
        yield outcome
        status = MonitorStatus.OK
    finally:
        capture_checkin(
            task.name,
            check_in_id=check_in,
            status=status,
            duration=None if outcome.skipped else time.monotonic() - began,
            monitor_config=monitor,
        )


@contextmanager
def traced(progress: Progress) -> Iterator[Progress]:
    """A progress that makes a span of each phase, where the run is traced."""
    sentry = reporting()
    parent: Span | None = sentry.get_current_span() if sentry is not None else None
    if parent is None:
        yield progress
        return
    phase = ""
    span: Span | None = None

    def tell(now: str, done: int, total: int) -> None:
        nonlocal phase, span
        progress(now, done, total)
        if now != phase:
            if span is not None:
                span.finish()
            phase, span = now, parent.start_child(op=f"{OWN_SPANS}{now}", name=now)

    try:
        yield tell
    finally:
        if span is not None:
            span.finish()
