"""Scheduled tasks as beat entries."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from celery.schedules import schedule

from tasks.scheduled import Scheduled


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
    entries = {}
    for task in tasks:
        plan = task.plan_schedule
        seconds = retry_seconds if plan.every is None else plan.every.total_seconds()
        entries[task.name] = {
            "task": celery_name(task.name),
            "schedule": schedule(seconds),
            "total": plan.total,
            "periodic": plan.every is not None,
        }
    return entries


def unmonitored(tasks: Iterable[Scheduled]) -> list[str]:
    """Entries that end: a monitor of them would report a missed run for ever after."""
    return [task.name for task in tasks if task.plan_schedule.total is not None]
