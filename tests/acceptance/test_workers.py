"""Workers killed, frozen and doubled, over sides that tell who wrote what and when."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise

import pytest

from tasks import SyncTask
from tests.acceptance.office import FAST, PATIENCE, Office, Thing, duplicates
from tests.harness import ProbeSpec, Process, Side, Stack, eventually
from tests.harness.freezing import freeze

pytestmark = pytest.mark.processes

MakeStack = Callable[..., Stack]
MakeOffice = Callable[..., Office]

ROWS = 12
LEASE = 2.0


def fill(stack: Stack, name: str | None = None) -> None:
    sides = stack.sides(name)
    for number in range(ROWS):
        sides.notion.create(Name=f"row {number}", Done=False)


def assert_in_step(stack: Stack, name: str | None = None) -> None:
    sides = stack.sides(name)
    eventually(sides.equal, PATIENCE, "both sides equal")
    assert len(sides.other.rows()) == ROWS
    assert sides.other.duplicates("title") == {}
    assert sides.notion.duplicates("Name") == {}
    assert sides.notion.writes() == []


@pytest.mark.parametrize(
    "moment", [{"listing": 30}, {"before": 0.4}, {"after": 0.4}], ids=["listing", "before", "after"]
)
def test_a_killed_worker_is_made_up_for_after_its_lease(
    make_stack: MakeStack, moment: dict[str, float]
) -> None:
    """Killed while it lists, while a write is on its way, and when one is done and not yet answered."""
    stack = make_stack(ProbeSpec(every=1), lease_seconds=LEASE)
    fill(stack)
    other = stack.sides().other
    other.be_slow(**moment)
    first, second = stack.worker(*FAST, ready=False), stack.worker(*FAST, ready=False)
    for worker in (first, second):
        worker.wait_for_line(r" ready\.$", timeout=PATIENCE)
    stack.beat()
    eventually(stack.sides().runs if "listing" in moment else other.writes, PATIENCE)
    (run,) = stack.sides().runs()
    holder = first if run.pid == first.pid else second
    holder.kill()
    killed_at = time.time()
    other.be_slow()
    assert_in_step(stack)
    lost = [run for run in stack.history("probe") if run.status == "abandoned"]
    assert [run.pid for run in lost] == [holder.pid]
    next_run = stack.sides().runs()[1]
    # The heartbeat may have been a third of a lease old.
    assert LEASE * 0.6 < next_run.opened - killed_at < LEASE + 4
    assert stack.sides().overlapping() == []


def test_a_frozen_worker_writes_nothing_more(make_stack: MakeStack) -> None:
    stack = make_stack(ProbeSpec(every=1), lease_seconds=LEASE)
    fill(stack)
    other = stack.sides().other
    other.be_slow(before=0.5)
    first = stack.worker(*FAST)
    stack.beat()
    eventually(other.writes, PATIENCE)
    freeze(first, stack.directory)
    frozen = last_write(other, first)
    other.be_slow()
    second = stack.worker(*FAST)
    assert_in_step(stack)
    assert {write.pid for write in other.writes() if write.number > frozen} == {second.pid}
    rows = other.rows()

    first.cont()
    first.wait_for_line(r" abandoned .*(lost|another session)", timeout=PATIENCE)

    late = [write for write in other.writes() if write.number > frozen and write.pid == first.pid]
    assert len(late) <= SyncTask.concurrency  # those that were on their way
    if not late:
        assert other.rows() == rows
    # It is of use again, and both take their turns.
    eventually(lambda: stack.sides().runs()[-1].pid == first.pid, PATIENCE, "a run of the worker again")
    eventually(stack.sides().equal, PATIENCE)  # the run may be under way still


def last_write(side: Side, process: Process) -> int:
    return max(write.number for write in side.writes() if write.pid == process.pid)


def test_a_frozen_worker_makes_no_duplicates_of_the_ready_task(make_office: MakeOffice) -> None:
    """Requests that were on their way arrive: the services then know the key of the create again."""
    office = make_office(lease_seconds=LEASE)
    office.fill(20)
    office.board.slow(0.8)
    first = office.worker(*FAST)
    office.beat()
    eventually(lambda: len(office.board.things()) >= 12, PATIENCE)
    freeze(first, office.state_dir)
    assert office.board.things() != office.phone.things(), "the run was over before it could be frozen"
    office.board.slow(0)
    office.worker(*FAST)
    assert len(office.in_step()) == 20
    first.cont()
    first.wait_for_line(r" abandoned .*(lost|another session)", timeout=PATIENCE)
    office.board.add(Thing("afterwards"))
    assert len(office.in_step()) == 21
    office.rested()
    assert duplicates(office.board.things()) == duplicates(office.phone.things()) == {}


def test_two_workers_fight_for_one_node(make_stack: MakeStack) -> None:
    """Never two sessions at once; a run that comes too late is recorded as skipped, with the holder's name."""
    stack = make_stack(ProbeSpec(every=1), ProbeSpec("quiet", every=1), lease_seconds=LEASE)
    fill(stack)
    other = stack.sides().other
    other.be_slow(listing=1.4, after=0.2)
    workers = [stack.worker(*FAST, ready=False) for _ in range(2)]
    for worker in workers:
        worker.wait_for_line(r" ready\.$", timeout=PATIENCE)
    stack.beat()
    eventually(lambda: len(stack.sides().runs()) >= 6, PATIENCE)
    runs = [run for run in stack.sides().runs() if run.closed is not None]
    for before, after in pairwise(runs):
        assert before.closed is not None
        assert after.opened > before.closed
    assert_in_step(stack)
    skipped = [run for run in stack.history("probe") if run.status == "skipped"]
    assert skipped
    assert all("node 'probe' is busy: session " in run.reason for run in skipped)
    assert {run.pid for run in stack.history("probe")} == {worker.pid for worker in workers}
    # Nobody waits for a busy node.
    quiet = [run for run in stack.history("quiet") if run.status == "succeeded"]
    assert len(quiet) >= 5
