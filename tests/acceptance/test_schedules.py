"""Beats doubled, killed and restarted, with workers that go in between."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise

import pytest

from tests.acceptance.office import FAST, PATIENCE, Office, stays
from tests.harness import ProbeSpec, Stack, eventually
from worker.store import RAN

pytestmark = pytest.mark.processes

MakeStack = Callable[..., Stack]
MakeOffice = Callable[..., Office]


def ran(stack: Stack, task: str) -> int:
    return sum(run.status in RAN for run in stack.history(task))


def test_two_beats_of_which_one_is_killed(make_office: MakeOffice) -> None:
    office = make_office(every="2s")
    office.fill(4)
    office.worker(*FAST)
    begun = time.time()
    first, second = office.beat(), office.beat()
    eventually(lambda: len(office.runs()) >= 2, PATIENCE)
    first.kill()
    seen = len(office.runs())
    eventually(lambda: len(office.runs()) >= seen + 3, PATIENCE)
    office.beat()
    seen = len(office.runs())
    eventually(lambda: len(office.runs()) >= seen + 2, PATIENCE)
    runs = office.runs()
    starts = sorted(run.started_at.timestamp() for run in runs)
    assert len(runs) <= (time.time() - begun) / 2 + 1
    assert min(after - before for before, after in pairwise(starts)) > 1
    assert len({run.message_id for run in runs}) == len(runs)
    assert {run.status for run in runs} <= {"succeeded", "running", "skipped"}
    # A run may take longer than the two seconds to the next one.
    assert all(" is busy: session " in run.reason for run in runs if run.status == "skipped")
    assert len(office.in_step()) == 4
    assert second.running


def test_totals_are_exact_over_restarts_of_everything(make_stack: MakeStack) -> None:
    """A failed run counts; one that was lost with its worker does not, and is made up for."""
    stack = make_stack(
        ProbeSpec("three", every=1, total=3),
        ProbeSpec("once", total=1),
        ProbeSpec("lost", total=1),
        ProbeSpec("refused", total=2),
        env={"LOCKSTEP_RETRY_SECONDS": "4"},
    )
    stack.sides("lost").other.be_slow(listing=60)
    stack.sides("refused").other.refuse("closed today")
    worker, beats = stack.worker(*FAST), [stack.beat(), stack.beat()]
    eventually(lambda: stack.history("lost") and ran(stack, "three"), PATIENCE)
    worker.kill()
    for beat in beats:
        beat.kill()
    stack.redis.restart()
    stack.sides("lost").other.be_slow()
    beats = [stack.beat(), stack.beat()]
    worker = stack.worker(*FAST)
    names = ("three", "once", "lost", "refused")

    def counted() -> tuple[int, ...]:
        return tuple(ran(stack, name) for name in names)

    eventually(lambda: counted() == (3, 1, 1, 2), PATIENCE, "three, one, one and two runs")
    worker.kill()
    for beat in beats:
        beat.kill()
    stack.worker(*FAST)
    stack.beat()
    stays(lambda: counted() == (3, 1, 1, 2), 5, "a run more than there should be")
    assert [run.status for run in stack.history("lost")].count("abandoned") == 1
    # One may have been under way when its worker was killed.
    assert {run.status for run in stack.history("refused")} <= {"failed", "skipped", "abandoned"}
