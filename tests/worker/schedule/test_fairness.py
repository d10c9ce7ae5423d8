"""More runs are due than can be made: each task still gets its turn, and nothing piles up."""

from __future__ import annotations

import json
import logging
import time
from collections import Counter, deque
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from tests.worker.schedule.conftest import Beat, MakeBeat
from worker.schedule.claims import Claims
from worker.schedule.overbooking import measure

Waiting = Callable[[], list[str]]


@pytest.fixture
def waiting(client: redis.Redis) -> Waiting:
    """The tasks whose messages wait in the queue."""
    return lambda: sorted(json.loads(text)["headers"]["task"] for text in client.lrange("celery", 0, -1))


def work(
    one: Beat, client: redis.Redis, *, seconds: float, each: float, runs: float = float("inf")
) -> tuple[Counter[str], int]:
    """Let beat and a worker that needs `each` seconds for a run work for a time, or until so many runs are done.

    As Celery does, the worker discards what has expired. Gives how often which task ran, and how often the worker
    had nothing to do.
    """
    ran: Counter[str] = Counter()
    idle = 0
    until = time.monotonic() + seconds
    free = 0.0
    while (now := time.monotonic()) < until and ran.total() < runs:
        one.turn()
        while now >= free:
            text = client.rpop("celery")
            if not text:
                idle += 1
                break
            headers = json.loads(text)["headers"]
            expires = headers.get("expires")
            if expires and datetime.fromisoformat(expires) < datetime.now(UTC):
                continue
            ran[headers["task"]] += 1
            free = now + each
        time.sleep(0.005)
    return ran, idle


def test_each_task_gets_its_turn_when_more_is_due_than_can_be_done(
    beat: MakeBeat, client: redis.Redis
) -> None:
    one = beat(**{f"task-{number}": {"every": 0.5} for number in range(60)})
    ran, _ = work(one, client, seconds=60, each=0.02, runs=240)
    assert len(ran) == 60
    # Each has its turn again and again; which message is sent first when many are due at once varies a little.
    assert min(ran.values()) >= 2
    assert max(ran.values()) <= 8


def test_nothing_piles_up_while_no_worker_lives(beat: MakeBeat, waiting: Waiting) -> None:
    entries = {"milk": {"every": 0.2}, "eggs": {"every": 0.3, "periodic": False, "total": 5}}
    beats = [beat(**entries), beat(**entries)]
    until = time.monotonic() + 2
    while time.monotonic() < until:
        for one in beats:
            one.turn()
        time.sleep(0.05)
    assert waiting() == ["sync.eggs", "sync.milk"]
    beat(**entries).turn()  # nor by a beat that starts now
    assert len(waiting()) == 2


def test_the_schedule_goes_on_after_the_waiting_message_is_taken(
    beat: MakeBeat, waiting: Waiting, client: redis.Redis
) -> None:
    one = beat(milk={"every": 0.4})
    one.turn()
    time.sleep(0.5)
    one.turn()
    assert len(waiting()) == 1
    client.delete("celery")
    one.turn()
    assert waiting() == []  # not twice within a period
    time.sleep(0.45)
    one.turn()
    assert len(waiting()) == 1


def test_a_message_that_may_expire_does_not_stand_for_a_run(
    beat: MakeBeat, waiting: Waiting, client: redis.Redis
) -> None:
    """As those of webhooks, which a worker may discard."""
    one = beat(milk={"every": 0.3})
    one.turn()
    client.delete("celery")
    message = {"headers": {"task": "sync.milk", "expires": datetime.now(UTC).isoformat()}}
    client.lpush("celery", json.dumps(message))
    time.sleep(0.35)
    one.turn()
    assert len(waiting()) == 2


@pytest.mark.parametrize("junk", [b"\xff\xfe", b"[]", b"7", b"{", b'{"headers": []}', b"[" * 100_000])
def test_what_is_no_message_holds_up_no_entry(beat: MakeBeat, client: redis.Redis, junk: bytes) -> None:
    one = beat(milk={"every": 0.2})
    one.turn()
    client.delete("celery")
    client.lpush("celery", junk)
    time.sleep(0.25)
    one.turn()
    assert client.llen("celery") == 2


def test_overbooking_is_told_and_its_end_too(
    beat: MakeBeat, client: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    one = beat({"tell_after": 0.3}, milk={"every": 0.2}, bread={"every": 0.2})
    until = time.monotonic() + 1.5
    while time.monotonic() < until:
        one.turn()
        time.sleep(0.02)
    (line,) = {line for line in caplog.messages if "overbooked" in line}
    assert "10.0 runs a second are due" in line
    assert "2 tasks" in line
    caplog.clear()
    work(one, client, seconds=2.5, each=0)
    assert [line for line in caplog.messages if "overbooked" in line] == [
        "The schedule is not overbooked any more."
    ]


def test_turns_that_were_left_out_are_counted(client: redis.Redis) -> None:
    claims = Claims(client)

    def ask(waits: bool) -> bool:
        time.sleep(0.06)
        claim = claims.ask("milk", every=0.05, token="a", waits=waits)
        claims.sent(claim)
        return claim.granted

    assert ask(waits=False)
    assert claims.left_out() == {"milk": 0}
    assert not ask(waits=True)
    assert not ask(waits=True)
    assert claims.left_out() == {"milk": 2}
    assert ask(waits=False)
    assert claims.left_out() == {"milk": 2}  # until a turn came in time
    assert ask(waits=False)
    assert claims.left_out() == {"milk": 0}


def test_the_measure_of_overbooking() -> None:
    assert measure({"milk": 0, "bread": 0}, {"milk": 5, "bread": 5}) is None
    assert measure({"gone": 3}, {"milk": 5}) is None
    found = measure({"milk": 3, "bread": 0, "eggs": 7}, {"milk": 10, "bread": 10, "eggs": 10, "new": 10})
    assert found is not None
    assert (found.late, found.tasks, found.longest, found.left_out) == (2, 4, "eggs", 7)
    assert found.due == pytest.approx(0.4)
    assert found.made == pytest.approx(0.1 + 0.1 / 4 + 0.1 + 0.1 / 8)
    assert "eggs" in str(found)


@given(
    periods=st.lists(st.integers(1, 8), min_size=1, max_size=12),
    capacity=st.integers(1, 4),
    steps=st.integers(200, 300),
)
def test_one_waiting_message_for_each_task_starves_none(
    periods: list[int], capacity: int, steps: int
) -> None:
    """The rule alone, in steps: a due task joins the end of the queue, unless it is in it."""
    queue: deque[int] = deque()
    due = [0] * len(periods)
    ran: list[list[int]] = [[0] for _ in periods]
    for step in range(steps):
        for task, every in enumerate(periods):
            if step >= due[task]:
                due[task] = step + every
                if task not in queue:
                    queue.append(task)
        for _ in range(min(capacity, len(queue))):
            ran[queue.popleft()].append(step)
    for task, every in enumerate(periods):
        runs = [*ran[task], steps]
        longest = max(after - before for before, after in pairwise(runs))
        assert longest <= every + len(periods) // capacity + 1
