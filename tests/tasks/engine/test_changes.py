"""Runs that read changes only: what they cost, and that they end where full listings would."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.engine.report import Order, RunReport
from tasks.errors import TaskDefinitionError
from tasks.journal.contract import Memory
from tasks.journal.state import State
from tasks.journal.state_journal import StateJournal
from tasks.values.opaque import Opaque
from tests.tasks.boards import Board, Boards
from tests.world.loop import run_alone


@pytest.fixture
def journal() -> StateJournal:
    return StateJournal(State())


@pytest.fixture
def task() -> Boards:
    return Boards(deltas=True)


async def run(task: Boards, journal: StateJournal) -> RunReport:
    report = await task.run(journal, order=Order(clock=task.clock))
    assert report.status in {"succeeded", "incomplete", "failed", "halted"}
    return report


def forget(task: Boards) -> tuple[Counter[str], Counter[str]]:
    """The calls since the last time."""
    seen = task.notion.calls, task.other.calls
    task.notion.calls, task.other.calls = Counter(), Counter()
    return seen


async def test_without_edits_a_run_asks_each_side_once(task: Boards, journal: StateJournal) -> None:
    for number in range(50):
        task.pair(A=f"row {number}", B="")
    await run(task, journal)
    assert forget(task)[0] == {"list": 1}
    report = await run(task, journal)
    assert forget(task) == ({"changes": 1}, {"changes": 1})
    assert report.plan.in_step == 50


async def test_edits_creates_and_deletions_come_through(task: Boards, journal: StateJournal) -> None:
    pairs = [task.pair(A=f"row {number}", B="") for number in range(5)]
    await run(task, journal)
    forget(task)
    task.notion.edit(pairs[0][0], B="ours")
    task.other.edit(pairs[1][1], b="theirs")
    task.notion.add(A="new", B="")
    task.other.remove(pairs[2][1])
    await run(task, journal)
    assert task.notion.shown() == task.other.shown()
    assert len(task.notion.shown()) == 5
    notion, other = forget(task)
    # The two that are written on the side where they did not change are read first.
    assert notion == {"changes": 1, "get": 2, "update": 1, "delete": 1}
    assert other == {"changes": 1, "is_gone": 1, "get": 1, "update": 1, "create": 1}
    await run(task, journal)  # sees its own writes, and makes nothing of them
    assert forget(task) == ({"changes": 1}, {"changes": 1})


async def test_an_edit_between_the_changes_and_the_write_is_not_overwritten(
    task: Boards, journal: StateJournal
) -> None:
    ours, theirs = task.pair(A="x", B="")
    await run(task, journal)
    task.notion.edit(ours, B="ours")
    changes = task._changes

    def late(board: Board, cursor: int) -> Any:
        answer = changes(board, cursor)
        if board is task.other and "late" not in str(board.rows):
            board.edit(theirs, b="late")
        return answer

    task._changes = late  # type: ignore[method-assign]
    report = await run(task, journal)
    assert report.status == "failed"
    assert "was edited in the other side meanwhile (B)" in report.reason
    assert task.other.rows[theirs].values["b"] == "late"
    report = await run(task, journal)
    assert (report.status, report.outcome.conflicts) == ("succeeded", 1)


async def test_a_full_listing_comes_every_so_often_and_at_an_expired_cursor(
    task: Boards, journal: StateJournal
) -> None:
    task.pair(A="x", B="")
    for _ in range(25):
        await run(task, journal)
        task.later(minutes=10)
    notion, _ = forget(task)
    assert notion == {"list": 5, "changes": 20}
    await run(task, journal)
    forget(task)
    task.notion.oldest = 99
    await run(task, journal)
    notion, other = forget(task)
    assert (notion, other) == ({"changes": 1, "list": 1}, {"changes": 1})


async def test_a_guard_is_asked_again_about_full_listings(task: Boards, journal: StateJournal) -> None:
    for number in range(20):
        task.pair(A=f"row {number}", B="")
    await run(task, journal)
    task.notion.deleted = dict.fromkeys(task.notion.rows, 10000)  # a service that tells a lie
    report = await run(task, journal)
    assert report.status == "succeeded"
    assert len(task.other.rows) == 20
    assert task.notion.calls["list"] == 2


async def test_what_was_left_is_looked_at_again_without_a_listing(
    task: Boards, journal: StateJournal
) -> None:
    ours, theirs = task.pair(A="x", B="")
    task.other.add(a="bad", b="")
    task.notion.refused = {"bad"}
    await run(task, journal)
    task.other.refused = {"no"}
    task.notion.edit(ours, B="no")
    await run(task, journal)
    forget(task)
    task.notion.refused, task.other.refused = set(), set()
    task.later(minutes=2)
    await run(task, journal)
    await run(task, journal)
    assert task.notion.shown() == task.other.shown() == [("bad", ""), ("x", "no")]
    notion, other = forget(task)
    assert notion["list"] == other["list"] == 0
    assert theirs in task.other.rows


async def test_a_side_with_changes_must_give_single_objects(journal: StateJournal) -> None:
    class Half(Boards):
        def other_get_obj(self, obj_id: str) -> Any:
            return super(Boards, self).other_get_obj(obj_id)

    task = Half(deltas=True)
    ours, _ = task.pair(A="x", B="")
    await task.run(journal)
    task.notion.edit(ours, B="y")
    with pytest.raises(TaskDefinitionError, match="offers other_changes, but no other_get_obj"):
        await task.run(journal)


async def test_changes_must_be_changes(task: Boards, journal: StateJournal) -> None:
    await run(task, journal)
    task._changes = lambda board, cursor: [1, 2]  # type: ignore[method-assign]
    with pytest.raises(TaskDefinitionError, match="must return Changes, not list"):
        await run(task, journal)


# -- the same end, whichever way it is read --------------------------------------------------------------------

REACHED: Counter[str] = Counter()
KEYS = st.integers(0, 3)
EDITS = st.one_of(
    st.tuples(st.just("edit"), st.sampled_from(["notion", "other"]), KEYS, st.sampled_from(["", "a", "b"])),
    st.tuples(st.just("add"), st.sampled_from(["notion", "other"]), KEYS, st.sampled_from(["", "a"])),
    st.tuples(st.just("remove"), st.sampled_from(["notion", "other"]), KEYS, st.just("")),
    st.tuples(
        st.just("refuse"), st.sampled_from(["notion", "other"]), KEYS, st.sampled_from(["a", "b", "-"])
    ),
)


def play(task: Boards, edit: tuple[str, str, int, str]) -> None:
    kind, side, key, value = edit
    board: Board = getattr(task, side)
    name, first = ("B", "A") if side == "notion" else ("b", "a")
    rows = [row for row in board.rows.values() if row.values[first] == f"k{key}"]
    if kind == "refuse":
        board.refused = {value}
    elif kind == "add" and not rows:
        board.add(**{first: f"k{key}", name: value})
    elif rows and kind == "edit":
        board.edit(rows[0].id, **{name: value})
    elif rows and kind == "remove":
        board.remove(rows[0].id)
    task.later(minutes=3)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.lists(EDITS, max_size=4), st.booleans()), min_size=1, max_size=6))
def check_both_ways(rounds: list[tuple[list[tuple[str, str, int, str]], bool]]) -> None:
    ways = [Boards(deltas=deltas) for deltas in (True, False)]
    journals = [StateJournal(State()) for _ in ways]
    for task in ways:
        task.pair(A="k0", B=""), task.pair(A="k1", B="x")
    for edits, crash in [*rounds, ([("refuse", "notion", 0, "-"), ("refuse", "other", 0, "-")], False)] + [
        ([], False)
    ] * 3:
        for task, journal in zip(ways, journals, strict=True):
            for edit in edits:
                play(task, edit)
            task.later(minutes=31) if edits else task.later(days=2)  # out of any quarantine at the end
            before = task.notion.calls["changes"], task.notion.calls["list"]
            memory = dict(journal.state.memory)
            report = run_alone(run(task, journal))
            REACHED[report.status] += 1
            if crash and memory:  # the end of the run was not kept
                journal.state.memory = memory
                REACHED["crash"] += 1
            REACHED["changes"] += task.notion.calls["changes"] - before[0]
            REACHED["list"] += task.deltas * (task.notion.calls["list"] - before[1])
    assert ways[0].notion.shown() == ways[1].notion.shown()
    assert ways[0].other.shown() == ways[1].other.shown()
    if report.status != "halted":  # a side emptied by both edits is for a person to decide
        assert ways[0].notion.shown() == ways[0].other.shown()


async def test_what_was_deleted_and_made_again_is_still_the_same_thing(
    task: Boards, journal: StateJournal
) -> None:
    ours, theirs = task.pair(A="x", B="kept")
    for number in range(5):
        task.pair(A=f"row {number}", B="")
    await run(task, journal)
    forget(task)
    task.notion.remove(ours)
    task.notion.add(A="x", B="")
    await run(task, journal)
    assert ("x", "kept") in task.notion.shown()
    assert task.notion.shown() == task.other.shown()
    assert task.other.rows[theirs].values["b"] == "kept"
    notion, other = forget(task)
    assert other == {"changes": 1, "get": 1}  # the one across from what is missing, and no listing
    assert notion == {"changes": 1, "is_gone": 1, "update": 1}


def test_changes_end_where_full_listings_do() -> None:
    REACHED.clear()
    check_both_ways()
    assert all(REACHED[kind] for kind in ("changes", "list", "crash", "failed", "succeeded")), REACHED


def test_a_memory_survives_its_form_as_data() -> None:
    from tasks.journal.contract import Cursor, memory_from_data, memory_to_data
    from tasks.merge import End, Held
    from tasks.values.canonical import dump, load
    from tests.tasks.boards import START

    memory = Memory(
        {"A": "a"},
        "all",
        {End.LEFT: Cursor({"since": 1}, START)},
        (Held(("n1", ""), "why", "digest", 2, START, START + timedelta(hours=1)),),
    )
    assert memory_from_data(load(dump(memory_to_data(memory)))) == memory


class KnownBoards(Boards):
    """Boards whose rows are written without being read before, as Notion's are when nobody was near them."""

    def notion_known_obj(self, obj_id: str, values: Mapping[str, Any]) -> Any:
        return replace(self.notion.rows[obj_id], values=dict(values))


@pytest.mark.parametrize("odd", [True, False])
async def test_a_value_that_cannot_be_read_any_more_is_not_written_over_after_a_listing_of_changes(
    journal: StateJournal, odd: bool
) -> None:
    task = KnownBoards(deltas=True)
    ours, theirs = task.pair(A="x", B="done")
    await run(task, journal)
    hidden = Opaque("an option that stands for nothing", odd=odd)
    task.notion.edit(ours, B=hidden)
    for b in ("done", "typed", "typed again"):
        task.other.edit(theirs, b=b)
        report = await run(task, journal)
        assert report.status == ("incomplete" if odd else "succeeded")
        assert task.notion.rows[ours].values["B"] == hidden
        assert task.other.rows[theirs].values["b"] == b
    task.notion.edit(ours, B="readable")
    report = await run(task, journal)
    assert (report.status, report.outcome.conflicts) == ("succeeded", 1)
    assert task.notion.shown() == task.other.shown()
