"""A machine that was suspended: nothing waits for the time that passed meanwhile."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from tasks import clock, local
from tasks.schedule import waiting as turns
from tasks.services.notion.api import throttle
from tasks.services.notion.api.throttle import LocalThrottle
from tests.harness import ProbeSpec
from tests.harness.probe_tasks import ProbeTask

AN_HOUR = 3600.0


class Suspended:
    """The clock that counts suspensions; `time.monotonic` stands still in them, and in this one's."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.slept = 0.0
        for module in (clock, turns, throttle):
            monkeypatch.setattr(module, "boot_seconds", lambda: time.monotonic() + self.slept)
        monkeypatch.setattr(clock, "SLICE", 0.05)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Suspended:
    return Suspended(monkeypatch)


def test_it_is_the_clock_that_counts_suspensions() -> None:
    number = getattr(time, "CLOCK_BOOTTIME", None)
    if number is None:
        pytest.skip("only Linux has it")
    before = time.clock_gettime(number)
    assert before <= clock.boot_seconds() <= time.clock_gettime(number)


async def test_no_more_is_waited_than_is_left(machine: Suspended) -> None:
    waiting = asyncio.ensure_future(clock.pass_time(AN_HOUR))
    await asyncio.sleep(0.2)
    assert not waiting.done()
    machine.slept += AN_HOUR
    await asyncio.wait_for(waiting, 10)


async def test_a_task_that_runs_without_a_worker_is_not_late(machine: Suspended, tmp_path: Path) -> None:
    task = ProbeTask(ProbeSpec(), tmp_path)
    task.state_path = tmp_path / "state.json"
    task.run_every(seconds=int(AN_HOUR)).in_total(2)
    running = asyncio.ensure_future(local.run_as_scheduled(task))
    await asyncio.sleep(0.5)
    assert len(task.sides.runs()) == 1
    assert not running.done()
    machine.slept += AN_HOUR
    await asyncio.wait_for(running, 10)
    assert len(task.sides.runs()) == 2


async def test_a_pause_that_notion_asked_for_is_over(machine: Suspended) -> None:
    budget = LocalThrottle(rate=100)
    await budget.pause(AN_HOUR)
    asking = asyncio.ensure_future(budget.acquire())
    await asyncio.sleep(0.2)
    assert not asking.done()
    machine.slept += AN_HOUR
    await asyncio.wait_for(asking, 10)
