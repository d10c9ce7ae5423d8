"""Notion data source <-> CalDAV to-do list, scheduled by beat and carried out by a worker."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

import pytest

from tests.acceptance.office import FAST, PATIENCE, Office, Thing, title
from tests.harness import eventually

pytestmark = pytest.mark.processes

MakeOffice = Callable[..., Office]


def test_everything_crosses_both_ways_and_the_sides_end_equal(make_office: MakeOffice) -> None:
    office = make_office()
    office.fill(8)
    worker, beat = office.worker(*FAST), office.beat()
    assert len(office.in_step()) == 8

    office.board.edit("thing 00", Name=title("thing zero"), Status={"status": {"name": "Done"}})
    office.board.edit("thing 05", Tags={"multi_select": [{"name": "work"}, {"name": "home"}]})
    office.phone.edit("thing 01", STATUS=":IN-PROCESS")
    office.phone.edit("thing 06", DUE=";VALUE=DATE:20260601")
    office.board.add(Thing("new on the board", notes="two\nlines"))
    office.phone.add(Thing("new on the phone", status="COMPLETED"))
    office.board.delete("thing 02")
    office.phone.delete("thing 07")

    def arrived() -> bool:
        things = {thing.name: thing for thing in office.phone.things()}
        assert things == {thing.name: thing for thing in office.board.things()}
        assert set(things) == {
            *("thing zero", "thing 01", "thing 03", "thing 04", "thing 05", "thing 06"),
            *("new on the board", "new on the phone"),
        }
        assert things["thing zero"].status == "COMPLETED"
        assert things["thing 01"].status == "IN-PROCESS"
        assert things["thing 05"].tags == ("home", "work")
        assert things["thing 06"].due == "2026-06-01"
        assert things["new on the board"].notes == "two\nlines"
        return True

    eventually(arrived, PATIENCE)
    office.rested()
    assert {run.status for run in office.runs()} <= {"succeeded", "running", "skipped"}
    for process in (worker, beat):
        assert "Traceback" not in process.output(), process.tail()
        assert "ERROR" not in process.output(), process.tail()


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(("board", 1), id="first-row"),
        pytest.param(("board", 4), id="rows-half-done"),
        pytest.param(("phone", 2), id="to-dos-half-done"),
    ],
)
def test_a_worker_killed_in_the_middle_is_made_up_for(
    make_office: MakeOffice, moment: tuple[str, int]
) -> None:
    office = make_office(lease_seconds=2)
    office.fill(16)
    office.board.slow(0.4)
    side, created = moment
    things = getattr(office, side).things
    first = office.worker(*FAST)
    office.beat()
    eventually(lambda: len(things()) >= 8 + created, PATIENCE)
    first.kill()
    killed_at = time.monotonic()
    assert office.board.things() != office.phone.things(), "the kill came too late"
    office.board.slow(0)
    second = office.worker(*FAST)
    assert len(office.in_step()) == 16
    office.rested()
    assert time.monotonic() - killed_at < PATIENCE
    runs = office.runs()
    lost = [run for run in runs if run.status == "abandoned"]
    assert [run.pid for run in lost] == [first.pid]
    assert lost[0].finished_at is not None
    assert "lost" in lost[0].reason
    assert {run.pid for run in runs if run.status == "succeeded"} == {second.pid}
    assert {run.status for run in runs} <= {"succeeded", "abandoned", "skipped", "running"}


def test_a_worker_killed_between_edits_and_deletions(make_office: MakeOffice) -> None:
    """Neither brings a deleted thing back, nor loses an edit that was under way."""
    office = make_office(lease_seconds=2)
    office.fill(12)
    first = office.worker(*FAST)
    beat = office.beat()
    office.in_step()
    office.rested()
    beat.stop()
    time.sleep(1.5)
    office.board.slow(0.6, method="PATCH")
    for number in range(6):
        office.phone.edit(f"thing {number:02}", STATUS=":COMPLETED")
    for number in range(6, 9):
        office.phone.delete(f"thing {number:02}")
    office.board.edit("thing 10", Name=title("thing ten"))
    office.board.delete("thing 11")
    beat.cont()
    eventually(lambda: any(thing.status == "COMPLETED" for thing in office.board.things()), PATIENCE)
    first.signal(signal.SIGKILL)
    first.wait_exit()
    office.board.slow(0)
    office.worker(*FAST)
    things = office.in_step()
    assert [thing.name for thing in things] == [
        *(f"thing {n:02}" for n in (0, 1, 2, 3, 4, 5, 9)),
        "thing ten",
    ]
    assert {thing.status for thing in things[:6]} == {"COMPLETED"}
    office.rested()
