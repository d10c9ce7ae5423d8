"""Several real processes share one budget, also when one of them freezes or dies."""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis

from tests.harness.process import Process, eventually
from worker import rate_limit
from worker.machine.redis_server import RedisServer

pytestmark = pytest.mark.processes

ROOT = Path(__file__).resolve().parents[3]
RATE = 20.0


class Requesters:
    """Processes that send all they may with one token."""

    def __init__(self, directory: Path, url: str, stack: ExitStack) -> None:
        self._directory, self._url, self._stack = directory, url, stack
        self.processes: list[Process] = []

    def add(self, *names: str) -> Process:
        number = len(self.processes)
        process = self._stack.enter_context(
            Process(
                [sys.executable, "-m", "tests.worker.rate_limit.requester", self._url, str(RATE), *names],
                log=self._directory / f"requester-{number}.log",
                env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LOCKSTEP_STATE_DIR": "."},
                cwd=self._directory,
            )
        )
        self.processes.append(process)
        return process

    def sent(self, after: float = 0) -> list[tuple[float, str]]:
        """When who sent a request, of all processes."""
        lines = [
            line
            for process in self.processes
            for line in re.findall(r"^sent (\S+) (.+)$", process.output(), re.M)
        ]
        return sorted((float(at), name) for at, name in lines if float(at) > after)

    def wait_for(self, number: int, after: float = 0) -> list[tuple[float, str]]:
        """All requests, once there are so many."""
        eventually(lambda: len(self.sent(after)) >= number, 30, f"{number} requests")
        return self.sent(after)


@pytest.fixture
def requesters(tmp_path: Path, shared_redis: RedisServer, client: redis.Redis) -> Iterator[Requesters]:
    client.flushall()
    with ExitStack() as stack:
        yield Requesters(tmp_path, shared_redis.url, stack)


def most_within(sent: list[tuple[float, str]], seconds: float) -> int:
    times = [at for at, _ in sent]
    return max(sum(first <= at < first + seconds for at in times) for first in times)


def test_four_processes_use_the_budget_up_evenly_and_no_more(
    requesters: Requesters, client: redis.Redis
) -> None:
    for number in range(4):
        requesters.add(f"task {number}a", f"task {number}b")
    eventually(lambda: len({name for _, name in requesters.sent()}) == 8, 30, "all tasks to send")
    began = requesters.sent()[-1][0]
    sent = requesters.wait_for(49, after=began)
    seconds = sent[48][0] - sent[0][0]
    assert 48 / seconds >= 0.8 * RATE
    assert 48 / seconds <= RATE
    # Late wake-ups make requests come closer together, one of each task, and never more of them.
    assert most_within(sent, 1.0) <= RATE + rate_limit.BURST + 8
    each = Counter(name for _, name in sent[:48])
    assert max(each.values()) <= min(each.values()) + 4
    (use,) = rate_limit.budgets(client)
    assert use.processes == 4
    assert len(use.tasks) == 8


def test_processes_that_freeze_or_die_take_no_part_with_them(
    requesters: Requesters, client: redis.Redis
) -> None:
    requesters.add("alive")
    frozen, dead = requesters.add("frozen"), requesters.add("dead")
    eventually(lambda: len({name for _, name in requesters.sent()}) == 3, 30, "all tasks to send")
    frozen.stop()
    dead.kill()
    began = requesters.sent()[-1][0]
    sent = requesters.wait_for(41, after=began)
    assert {name for _, name in sent} == {"alive"}
    assert 40 / (sent[40][0] - sent[0][0]) >= 0.8 * RATE
    frozen.cont()
    eventually(lambda: "frozen" in {name for _, name in requesters.sent(sent[-1][0])}, 30, "the frozen one")
    assert most_within(requesters.sent(began), 1.0) <= RATE + rate_limit.BURST + 3


def test_a_pause_stops_every_process_at_once(requesters: Requesters, client: redis.Redis) -> None:
    for number in range(3):
        requesters.add(f"task {number}")
    eventually(lambda: len({name for _, name in requesters.sent()}) == 3, 30, "all tasks to send")
    (use,) = rate_limit.budgets(client)
    slots = rate_limit.Slots(client, rate=RATE * rate_limit.PORTION, burst=rate_limit.BURST, sharer="test")
    slots.pause(use.name, 2)
    seconds, micros = client.time()
    paused_at = seconds + micros / 1e6
    after = requesters.wait_for(20, after=paused_at + 0.1)
    assert after[0][0] >= paused_at + 1.9
    assert most_within(after, 1.0) <= RATE + 3
