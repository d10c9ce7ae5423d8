"""Sessions in real processes that are killed and frozen in the middle of their writes."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import ProbeSpec, Process, Stack, eventually
from tests.harness.freezing import freeze
from tests.harness.probe_tasks import ProbeTask
from worker.lock import RedisSyncLock
from worker.redis_client import connect_url

pytestmark = pytest.mark.processes

LEASE = 2.0
ROWS = 6


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with Stack(tmp_path, ProbeSpec(every=60), lease_seconds=LEASE) as stack:
        yield stack


def run(stack: Stack, name: str) -> Process:
    return stack.run([sys.executable, "-m", "tests.harness.one_run", "probe"], name=name)


def ended(process: Process) -> str:
    """How the session of the process ended."""
    assert process.wait_exit(30) == 0, process.tail()
    return process.output().splitlines()[-1]


def fill(stack: Stack) -> None:
    for number in range(ROWS):
        stack.sides().notion.create(Name=f"row {number}", Done=False)


def assert_in_step(stack: Stack) -> None:
    stack.sides().assert_equal()
    assert len(stack.sides().other.rows()) == ROWS
    assert stack.sides().overlapping() == []


def test_two_sessions_of_one_node_do_not_run_at_once(stack: Stack) -> None:
    fill(stack)
    stack.sides().other.be_slow(after=3)  # long enough for another Python to start on a busy machine
    first = run(stack, "first")
    eventually(stack.sides().other.writes, 20)
    second = run(stack, "second")
    assert ended(second).startswith("skipped: node 'probe' is busy: session ")
    assert f"pid {first.pid}" in ended(second)
    assert ended(first) == "succeeded: "
    assert_in_step(stack)
    assert len(stack.sides().runs()) == 1


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_killed_session_is_made_up_by_the_next(stack: Stack, moment: str) -> None:
    """`before` and `after`: the kill comes before a write is done, or when it is done and not yet answered."""
    fill(stack)
    stack.sides().other.be_slow(**{moment: 0.4})
    first = run(stack, "first")
    eventually(stack.sides().other.writes, 20)
    first.kill()
    stack.sides().other.be_slow()

    time.sleep(1.2 * LEASE)
    assert ended(run(stack, "second")) == "succeeded: "

    assert_in_step(stack)
    assert stack.sides().other.duplicates("title") == {}
    with connect_url(stack.redis.url) as client:
        history = RedisSyncLock(client).history("probe")
    assert [(record.status, record.pid == first.pid) for record in history] == [
        ("succeeded", False),
        ("abandoned", True),
    ]


def test_a_session_frozen_past_its_lease_sends_nothing_more(stack: Stack) -> None:
    fill(stack)
    other = stack.sides().other
    other.be_slow(before=0.3)
    first = run(stack, "first")
    eventually(other.writes, 20)
    freeze(first, stack.directory)
    frozen = {write.number for write in other.writes()}
    other.be_slow()
    time.sleep(1.2 * LEASE)
    second = run(stack, "second")
    assert ended(second) == "succeeded: "

    first.cont()

    assert ended(first).startswith("abandoned: ")
    late = [write for write in other.writes() if write.pid == first.pid and write.number not in frozen]
    # A request that was on its way when the process was frozen cannot be called back.
    assert len(late) <= ProbeTask.concurrency
    assert not stack.sides().notion.writes()


def test_a_session_outlives_a_restart_of_redis(stack: Stack) -> None:
    fill(stack)
    stack.sides().other.be_slow(after=0.2)
    first = run(stack, "first")
    eventually(stack.sides().other.writes, 20)
    stack.redis.restart()
    assert ended(first) == "succeeded: "
    assert_in_step(stack)


def test_without_redis_no_session_starts(stack: Stack) -> None:
    fill(stack)
    stack.redis.stop()
    first = run(stack, "first")
    assert first.wait_exit(30) != 0
    assert "RedisUnavailableError" in first.output()
    assert stack.sides().other.writes() == []
