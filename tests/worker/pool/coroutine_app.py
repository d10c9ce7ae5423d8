"""A Celery application whose tasks wait for coroutines, which write into a file what happens to them."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from celery import Celery

from config import get_settings
from config.celery import celery_settings
from worker.pool import event_loop

app = Celery("coroutines")
app.conf.update(celery_settings(get_settings()))
app.conf.update(
    worker_pool=os.environ.get("TEST_POOL", "worker.pool.task_pool:TaskPool"),
    worker_consumer=os.environ.get("TEST_CONSUMER", "worker.broker.consumer:Consumer"),
    worker_concurrency=4,
    task_ignore_result=False,
    worker_soft_shutdown_timeout=1.0,
)


def note(marker: str, word: str) -> None:
    with Path(os.environ["NOTES"]).open("a") as notes:
        notes.write(f"{marker} {word}\n")


async def nap(marker: str, seconds: float, stubborn: float) -> str:
    note(marker, "started")
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        note(marker, "cancelled")
        await asyncio.sleep(stubborn)
        raise
    finally:
        note(marker, "cleaned")
    return f"slept {seconds:g}"


@app.task(name="early")
def early(marker: str, seconds: float = 60, stubborn: float = 0) -> str:
    return event_loop.run(nap(marker, seconds, stubborn))


@app.task(name="late", acks_late=True)
def late(marker: str, seconds: float = 60, stubborn: float = 0) -> str:
    return event_loop.run(nap(marker, seconds, stubborn))


@app.task(name="failing")
def failing(marker: str) -> None:
    async def fail() -> None:
        raise ValueError(marker)

    event_loop.run(fail())
