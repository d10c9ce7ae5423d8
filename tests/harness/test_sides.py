"""The probe finds what it is there to find."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.errors import SideError
from tasks.local import run_once
from tests.harness import ProbeSpec, Sides
from tests.harness.probe_tasks import ProbeTask


@pytest.fixture
def task(tmp_path: Path) -> ProbeTask:
    return ProbeTask(ProbeSpec(), tmp_path)


def test_sides_are_equal_when_their_rows_are(tmp_path: Path) -> None:
    sides = Sides(tmp_path)
    milk = sides.notion.create(Name="milk", Done=False)
    assert not sides.equal()
    sides.other.create(title="milk", done=False)
    assert sides.equal()
    sides.notion.update(milk.id, Done=True)
    assert not sides.equal()
    sides.notion.delete(milk.id)
    assert sides.notion.rows() == []
    assert sides.notion.writes() == []


def test_writes_of_runs_are_noted(tmp_path: Path) -> None:
    side = Sides(tmp_path).other
    row = side.create(by=("r1", 11), title="milk")
    side.update(row.id, by=("r2", 12), title="oat milk")
    side.delete(row.id, by=("r2", 12))
    assert [(w.run, w.pid, w.op, w.id, w.attrs) for w in side.writes()] == [
        ("r1", 11, "create", row.id, {"title": "milk"}),
        ("r2", 12, "update", row.id, {"title": "oat milk"}),
        ("r2", 12, "delete", row.id, {}),
    ]


def test_overlapping_runs_and_duplicates_are_found(tmp_path: Path) -> None:
    sides = Sides(tmp_path)
    sides.other.create(by=("r1", 1), title="a")
    sides.other.create(by=("r1", 1), title="b")
    sides.notion.create(by=("r2", 2), Name="a")
    assert sides.overlapping() == []
    assert sides.other.duplicates("title") == {}
    sides.other.create(by=("r1", 1), title="a")
    assert sides.overlapping() == [("r1", "r2")]
    assert sides.other.duplicates("title") == {"a": 2}


async def test_a_run_brings_the_sides_together(task: ProbeTask, tmp_path: Path) -> None:
    task.state_path = tmp_path / "state.json"
    task.sides.notion.create(Name="milk", Done=False)
    task.sides.other.create(title="tea", done=True)

    report = await run_once(task)

    assert report.status == "succeeded"
    task.sides.assert_equal()
    [run] = task.sides.runs()
    assert run.closed is not None
    assert {write.run for write in [*task.sides.notion.writes(), *task.sides.other.writes()]} == {run.run}
    assert [write.attrs for write in task.sides.other.writes()] == [{"title": "milk", "done": False}]


async def test_a_side_can_refuse(task: ProbeTask, tmp_path: Path) -> None:
    task.state_path = tmp_path / "state.json"
    task.sides.notion.create(Name="milk", Done=False)
    task.sides.other.refuse("closed on Sundays")
    with pytest.raises(SideError, match="other: closed on Sundays"):
        await run_once(task)
    task.sides.other.refuse()
    assert (await run_once(task)).status == "succeeded"
