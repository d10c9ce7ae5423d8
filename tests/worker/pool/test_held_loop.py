"""A coroutine that blocks: it is named, and it costs nobody else a time limit."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import MakeStack, Stack, eventually, stacks
from worker.pool.event_loop import Call, EventLoop
from worker.pool.loop_watch import Hold

pytestmark = pytest.mark.processes

FAST = ("--without-mingle",)
TASKS = {"LOCKSTEP_TASKS": "tests.worker.pool.blocking_tasks", "PROBE_TASKS": "[]"}


@pytest.fixture
def make(tmp_path: Path) -> Iterator[MakeStack]:
    with stacks(tmp_path, lease_seconds=30, LOCKSTEP_RETRY_SECONDS="1", **TASKS) as make:
        yield make


def ends(stack: Stack, name: str) -> list[str]:
    """How the runs of a task ended that were not skipped: on a busy machine one may begin after the next is due."""
    return [run.status for run in stack.history(name) if run.status != "skipped"]


def test_it_is_named_and_no_bystander_fails(make: MakeStack) -> None:
    limits = {"LOCKSTEP_SOFT_TIME_LIMIT": "7", "LOCKSTEP_TIME_LIMIT": "60"}
    tasks = {"blocker": ["coroutine", 10, 1], "bystander": ["nothing", 2, 1]}
    stack = make(BLOCKING=json.dumps(tasks), **limits)
    worker = stack.worker(*FAST)
    stack.beat()
    told = worker.wait_for_line("WARNING.*holds the event loop.*", timeout=30)[0]
    assert "Task 'blocker'" in told
    assert re.search(r"blocking_tasks\.py:\d+ in get_other_objects", told)
    status = stack.lockstep("status", name="status")
    status.wait_exit(30)
    assert "blocker blocked a worker's event loop 1 time" in status.output()
    eventually(lambda: ends(stack, "bystander") == ["succeeded"], 30)
    # The run that held it has used up its own time.
    eventually(lambda: ends(stack, "blocker") == ["failed"], 10)
    worker.wait_for_line(r"Task 'blocker' held the event loop for (9|10|11)\.")
    assert worker.output().count("holds the event loop") == 1
    assert "Traceback" not in worker.output()
    after = stack.lockstep("status", "--json", name="status-after")
    after.wait_exit(30)
    (held,) = json.loads(after.output())["holds"]
    assert (held["task"], held["count"]) == ("blocker", 1)
    assert 9 < held["seconds"] < 15


def test_one_that_never_ends_has_failed_and_counts(make: MakeStack) -> None:
    """Nothing in the loop can end it; what is known of it does not wait for it."""
    limits = {"LOCKSTEP_SOFT_TIME_LIMIT": "2", "LOCKSTEP_TIME_LIMIT": "4"}
    stack = make(BLOCKING=json.dumps({"blocker": ["coroutine", 3600, 1]}), **limits)
    worker = stack.worker(*FAST)
    beat = stack.beat()
    beat.wait_for_line("'blocker': all 1 runs are done", timeout=30)
    assert ends(stack, "blocker") == ["failed"]
    time.sleep(2)
    assert worker.output().count("holds the event loop") == 1


def test_a_worker_whose_loop_is_held_can_be_stopped(make: MakeStack) -> None:
    stack = make(BLOCKING=json.dumps({"blocker": ["coroutine", 3600, 1]}))
    options = ("--", "worker.soft_shutdown_timeout=1")
    worker = stack.worker(*FAST, *options, REMAP_SIGTERM="SIGQUIT")
    stack.beat()
    worker.wait_for_line("holds the event loop", timeout=30)
    worker.terminate()
    assert worker.wait_exit(40) == 0


def test_processes_have_no_bystanders(make: MakeStack) -> None:
    stack = make(BLOCKING=json.dumps({"blocker": ["coroutine", 3, 1], "bystander": ["nothing", 0, 1]}))
    worker = stack.worker(*FAST, "--pool=prefork", "--concurrency=2")
    stack.beat()
    for name in ("blocker", "bystander"):
        eventually(lambda name=name: ends(stack, name) == ["succeeded"], 30)  # type: ignore[misc]
    assert "holds the event loop" not in worker.output()


@pytest.fixture
def watched() -> Iterator[tuple[EventLoop, list[Hold[Call[object]]]]]:
    loop, holds = EventLoop(), []
    loop.watch(holds.append)
    yield loop, holds
    loop.close()


async def block(seconds: float) -> None:
    time.sleep(seconds)  # noqa: ASYNC251  the fault


def test_no_time_out_in_the_loop_counts_the_time(
    watched: tuple[EventLoop, list[Hold[Call[object]]]],
) -> None:
    loop, holds = watched
    times: list[float] = []

    async def ask() -> str:
        """As a client does that waits for an answer."""
        async with asyncio.timeout(1.5):
            await asyncio.sleep(1)
        return "answered"

    async def look() -> None:
        while True:
            times.append(loop.loop.time())
            await asyncio.sleep(0.01)

    looking = Call(loop.loop, look())
    asking = Call(loop.loop, ask())
    blocking = Call(loop.loop, block(3.0), name="blocker")
    blocking.result(10)
    assert asking.result(10) == "answered"
    looking.cancel("enough")
    assert times == sorted(times)
    eventually(lambda: [hold.stage for hold in holds if hold.stage != "lasts"] == ["found", "over"])
    assert all(hold.owner is blocking for hold in holds)
    assert 2 < holds[-1].seconds <= 3.1


def test_a_busy_loop_is_not_held(watched: tuple[EventLoop, list[Hold[Call[object]]]]) -> None:
    loop, holds = watched

    async def work() -> None:
        for _ in range(20):
            await block(0.02)
            await asyncio.sleep(0)

    calls = [Call(loop.loop, work()) for _ in range(6)]
    for call in calls:
        call.result(20)
    assert holds == []


def test_a_task_that_the_coroutine_made_is_its_own(
    watched: tuple[EventLoop, list[Hold[Call[object]]]],
) -> None:
    loop, holds = watched

    async def spread() -> None:
        await asyncio.gather(block(2.0), asyncio.sleep(0))

    call = Call(loop.loop, spread(), name="blocker")
    call.result(10)
    assert {hold.owner for hold in holds} == {call}
