"""Steps of a task's own that leave the work to ours: what its run knows holds for them, though they are given less."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tasks import ConflictMode, Listing, State
from tasks.merge import Intent
from tasks.sides import End
from tasks.sync_task.overrides import STEPS
from tasks.sync_task.steps import StepError
from tests.tasks.boards import Boards
from tests.tasks.sync_task.composed import by_steps
from tests.tasks.sync_task.test_overrides import Journal, run

STEP_NAMES = tuple(STEPS)


class EveryStep(Boards):
    """All steps are its own, and leave the work to ours."""

    def initial_sync(self, notion_objs: Any, other_objs: Any) -> State:
        return super().initial_sync(notion_objs, other_objs)

    def sync_notion_created(self, state: State, notion_objs: Any) -> State:
        return super().sync_notion_created(state, notion_objs)

    def sync_other_created(self, state: State, other_objs: Any) -> State:
        return super().sync_other_created(state, other_objs)

    def sync_notion_deleted(self, state: State, notion_objs: Any, other_objs: Any) -> State:
        return super().sync_notion_deleted(state, notion_objs, other_objs)

    def sync_other_deleted(self, state: State, notion_objs: Any, other_objs: Any) -> State:
        return super().sync_other_deleted(state, notion_objs, other_objs)

    def sync_state_changes(self, state: State, notion_objs: Any, other_objs: Any) -> State:
        return super().sync_state_changes(state, notion_objs, other_objs)


class Composed(Boards):
    """Its own `sync` lists both sides and calls the steps one after the other."""

    def sync(self, state: State | None) -> State:
        notion_objs = {row.id: row for row in self.get_notion_objects()}
        other_objs = {row.id: row for row in self.get_other_objects()}
        return by_steps(self, state, notion_objs, other_objs)


def test_every_step_is_there() -> None:
    assert {name for name in vars(EveryStep) if name in STEP_NAMES} == set(STEP_NAMES)


@pytest.mark.parametrize(
    "said", [{"partial": "cut off"}, {"unreadable": {"n1": "damaged"}}], ids=lambda one: next(iter(one))
)
async def test_what_a_listing_does_not_show_is_not_taken_for_deleted(said: dict[str, Any]) -> None:
    class Hiding(EveryStep):
        def get_notion_objects(self) -> Listing:
            whole = super().get_notion_objects()
            return Listing(whole, **said) if self.notion.hidden else whole

    task, journal = Hiding(), Journal()
    for number in range(4):
        task.pair(A=f"row {number}", B="")
    await run(task, journal)
    task.notion.hidden = {"n1"}
    task.other.edit("o2", b="edited")
    report = await run(task, journal)
    assert report.status in ("incomplete", "succeeded"), report.reason
    assert (len(task.notion.rows), len(task.other.rows)) == (4, 4)
    assert task.notion.rows["n2"].values["B"] == "edited"
    task.notion.hidden = set()
    assert (await run(task, journal)).plan.actions == ()


class Whole(Boards):
    """Its own `sync` leaves all to ours."""

    def sync(self, state: State | None) -> State:
        return super().sync(state)


@pytest.mark.parametrize("kind", [EveryStep, Composed, Whole])
async def test_what_another_scope_leaves_out_is_not_taken_for_deleted(kind: type[Boards]) -> None:
    """From the next run on the new scope is the old one: what is deleted in it is deleted across."""
    task, journal = kind(), Journal()
    task.the_scope = "all"
    for number in range(4):
        task.pair(A=f"row {number}", B="")
    await run(task, journal)
    task.the_scope, task.notion.hidden = "some", {"n1"}
    for _ in range(2):
        await run(task, journal)
        assert (len(task.notion.rows), len(task.other.rows)) == (4, 4)
    task.notion.remove("n2")
    await run(task, journal)
    assert [row[0] for row in task.other.shown()] == ["row 0", "row 2", "row 3"]
    task.notion.hidden = set()
    task.notion.edit("n1", B="seen again")
    await run(task, journal)
    assert task.notion.shown() == task.other.shown()
    assert task.other.rows["o1"].values["b"] == "seen again"


@pytest.mark.parametrize("kind", [EveryStep, Composed])
async def test_what_was_deleted_in_a_run_is_not_new_in_it(kind: type[Boards]) -> None:
    task, journal = kind(), Journal()
    for number in range(4):
        task.pair(A=f"row {number}", B="")
    await run(task, journal)
    task.notion.remove("n1")
    task.other.remove("o2")
    report = await run(task, journal)
    assert report.status == "succeeded", report.reason
    assert task.notion.shown() == task.other.shown() == [("row 2", ""), ("row 3", "")]


@pytest.mark.parametrize("kind", [EveryStep, Composed])
async def test_what_was_written_in_a_run_is_not_edited_in_it(kind: type[Boards]) -> None:
    """The objects of a step are as they were listed: the first sync has written some of them since."""
    task, journal = kind(mode=ConflictMode.NOTION), Journal()
    task.notion.add(A="x", B="ours")
    task.other.add(a="x", b="theirs")
    report = await run(task, journal)
    assert report.status == "succeeded", report.reason
    assert task.notion.shown() == task.other.shown() == [("x", "ours")]
    assert (task.notion.writes, task.other.writes) == (0, 1)


@pytest.mark.parametrize("kind", [EveryStep, Composed])
async def test_one_refused_object_stops_no_other(kind: type[Boards]) -> None:
    task, journal = kind(), Journal()
    pair = task.pair(A="x", B="")
    await run(task, journal)
    task.notion.add(A="bad", B=""), task.notion.add(A="good", B="")
    task.other.refused = {"bad"}
    task.other.edit(pair[1], b="edited")
    report = await run(task, journal)
    assert report.status == "failed"
    assert "this value is not taken" in report.reason
    assert task.other.shown() == [("good", ""), ("x", "edited")]
    assert task.notion.rows[pair[0]].values["B"] == "edited"


async def test_what_is_new_on_both_sides_is_linked_by_steps_that_a_task_calls_itself() -> None:
    task, journal = Composed(), Journal()
    task.pair(A="x", B="")
    await run(task, journal)
    task.pair(A="y", B="")
    report = await run(task, journal)
    assert report.status == "succeeded", report.reason
    assert task.notion.shown() == task.other.shown() == [("x", ""), ("y", "")]
    assert len(journal.state.ids) == 2
    assert task.other.calls["list"] == 3 + 1  # one more for the step that is given no objects of that side


@pytest.mark.parametrize("rows", [5, 30])
async def test_guards_hold_for_steps_that_a_task_calls_itself(rows: int) -> None:
    task, journal = Composed(), Journal()
    for number in range(rows):
        task.pair(A=f"row {number}", B="")
    await run(task, journal)
    task.notion.hidden = set(task.notion.rows)
    with pytest.raises(StepError, match=r"lists no object at all|would delete"):
        await run(task, journal)
    assert len(task.other.rows) == rows


@pytest.mark.parametrize("kind", [EveryStep, Whole])
async def test_what_failed_waits_in_steps_as_well(kind: type[Boards]) -> None:
    task, journal = kind(), Journal()
    task.pair(A="x", B="")
    await run(task, journal)
    task.notion.add(A="bad", B="")
    task.other.refused = {"bad"}
    for _ in range(3):
        await run(task, journal)
    tried = task.other.calls["create"]
    await run(task, journal)
    assert task.other.calls["create"] == tried  # its time has not come
    task.later(hours=1)
    task.other.refused = set()
    await run(task, journal)
    assert task.other.shown() == [("bad", ""), ("x", "")]


@pytest.mark.parametrize("kind", [EveryStep, Composed])
async def test_a_create_that_is_repeated_has_its_key_again(kind: type[Boards]) -> None:
    """The key is made of the task's name, and that was another one when the create was begun."""
    keys: list[str] = []

    class Keyed(kind):  # type: ignore[misc, valid-type]
        def other_create_keyed(self, key: str, values: dict[str, Any]) -> Any:
            keys.append(key)
            return super().other_create_keyed(key, values)

    task, journal = Keyed(), Journal()
    task.pair(A="x", B="")
    await run(task, journal)
    new = task.notion.add(A="new", B="")
    await journal.begin(Intent("of the former name", End.RIGHT, new, {"A": "new", "B": ""}, None, hash="new"))
    report = await run(task, journal)
    assert report.status == "succeeded", report.reason
    assert task.other.shown() == [("new", ""), ("x", "")]
    assert keys == ["of the former name"]
    assert not journal.state.intents


@pytest.mark.parametrize("kind", [EveryStep, Composed])
async def test_what_a_long_listing_cannot_show_yet_is_waited_for(kind: type[Boards]) -> None:
    """What counts is when it began: by the time of a step, what an earlier run made may be listed since."""

    class Slow(kind):  # type: ignore[misc, valid-type]
        other_settling = timedelta(seconds=30)

        def get_other_objects(self) -> Any:
            listed = super().get_other_objects()
            self.later(seconds=60 if self.other.hidden else 0)
            return listed

    task, journal = Slow(), Journal()
    task.pair(A="x", B="")
    await run(task, journal)
    new, made = task.pair(A="new", B="")
    intent = Intent("k", End.RIGHT, new, {"A": "new", "B": ""}, None, begun_at=task.now, hash="new")
    await journal.begin(intent)
    task.other.hidden = {made}
    task.later(seconds=20)
    await run(task, journal)
    assert task.other.calls["create"] == 0
    task.other.hidden = set()
    task.later(minutes=5)
    await run(task, journal)
    assert task.other.calls["create"] == 0
    assert task.notion.shown() == task.other.shown() == [("new", ""), ("x", "")]
