"""Workers with work in hand while Redis goes away and comes back."""

from __future__ import annotations

import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from celery import Celery

from config import load_settings
from config.celery import celery_settings
from tests.harness import Process, Stack, eventually

pytestmark = pytest.mark.processes


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with Stack(tmp_path) as stack:
        yield stack


@pytest.fixture
def send(stack: Stack) -> Callable[[str, float], str]:
    app = Celery("sender", set_as_current=False)
    app.conf.update(celery_settings(load_settings(redis_url=stack.redis.url)))

    def start(task: str, seconds: float) -> str:
        marker = uuid.uuid4().hex
        app.send_task(task, (marker, seconds))
        return marker

    return start


def start_worker(stack: Stack, pool: str, consumer: str = "worker.broker.consumer:Consumer") -> Process:
    command = [sys.executable, "-m", "celery", "-A", "tests.worker.pool.coroutine_app", "worker"]
    command += ["--loglevel=INFO", "--without-mingle", "--without-gossip"]
    worker = stack.run(
        command, name="worker", NOTES=str(stack.directory / "notes"), TEST_POOL=pool, TEST_CONSUMER=consumer
    )
    worker.wait_for_line(r" ready\.$", timeout=40)
    return worker


def notes(stack: Stack, marker: str) -> list[str]:
    file = stack.directory / "notes"
    lines = file.read_text().splitlines() if file.exists() else []
    return [line.split()[1] for line in lines if line.startswith(marker)]


@pytest.mark.parametrize("pool", ["worker.pool.task_pool:TaskPool", "prefork"])
def test_a_worker_with_unacknowledged_messages_outlives_a_restart_of_redis(
    stack: Stack, send: Callable[[str, float], str], pool: str
) -> None:
    worker = start_worker(stack, pool)
    busy = [send(task, 3) for task in ("late", "early")]
    eventually(lambda: all("started" in notes(stack, marker) for marker in busy))
    stack.redis.restart()
    after = send("early", 0.01)
    eventually(lambda: "cleaned" in notes(stack, after), 15)
    assert worker.running, worker.tail()
    eventually(lambda: all("cleaned" in notes(stack, marker) for marker in busy))
    assert all("cancelled" not in notes(stack, marker) for marker in busy)


def test_the_consumer_of_celery_does_not(stack: Stack, send: Callable[[str, float], str]) -> None:
    """When this one fails, the guard may not be needed any more."""
    worker = start_worker(stack, "worker.pool.task_pool:TaskPool", "celery.worker.consumer:Consumer")
    busy = send("late", 3)
    eventually(lambda: notes(stack, busy))
    stack.redis.restart()
    assert worker.wait_exit(20) != 0
    assert "NoneType" in worker.output()


def test_a_worker_waits_for_redis(stack: Stack, send: Callable[[str, float], str]) -> None:
    """At its start, and through a longer outage while it is idle."""
    stack.redis.stop()
    command = [sys.executable, "-m", "celery", "-A", "tests.worker.pool.coroutine_app", "worker"]
    worker = stack.run(
        [*command, "--loglevel=INFO", "--without-mingle"],
        name="worker",
        NOTES=str(stack.directory / "notes"),
    )
    worker.wait_for_line("Cannot connect to redis")
    stack.redis.start()
    worker.wait_for_line(r" ready\.$")
    seen = len(worker.output())
    stack.redis.stop()
    worker.wait_for_line("Cannot connect to redis", after=seen)
    time.sleep(1)
    stack.redis.start()
    marker = send("early", 0.01)
    eventually(lambda: "cleaned" in notes(stack, marker), 20)
    assert worker.running
