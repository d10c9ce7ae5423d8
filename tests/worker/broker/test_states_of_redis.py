"""States of a Redis that it tells by an error reply of its own: all of them are outages, also at the start."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import ProbeSpec, RedisServer, Stack, eventually
from tests.harness.answering import ErrorReplies
from tests.worker.broker.test_error_replies import assert_well, runs

pytestmark = pytest.mark.processes

#: Seconds that a state lasts.
LASTS = 1.5
STATES = {
    "LOADING": "LOADING Redis is loading the dataset in memory",
    "MASTERDOWN": "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    "CLUSTERDOWN": "CLUSTERDOWN Hash slot not served",
    "TRYAGAIN": "TRYAGAIN Multiple keys request during rehashing of slot",
    "MOVED": "MOVED 866 127.0.0.1:1",
    "ASK": "ASK 866 127.0.0.1:1",
    "NOREPLICAS": "NOREPLICAS Not enough good replicas to write.",
    "BUSY": "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
    "EXECABORT": "EXECABORT Transaction discarded because of previous errors.",
    "unknown": "NEWSTATE something that nobody knows yet",
}


@pytest.fixture
def way(own_redis: RedisServer) -> Iterator[ErrorReplies]:
    with ErrorReplies(own_redis.url) as way:
        yield way


@pytest.fixture
def stack(tmp_path: Path, own_redis: RedisServer, way: ErrorReplies) -> Iterator[Stack]:
    with Stack(tmp_path, ProbeSpec(every=1), redis=own_redis, env={"REDIS_URL": way.url}) as stack:
        yield stack


def test_they_are_waited_for(stack: Stack, way: ErrorReplies) -> None:
    worker, beat = stack.worker(), stack.beat()
    eventually(lambda: runs(stack) > 0)
    for name, error in STATES.items():
        before = way.answered
        way.error = error
        time.sleep(LASTS)
        assert way.answered > before + 1, name
        way.error = None
        seen = runs(stack)
        eventually(lambda seen=seen: runs(stack) > seen, 15, f"runs after {name}")  # type: ignore[misc]
        assert_well(worker, beat)


@pytest.mark.parametrize("name", ["LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "MOVED", "unknown"])
def test_at_the_start_as_well(stack: Stack, way: ErrorReplies, name: str) -> None:
    way.error = STATES[name]
    worker, beat = stack.worker(ready=False), stack.beat(ready=False)
    worker.wait_for_line("Redis fails, the worker waits|Cannot connect to redis")
    time.sleep(LASTS)
    assert_well(worker, beat)
    way.error = None
    eventually(lambda: runs(stack) > 1, 20)
    assert_well(worker, beat)
