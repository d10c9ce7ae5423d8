"""Redis restarted, killed, frozen and emptied under busy workers and beats."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise

import pytest

from tests.acceptance.office import FAST, PATIENCE, Office, Thing, duplicates
from tests.harness import ProbeSpec, Process, Stack, eventually
from worker.redis_client import connect_url

pytestmark = pytest.mark.processes

MakeStack = Callable[..., Stack]
MakeOffice = Callable[..., Office]


def flush(stack: Stack) -> None:
    with connect_url(stack.redis.url) as client:
        client.flushall()


def assert_alive(*processes: Process) -> None:
    for process in processes:
        assert process.running, process.tail()
        assert "Traceback" not in process.output(), process.output()


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_the_ready_task_goes_on_over_an_outage(make_office: MakeOffice, how: str) -> None:
    """`kill` is SIGKILL: the append-only file lacks the last second. The run at work may lose its lock."""
    office = make_office(lease_seconds=3)
    office.fill(12)
    office.board.slow(0.4)
    worker, beat = office.worker(*FAST), office.beat()
    eventually(lambda: len(office.board.things()) >= 7, PATIENCE)
    getattr(office.redis, how)()
    time.sleep(1.5)
    office.board.add(Thing("meanwhile"))
    office.redis.start()
    office.board.slow(0)
    assert len(office.in_step()) == 13
    office.rested()  # what is deleted before a run knows that it was made is made again
    office.phone.delete("meanwhile")
    eventually(lambda: len(office.board.things()) == 12, PATIENCE)
    office.rested()
    assert_alive(worker, beat)
    assert {run.pid for run in office.runs()} == {worker.pid}


def test_again_and_again_under_many_tasks(make_stack: MakeStack) -> None:
    specs = [ProbeSpec(f"task-{number}", every=1) for number in range(6)]
    stack = make_stack(*specs, lease_seconds=3)
    worker, beats = stack.worker(), [stack.beat(), stack.beat()]  # with mingle and gossip, as by default
    for number, how in enumerate(["restart", "kill", "pause", "stop"]):
        for spec in specs:
            stack.sides(spec.name).notion.create(Name=f"round {number}", Done=False)
            stack.sides(spec.name).other.be_slow(after=0.5)
        time.sleep(1.2)
        getattr(stack.redis, how)()
        if how != "restart":
            time.sleep(0.8 + number)
            (stack.redis.resume if how == "pause" else stack.redis.start)()
        for spec in specs:
            stack.sides(spec.name).other.be_slow()
        for spec in specs:
            eventually(stack.sides(spec.name).equal, PATIENCE, f"{spec.name} equal after {how}")
    for spec in specs:
        sides = stack.sides(spec.name)
        assert len(sides.other.rows()) == 4
        assert sides.other.duplicates("title") == {}
        assert sides.notion.writes() == []
        assert sides.overlapping() == []
    assert_alive(worker, *beats)


def test_an_emptied_redis_costs_a_delay_and_nothing_else(make_office: MakeOffice) -> None:
    """Emptied in the middle of a run, and again when all is quiet."""
    office = make_office(lease_seconds=3)
    office.fill(12)
    office.board.slow(0.4)
    worker, second, beat = office.worker(*FAST), office.worker(*FAST), office.beat()
    eventually(lambda: len(office.board.things()) >= 7, PATIENCE)
    flush(office)
    office.board.slow(0)
    assert len(office.in_step()) == 12
    office.rested()
    flush(office)
    office.board.delete("thing 03")
    eventually(lambda: len(office.phone.things()) == 11, PATIENCE)
    office.phone.add(Thing("afterwards"))
    assert len(office.in_step()) == 12
    office.rested()
    assert duplicates(office.board.things()) == {}
    assert_alive(worker, second, beat)


def test_an_emptied_redis_delays_one_run_at_the_most(make_stack: MakeStack) -> None:
    stack = make_stack(ProbeSpec(every=2), ProbeSpec("once", total=1))
    stack.worker(*FAST)
    beats = [stack.beat(), stack.beat()]

    def ran() -> list[float]:
        return [run.started_at.timestamp() for run in reversed(stack.history("probe"))]

    for _ in range(3):
        seen = eventually(ran, PATIENCE)
        eventually(lambda seen=seen: len(ran()) > len(seen), PATIENCE)
        time.sleep(0.5)
        flush(stack)
    seen = ran()
    eventually(lambda: len(ran()) >= len(seen) + 2, PATIENCE)
    gaps = [after - before for before, after in pairwise(ran())]
    assert min(gaps) > 1, gaps  # none twice
    assert max(gaps) < 2 * 2 + 3, gaps
    assert [run.status for run in stack.history("once")] == ["succeeded"]
    assert_alive(*beats)
