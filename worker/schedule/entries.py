"""Scheduled tasks as beat entries."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from celery.schedules import schedule

from tasks.schedule import Schedule
from tasks.scheduled import Scheduled

#: Seconds between two times of the calendar, at least.
CALENDAR_SECONDS = 60.0


def celery_name(task_name: str) -> str:
    """The name of the Celery task that runs a sync."""
    return f"sync.{task_name}"


def beat_schedule(tasks: Iterable[Scheduled], *, retry_seconds: float) -> dict[str, dict[str, Any]]:
    """Celery's `beat_schedule`: one entry per task, under the task's name.

    An entry without a period (`every` is None) is sent again as soon as its last run has ended, until its
    total is reached. No message expires; one that waits stands for all that are due meanwhile.

    Args:
        tasks: what is scheduled.
        retry_seconds: after which a message of an entry without a period counts as lost.
    """
    return {task.name: entry_of(task.name, task.plan_schedule, retry_seconds) for task in tasks}


def entry_of(name: str, plan: Schedule, retry_seconds: float) -> dict[str, Any]:
    """The entry of a task that runs by this schedule, as Celery's settings have it.

    Its period is only the least one where the schedule names times.
    """
    seconds = plan.every.total_seconds() if plan.every is not None else retry_seconds
    return {
        "task": celery_name(name),
        "schedule": schedule(CALENDAR_SECONDS if plan.cron is not None else seconds),
        "total": plan.total,
        "periodic": plan.recurs,
        "plan": plan,
    }
