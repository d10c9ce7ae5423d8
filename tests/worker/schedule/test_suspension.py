"""A machine that was suspended: what became due meanwhile is due at once, not a period later."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.harness import MakeStack, ProbeSpec, eventually, stacks
from tests.worker.schedule.conftest import MakeBeat
from worker.broker.redis_queue import RedisQueue
from worker.redis_client import connect_url
from worker.schedule.claims import KEY
from worker.schedule.waiting import Waiting

AN_HOUR = 3600.0


def let_pass(client: redis.Redis, seconds: float) -> None:
    """Let Redis have had a clock that went on: all that it knows is so much older."""
    for name, text in client.hgetall(KEY).items():
        state = json.loads(text)
        client.hset(KEY, name, json.dumps({**state, "last": state["last"] - round(seconds * 1000)}))


def test_an_entry_is_looked_at_by_a_clock_that_goes_on(
    beat: MakeBeat, queued: Callable[[], list[dict[str, Any]]], client: redis.Redis
) -> None:
    now = 1000.0
    one = beat({"clock": lambda: now}, milk={"every": AN_HOUR})
    one.turn()
    assert len(queued()) == 1
    let_pass(client, AN_HOUR)
    assert one.turn() == 5  # the clock stood still: beat does not ask
    assert len(queued()) == 1
    now += AN_HOUR
    one.turn()
    assert len(queued()) == 2


def test_a_look_at_the_queue_is_not_used_again_after_it(client: redis.Redis) -> None:
    now = 1000.0
    waiting = Waiting(RedisQueue(client, "celery"), lambda: now)
    client.lpush("celery", json.dumps({"headers": {"task": "sync.milk"}}))
    assert waiting.has("sync.milk")
    client.delete("celery")
    assert waiting.has("sync.milk")  # as it was a moment ago
    now += AN_HOUR
    assert not waiting.has("sync.milk")


@pytest.fixture
def make(tmp_path: Path) -> Iterator[MakeStack]:
    with stacks(tmp_path, lease_seconds=5) as make:
        yield make


@pytest.mark.processes
@pytest.mark.skipif(sys.platform != "linux", reason="the clock of Linux is put forward")
def test_a_real_beat_is_not_late(make: MakeStack, tmp_path: Path) -> None:
    slept = tmp_path / "slept"
    env = {"LOCKSTEP_TASKS": "tests.worker.schedule.suspended_tasks", "SUSPENDED": str(slept)}
    stack = make(ProbeSpec(every=int(AN_HOUR)), **env)
    stack.worker("--without-mingle")
    stack.beat()
    eventually(lambda: [run.status for run in stack.history()] == ["succeeded"], 30)
    time.sleep(1)
    with connect_url(stack.redis.url) as client:
        let_pass(client, AN_HOUR)
    slept.write_text(str(AN_HOUR))
    eventually(lambda: [run.status for run in stack.history()] == ["succeeded"] * 2, 20)
