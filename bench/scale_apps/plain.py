"""Celery alone, with a task that does nothing: `celery -A bench.scale_apps.plain`.

Its settings are those of Lockstep, but for what Lockstep has instead of Celery's own: scheduler, pool and consumer.
"""

from __future__ import annotations

import os
from pathlib import Path

from celery import Celery

from bench.scale_apps.noted import note
from config import get_settings
from config.celery import celery_settings

OURS = ("worker_pool", "worker_consumer", "beat_scheduler")

app = Celery("plain")
app.conf.update({name: value for name, value in celery_settings(get_settings()).items() if name not in OURS})
app.conf.worker_pool = "threads"
app.conf.beat_schedule = {
    f"empty-{number}": {
        "task": "empty",
        "schedule": float(os.environ["EMPTY_EVERY"]),
        "kwargs": {"name": f"sync.empty-{number}"},
    }
    for number in range(int(os.environ["EMPTY_TASKS"]))
}


@app.task(name="empty")
def empty(name: str) -> None:
    """Nothing."""


note(Path(os.environ["EMPTY_NOTES"]))
