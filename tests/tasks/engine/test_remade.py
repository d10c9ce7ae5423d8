"""An object that was made anew is linked again: from an older store, by two tasks, made by hand."""

from __future__ import annotations

import copy

import pytest

from tasks import Listing
from tasks.engine.report import Order, RunReport
from tasks.journal.state import State
from tasks.journal.state_journal import StateJournal
from tasks.merge import Adopt, Create, Delete, Update
from tests.tasks.boards import Board, Boards


async def run(task: Boards, journal: StateJournal) -> RunReport:
    task.later(minutes=5)
    return await task.run(journal, order=Order(clock=task.clock))


def kept(journal: StateJournal) -> StateJournal:
    """An older copy of what is remembered."""
    return StateJournal(copy.deepcopy(journal.state))


@pytest.mark.parametrize("side", ["notion", "other"])
async def test_from_an_older_copy_of_the_store_an_object_that_was_made_anew_is_not_made_twice(
    side: str,
) -> None:
    task, journal = Boards(), StateJournal(State())
    task.pair(A="y", B="")
    ids = dict(zip(("notion", "other"), task.pair(A="x", B="old"), strict=True))
    await run(task, journal)
    older = kept(journal)
    boards = {"notion": task.notion, "other": task.other}
    across = "other" if side == "notion" else "notion"
    boards[side].remove(ids[side])
    boards[across].edit(ids[across], **{"B" if across == "notion" else "b": "edited"})
    await run(task, journal)  # an edit beats a deletion: made anew
    assert task.notion.shown() == task.other.shown() == [("x", "edited"), ("y", "")]
    for number, value in enumerate(("edited", "edited again")):
        if number:
            boards[across].edit(ids[across], **{"B" if across == "notion" else "b": value})
        restored = kept(older)
        writes = task.notion.writes + task.other.writes
        report = await run(task, restored)
        assert report.status == "succeeded"
        assert task.notion.shown() == task.other.shown() == [("x", value), ("y", "")]
        assert task.notion.writes + task.other.writes == writes + number
        assert report.outcome.counts["linked"] == 1
        assert (await run(task, restored)).plan.actions == ()


@pytest.mark.parametrize("value", ["", "another"])
async def test_what_was_deleted_and_made_by_hand_is_linked_and_blanks_nothing(value: str) -> None:
    task, journal = Boards(), StateJournal(State())
    _, theirs = task.pair(A="x", B="a long text")
    task.pair(A="y", B="")
    await run(task, journal)
    task.other.remove(theirs)
    task.other.add(a="x", b=value)
    await run(task, journal)
    expected = [("x", value or "a long text"), ("y", "")]
    assert task.notion.shown() == task.other.shown() == expected
    assert list(task.notion.rows) == ["n1", "n2"]  # with all that was never synced
    assert (await run(task, journal)).plan.actions == ()


async def test_an_edit_is_carried_to_the_object_that_was_made_anew_with_the_old_value() -> None:
    task, journal = Boards(), StateJournal(State())
    ours, theirs = task.pair(A="x", B="old")
    task.pair(A="y", B="")
    await run(task, journal)
    task.notion.edit(ours, B="edited")
    task.later(hours=1)
    task.other.remove(theirs)
    task.other.add(a="x", b="old")  # later, and yet nobody's edit
    report = await run(task, journal)
    assert task.notion.shown() == task.other.shown() == [("x", "edited"), ("y", "")]
    assert report.outcome.conflicts == 1  # what yields is in the ledger


async def test_two_alike_in_the_place_of_one_lose_and_double_nothing() -> None:
    task, journal = Boards(), StateJournal(State())
    _, theirs = task.pair(A="x", B="1")
    task.pair(A="y", B="")
    await run(task, journal)
    task.other.remove(theirs)
    task.other.add(a="x", b="2")
    task.other.add(a="x", b="1")
    for _ in range(2):
        await run(task, journal)
    assert task.notion.shown() == task.other.shown() == [("x", "1"), ("x", "2"), ("y", "")]
    assert (await run(task, journal)).plan.actions == ()
    assert next(iter(task.notion.rows)) == "n1"


