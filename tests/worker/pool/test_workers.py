"""Limits, revocation and shutdown in real workers: what the coroutine sees, and what Celery makes of it."""

from __future__ import annotations

import signal
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from celery.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded
from celery.result import AsyncResult

from config import load_settings
from config.celery import celery_settings
from tests.harness import Process, Stack, eventually

pytestmark = pytest.mark.processes

OURS, PREFORK = "worker.pool.task_pool:TaskPool", "prefork"


class Coroutines:
    """A worker over `coroutine_app`, and the sender of its tasks."""

    def __init__(self, stack: Stack, pool: str) -> None:
        self.stack = stack
        self.pool = pool
        self.notes_file = stack.directory / "notes"
        self.app = Celery("sender", set_as_current=False)
        self.app.conf.update(
            celery_settings(load_settings(redis_url=stack.redis.url)), task_ignore_result=False
        )
        self.worker = self.start("first")

    def start(self, name: str, **env: str) -> Process:
        command = [sys.executable, "-m", "celery", "-A", "tests.worker.pool.coroutine_app", "worker"]
        command += ["--loglevel=INFO", f"--hostname={name}@test", "--without-mingle", "--without-gossip"]
        worker = self.stack.run(command, name=name, NOTES=str(self.notes_file), TEST_POOL=self.pool, **env)
        worker.wait_for_line(r" ready\.$", timeout=40)
        return worker

    def send(
        self, task: str, *args: Any, started: bool = True, **options: Any
    ) -> tuple[str, AsyncResult[Any]]:
        marker = uuid.uuid4().hex
        result = self.app.send_task(task, (marker, *args), **options)
        if started:
            eventually(lambda: "started" in self.notes(marker), 10)
        return marker, result

    def notes(self, marker: str) -> list[str]:
        lines = self.notes_file.read_text().splitlines() if self.notes_file.exists() else []
        return [line.split()[1] for line in lines if line.startswith(marker)]


@pytest.fixture(scope="module", params=[OURS, PREFORK])
def coroutines(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Coroutines]:
    with Stack(tmp_path_factory.mktemp("pool")) as stack:
        yield Coroutines(stack, request.param)


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with Stack(tmp_path) as stack:
        yield stack


def test_a_coroutine_gives_the_result(coroutines: Coroutines) -> None:
    marker, result = coroutines.send("early", 0.01)
    assert result.get(10) == "slept 0.01"
    assert coroutines.notes(marker) == ["started", "cleaned"]


def test_an_exception_of_the_coroutine_is_that_of_the_task(coroutines: Coroutines) -> None:
    marker, result = coroutines.send("failing", started=False)
    with pytest.raises(ValueError, match=marker):
        result.get(10)


def test_the_soft_limit_cancels(coroutines: Coroutines) -> None:
    marker, result = coroutines.send("early", soft_time_limit=0.5 if coroutines.pool == OURS else 1)
    with pytest.raises(SoftTimeLimitExceeded):
        result.get(10)
    assert coroutines.notes(marker) == ["started", "cancelled", "cleaned"]
    coroutines.worker.wait_for_line(r"Soft time limit .* exceeded for early")


def test_a_soft_limit_waits_for_the_cleaning_up(coroutines: Coroutines) -> None:
    marker, result = coroutines.send("early", 60, 0.5, soft_time_limit=1, time_limit=20)
    with pytest.raises(SoftTimeLimitExceeded):
        result.get(10)
    assert coroutines.notes(marker) == ["started", "cancelled", "cleaned"]


def test_the_hard_limit_ends_the_task(coroutines: Coroutines) -> None:
    marker, result = coroutines.send("early", 60, 60, soft_time_limit=0.5, time_limit=1)
    with pytest.raises(TimeLimitExceeded):
        result.get(10)
    if coroutines.pool == OURS:  # prefork kills the process
        eventually(lambda: coroutines.notes(marker) == ["started", "cancelled", "cleaned"])
    eventually(lambda: coroutines.send("early", 0.01)[1].get(10))


def test_a_revoked_task_is_cancelled(coroutines: Coroutines) -> None:
    marker, result = coroutines.send("early")
    result.revoke(terminate=True)
    eventually(lambda: result.state == "REVOKED")
    eventually(lambda: coroutines.notes(marker) == ["started", "cancelled", "cleaned"])
    assert coroutines.send("early", 0.01)[1].get(10)


def test_an_expired_message_is_not_run(coroutines: Coroutines) -> None:
    naps = [coroutines.send("early", 1.5, started=False)[0] for _ in range(4)]  # all slots
    marker, result = coroutines.send("early", 0.01, started=False, expires=0.5)
    eventually(lambda: result.state == "REVOKED")
    assert coroutines.notes(marker) == []
    eventually(lambda: all("cleaned" in coroutines.notes(nap) for nap in naps))


@pytest.mark.parametrize("pool", [OURS, PREFORK])
def test_a_shutdown_cancels_after_the_soft_time(stack: Stack, pool: str) -> None:
    """Runs that are nearly done end well; the others are cancelled; late messages go back."""
    coroutines = Coroutines(stack, pool)
    short, short_result = coroutines.send("early", 1.0)
    early, early_result = coroutines.send("early")
    late, _ = coroutines.send("late")
    begun = time.monotonic()
    coroutines.worker.signal(signal.SIGQUIT)
    coroutines.worker.wait_exit(15)
    assert 0.9 < time.monotonic() - begun < 6
    assert coroutines.notes(short) == ["started", "cleaned"]
    assert short_result.state == "SUCCESS"
    for marker in (early, late):
        assert coroutines.notes(marker) == ["started", "cancelled", "cleaned"]
    assert early_result.state == "RETRY"
    second = coroutines.start("second")
    eventually(lambda: coroutines.notes(late).count("started") == 2, 15)
    assert coroutines.notes(early).count("started") == 1
    second.kill()


def test_a_warm_shutdown_waits(stack: Stack) -> None:
    coroutines = Coroutines(stack, OURS)
    marker, result = coroutines.send("early", 1.5)
    coroutines.worker.terminate()
    assert coroutines.worker.wait_exit(15) == 0
    assert coroutines.notes(marker) == ["started", "cleaned"]
    assert result.state == "SUCCESS"


def test_one_that_will_not_end_does_not_keep_the_worker(stack: Stack) -> None:
    coroutines = Coroutines(stack, OURS)
    coroutines.send("early", 60, 60)
    begun = time.monotonic()
    coroutines.worker.signal(signal.SIGQUIT)
    coroutines.worker.wait_exit(25)
    assert time.monotonic() - begun < 18


def test_solo(stack: Stack) -> None:
    coroutines = Coroutines(stack, "solo")
    assert coroutines.send("early", 0.01)[1].get(10) == "slept 0.01"
