"""The scheduler beside Celery's own, with many entries of which none is due."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from celery import Celery
from celery.beat import PersistentScheduler
from rich.table import Table

from bench.timing import in_turns

ENTRIES = 10_000
TICKS = 20


def measure() -> Table:
    """Ticks of both schedulers."""
    import os

    from config import get_settings
    from worker.machine.redis_server import RedisServer

    with tempfile.TemporaryDirectory() as name, RedisServer(Path(name) / "redis") as server:
        os.environ["REDIS_URL"] = server.url
        os.environ["LOCKSTEP_STATE_DIR"] = name
        get_settings.cache_clear()
        from worker.schedule.scheduler import RedisScheduler

        entries = {f"task-{i}": {"task": f"sync.task-{i}", "schedule": 3600.0} for i in range(ENTRIES)}
        app = Celery("bench", broker=server.url)
        app.conf.beat_schedule = entries
        plain = PersistentScheduler(app=app, schedule_filename=str(Path(name) / "schedule"))
        ours: Any = RedisScheduler(app=app)
        plain.tick()
        while ours.tick() == 0:  # the first run of every entry is due at once
            pass
        theirs_each, ours_each = in_turns(lambda: _ticks(plain), lambda: _ticks(ours))
        plain.close()
    table = Table(title=f"An idle tick of beat, {ENTRIES:,} entries", title_justify="left")
    for header in ("", "ms", "ratio"):
        table.add_column(header, justify="right")
    table.add_row("PersistentScheduler", f"{theirs_each / TICKS * 1e3:.3f}", "1.00")
    table.add_row("RedisScheduler", f"{ours_each / TICKS * 1e3:.3f}", f"{ours_each / theirs_each:.4f}")
    return table


def _ticks(scheduler: Any) -> None:
    for _ in range(TICKS):
        scheduler.tick()
