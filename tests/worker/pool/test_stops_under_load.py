"""A worker that is told to stop amid its work: it ends by itself, well and soon, and no node stays locked."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import Celery

from config import load_settings
from config.celery import celery_settings
from tests.harness import MakeStack, ProbeSpec, Process, Stack, eventually, stacks
from worker.lock.redis_store import RedisLockStore
from worker.redis_client import connect_url

pytestmark = pytest.mark.processes

#: Workers that are stopped; `make proof` stops more.
STOPS = int(os.environ.get("LOCKSTEP_STOPS", "3"))
#: Tasks that are due at once, and messages for each.
TASKS, ROUNDS = 60, 12
#: Seconds that a worker may take to stop: what it waits for its runs, and what a busy machine adds.
SOFT, LONGEST = 3, 15
OPTIONS = ("--without-mingle", "--", f"worker.soft_shutdown_timeout={SOFT}")


@pytest.fixture
def make(tmp_path: Path) -> Iterator[MakeStack]:
    with stacks(tmp_path, lease_seconds=60) as make:
        yield make


def load(stack: Stack, rounds: int = ROUNDS) -> None:
    """Put messages into the queue, and nothing else: what an earlier worker left is taken out."""
    with connect_url(stack.redis.url) as client:
        client.delete("celery")
    app = Celery("sender", set_as_current=False)
    app.conf.update(celery_settings(load_settings(redis_url=stack.redis.url)), task_send_sent_event=False)
    with app.producer_or_acquire() as producer:
        for _ in range(rounds):
            for spec in stack.specs:
                app.send_task(f"sync.{spec.name}", producer=producer)
    app.close()


def held(stack: Stack) -> int:
    """How many nodes are locked."""
    with connect_url(stack.redis.url) as client:
        return len(RedisLockStore(client).holders())


def code_of(worker: Process) -> int:
    """How it ends, with no more patience than a host has."""
    give_up_at = time.monotonic() + LONGEST
    while worker.running and time.monotonic() < give_up_at:
        time.sleep(0.05)
    if (code := worker.returncode) is None:
        raise AssertionError(f"still there {LONGEST} s after the signal\n{worker.tail()}\n{worker.stacks()}")
    return code


@pytest.mark.timeout(120 + 30 * STOPS)
def test_a_worker_stops_well_amid_many_runs(make: MakeStack) -> None:
    stack = make(*[ProbeSpec(f"probe{number}", every=3600) for number in range(TASKS)])
    for spec in stack.specs[::4]:  # so that runs are under way at any time, beside those that come and go
        stack.sides(spec.name).other.be_slow(listing=0.5)
    ends: Counter[str] = Counter()
    amid = 0
    for number in range(STOPS):
        load(stack)
        waits = number % 3 == 2  # for its runs as long as they take; the others cancel what takes too long
        worker = stack.worker(*OPTIONS, REMAP_SIGTERM="" if waits else "SIGQUIT")
        # Another moment each time: among the first runs, and when all threads have work.
        eventually(lambda worker=worker: worker.output().count("] succeeded in") > 20, 20)
        time.sleep(0.13 * (number % 7))
        amid += bool(held(stack))
        worker.terminate()
        try:
            ends[f"exit {code_of(worker)}"] += 1
        except AssertionError as error:
            print(error)
            ends["never"] += 1
            worker.kill()
        if "Traceback" in worker.output():
            print(worker.tail())
            ends["traceback"] += 1
        if held(stack):
            ends["left a lock"] += 1
            with connect_url(stack.redis.url) as client:
                client.flushdb()
    assert ends == {"exit 0": STOPS}
    assert amid > STOPS / 2, f"only {amid} of {STOPS} workers had runs under way"


def test_runs_that_take_too_long_are_cancelled_and_a_second_signal_ends_at_once(make: MakeStack) -> None:
    """All threads have a long run, and more messages wait: asked once, all end in order; asked twice, at once."""
    stack = make(*[ProbeSpec(f"probe{index}", every=3600) for index in range(40)])
    for spec in stack.specs:
        stack.sides(spec.name).other.be_slow(listing=60)
    options = ("--concurrency=8", *OPTIONS)

    def busy_worker() -> Process:
        load(stack, rounds=1)
        worker = stack.worker(*options, REMAP_SIGTERM="SIGQUIT")
        eventually(lambda: held(stack) == 8)
        return worker

    worker = busy_worker()
    worker.signal(signal.SIGINT)
    worker.signal(signal.SIGINT)  # a host sends it to the group and to the process: that is one request
    assert code_of(worker) == 0, worker.tail()
    assert "waiting up to 3 s for 8 runs to end" in worker.output()
    assert "Traceback" not in worker.output(), worker.tail()
    assert held(stack) == 0
    ran = [run for spec in stack.specs for run in stack.history(spec.name)]
    assert [run.status for run in ran] == ["cancelled"] * 8
    with connect_url(stack.redis.url) as client:
        assert client.llen("celery") == 32  # what no thread had begun is there for the next worker

    worker = busy_worker()
    worker.terminate()
    time.sleep(0.5)
    asked_again_at = time.monotonic()
    worker.signal(signal.SIGINT)
    assert code_of(worker) == 1, worker.tail()
    assert time.monotonic() - asked_again_at < 1.5


def test_processes_are_cancelled_as_well_and_end_with_a_second_signal(make: MakeStack) -> None:
    stack = make(*[ProbeSpec(f"probe{index}", every=3600) for index in range(4)])
    for spec in stack.specs:
        stack.sides(spec.name).other.be_slow(listing=60)
    options = ("--pool=prefork", "--concurrency=2", *OPTIONS)

    def busy_worker() -> Process:
        load(stack, rounds=1)
        worker = stack.worker(*options, REMAP_SIGTERM="SIGQUIT")
        eventually(lambda: held(stack) == 2)
        return worker

    worker = busy_worker()
    worker.terminate()
    assert code_of(worker) == 0, worker.tail()
    assert held(stack) == 0
    assert [run.status for spec in stack.specs for run in stack.history(spec.name)] == ["cancelled"] * 2

    worker = busy_worker()
    at_work = {stack.sides(spec.name).runs()[-1].pid for spec in stack.specs if stack.sides(spec.name).runs()}
    worker.terminate()
    time.sleep(0.5)
    worker.terminate()
    assert code_of(worker) == 1, worker.tail()
    eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in at_work))


def test_a_worker_stops_while_redis_is_away(make: MakeStack) -> None:
    stack = make(*[ProbeSpec(f"probe{index}", every=3600) for index in range(8)])
    for spec in stack.specs:
        stack.sides(spec.name).other.be_slow(listing=60)
    load(stack, rounds=1)
    worker = stack.worker("--concurrency=4", *OPTIONS, REMAP_SIGTERM="SIGQUIT")
    eventually(lambda: held(stack) == 4)
    stack.redis.stop()
    time.sleep(1)
    worker.terminate()
    assert code_of(worker) == 0, worker.tail()
    assert "Traceback" not in worker.output(), worker.tail()