async def test_an_object_that_only_moved_away_keeps_its_link() -> None:
    """A done row is archived, and a new one of the same name is made: that is another one."""
    task, journal = Boards(), StateJournal(State())
    ours, _ = task.pair(A="x", B="done")
    task.pair(A="y", B="")
    await run(task, journal)
    row = task.notion.rows.pop(ours)
    task.notion.moved = {ours}
    task.notion.add(A="x", B="new")
    await run(task, journal)
    assert task.other.shown() == [("x", "done"), ("x", "new"), ("y", "")]
    task.notion.rows[ours], task.notion.moved = row, set()
    await run(task, journal)
    assert (await run(task, journal)).plan.actions == ()
    assert task.notion.shown() == task.other.shown()


async def test_in_doubt_by_a_partial_listing_neither_is_made_nor_linked() -> None:
    class Partial(Boards):
        cut = False

        def get_other_objects(self) -> Listing:
            listing = super().get_other_objects()
            return Listing(listing, partial="cut off") if self.cut else listing

    task, journal = Partial(), StateJournal(State())
    _, theirs = task.pair(A="x", B="")
    task.pair(A="y", B="")
    await run(task, journal)
    task.other.remove(theirs)
    task.other.add(a="x", b="")
    task.other.add(a="z", b="")
    task.cut = True
    report = await run(task, journal)
    assert [type(action) for action in report.plan.writes] == [Create]  # of z alone
    assert any("may be o1 made again" in line for line in report.outcome.skipped)
    task.cut = False
    await run(task, journal)
    assert task.notion.shown() == task.other.shown() == [("x", ""), ("y", ""), ("z", "")]


class OfOneTable(Boards):
    """A task whose Notion side is another task's too."""

    def __init__(self, name: str, shared: Board) -> None:
        super().__init__(name)
        self.notion = shared


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("attribute", ["b", "c"])
async def test_two_tasks_on_one_data_source_make_a_row_anew_once(first: int, attribute: str) -> None:
    shared = Boards().notion
    tasks = [OfOneTable(name, shared) for name in ("one", "two")]
    journals = [StateJournal(State()) for _ in tasks]
    for task in tasks:
        task.attr_map = {"A": "a", "B": "b", "C": "c"}
    shared.add(A="x", B="", C="")
    shared.add(A="y", B="", C="")
    for _ in range(2):
        for task, journal in zip(tasks, journals, strict=True):
            await run(task, journal)
    shared.remove("n1")
    for task, name in zip(tasks, ("b", attribute), strict=True):
        (row,) = (row for row in task.other.rows.values() if row.values["a"] == "x")
        task.other.edit(row.id, **{name: f"edited in {task.name}"})
    order = [first, 1 - first]
    for _ in range(3):
        for number in order:
            await run(tasks[number], journals[number])
    assert [row.values["A"] for row in shared.rows.values()] == ["y", "x"]
    for task, journal in zip(tasks, journals, strict=True):
        assert task.other.shown() == shared.shown()
        assert (await run(task, journal)).plan.actions == ()
    if attribute == "c":  # both edits live
        assert ("x", "edited in one", "edited in two") in shared.shown()


async def test_a_plan_says_that_it_goes_on_with_the_new_object() -> None:
    task, journal = Boards(), StateJournal(State())
    _, theirs = task.pair(A="x", B="")
    task.pair(A="y", B="")
    await run(task, journal)
    task.other.remove(theirs)
    task.other.add(a="x", b="new")
    report = await task.run(journal, dry_run=True)
    assert not report.plan.of(Create, Delete)
    (adopt,) = report.plan.of(Adopt)
    assert adopt.reason == "o1 is missing in the other side, and the same thing is there anew"
    (update,) = report.plan.of(Update)
    assert update.changes["B"].new == "new"


async def test_the_steps_link_again_too() -> None:
    task, journal = Boards(), StateJournal(State())
    _, theirs = task.pair(A="x", B="")
    task.pair(A="y", B="")
    await run(task, journal)
    task.other.remove(theirs)
    fresh = task.other.add(a="x", b="new")
    objs = (
        {row.id: row for row in task.notion.rows.values()},
        {row.id: row for row in task.other.rows.values()},
    )
    state = task.sync_state_changes(journal.state, *objs)  # not its part
    state = task.sync_other_deleted(state, *objs)
    assert state.ids["n1"] == fresh
    state = task.sync_state_changes(state, *objs)
    assert task.notion.shown() == task.other.shown() == [("x", "new"), ("y", "")]
