"""Real beats and workers: killed, doubled, restarted, and Redis emptied or away under them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.harness import MakeStack, ProbeSpec, Process, Stack, eventually, stacks
from worker.redis_client import connect_url
from worker.store import RunRecord

pytestmark = pytest.mark.processes


@pytest.fixture
def make(tmp_path: Path) -> Iterator[MakeStack]:
    with stacks(tmp_path, lease_seconds=1.5, LOCKSTEP_RETRY_SECONDS="2") as make:
        yield make


def ran(stack: Stack, task: str = "probe") -> list[RunRecord]:
    return [run for run in stack.history(task) if run.status == "succeeded"]


def flush(stack: Stack) -> None:
    with connect_url(stack.redis.url) as client:
        client.flushall()


def worker(stack: Stack, **env: Any) -> Process:
    return stack.worker("--without-mingle", "--without-gossip", **env)


def test_two_beats_send_once_and_one_goes_on_when_the_other_is_killed(make: MakeStack) -> None:
    stack = make(ProbeSpec(every=1))
    worker(stack)
    begun = time.monotonic()
    beats = [stack.beat(), stack.beat()]
    time.sleep(3)
    beats[0].kill()
    beats[1].stop()  # both away: nothing is sent
    time.sleep(1.5)
    seen = len(stack.history())
    assert seen >= 2
    time.sleep(1.5)
    assert len(stack.history()) == seen
    beats[1].cont()
    beats.append(stack.beat())
    eventually(lambda: len(stack.history()) >= seen + 3, 15)
    runs = stack.history()
    assert len(runs) <= time.monotonic() - begun + 1
    assert len({run.message_id for run in runs}) == len(runs)
    starts = sorted(run.started_at for run in runs)
    assert min((after - before).total_seconds() for before, after in pairwise(starts)) > 0.5


def test_a_total_is_exact_over_restarts_and_an_emptied_redis(make: MakeStack) -> None:
    """Three runs that ran; one that was lost with its worker, and what beats send too much, do not count."""
    stack = make(
        ProbeSpec("total", every=1, total=3), ProbeSpec("once", total=1), ProbeSpec("twice", total=2)
    )
    first = worker(stack)
    stack.sides("total").other.be_slow(listing=30)
    beat = stack.beat()
    eventually(lambda: stack.history("total"), 60)
    first.kill()
    stack.sides("total").other.be_slow()
    beat.kill()
    flush(stack)
    beat = stack.beat()
    worker(stack)
    eventually(lambda: ran(stack, "total"), 60)
    beat.kill()
    flush(stack)
    stack.beat()
    stack.beat()
    eventually(lambda: len(ran(stack, "total")) == 3, 60)
    eventually(lambda: len(ran(stack, "twice")) == 2, 60)
    flush(stack)
    stack.beat()
    time.sleep(3)
    assert [len(ran(stack, name)) for name in ("total", "once", "twice")] == [3, 1, 2]
    assert "abandoned" in {run.status for run in stack.history("total")}


def test_a_single_run_that_is_lost_with_its_worker_is_made_up_for(make: MakeStack) -> None:
    stack = make(ProbeSpec(total=1))
    first = worker(stack)
    stack.sides().other.be_slow(listing=30)
    stack.beat()
    eventually(stack.history, 15)
    first.kill()
    stack.sides().other.be_slow()
    worker(stack)
    eventually(lambda: len(ran(stack)) == 1, 60)
    time.sleep(2.5)
    assert len(ran(stack)) == 1


def test_an_outage_of_redis_loses_no_run(make: MakeStack) -> None:
    stack = make(ProbeSpec(every=1))
    process, beat = worker(stack), stack.beat()
    eventually(lambda: len(ran(stack)) >= 2, 20)
    stack.redis.stop()
    time.sleep(5)
    stack.redis.start()
    before = len(stack.history())
    eventually(lambda: len(stack.history()) > before, 30)
    eventually(lambda: len(ran(stack)) >= before + 3, 30)
    assert process.running
    assert beat.running
    assert "Traceback" not in beat.output()


def test_a_time_without_workers_is_made_up_for_by_one_run(make: MakeStack) -> None:
    stack = make(ProbeSpec(every=1))
    beat = stack.beat()
    time.sleep(4)
    beat.kill()
    time.sleep(1.1)
    worker(stack)
    eventually(lambda: ran(stack), 20)
    time.sleep(1)
    assert len(stack.history()) == 1


def test_every_task_runs_when_one_worker_cannot_make_all_that_are_due(make: MakeStack) -> None:
    names = [f"probe-{number}" for number in range(40)]
    stack = make(*(ProbeSpec(name, every=1) for name in names))
    for name in names:
        stack.sides(name).other.be_slow(listing=0.1)
    worker(stack, LOCKSTEP_WORKER_CONCURRENCY="1")
    beat = stack.beat()
    eventually(lambda: all(ran(stack, name) for name in names), 60)
    beat.wait_for_line("The schedule is overbooked: 40.0 runs a second are due")
    shown = stack.lockstep("status")
    shown.wait_for_line("The schedule is overbooked: 40.0 runs a second are due")
