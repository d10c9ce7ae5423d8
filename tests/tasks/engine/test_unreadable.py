"""Objects that cannot be read, and two that share an id: they alone are held, by name, and the run says so."""

from __future__ import annotations

import logging
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from tasks import ItemError, Listing
from tasks.engine.report import Order, RunReport
from tasks.journal.state import State
from tasks.journal.state_journal import StateJournal
from tasks.local import run_as_scheduled
from tests.tasks.boards import Board, Boards, Row


class Odd(Boards):
    """Some rows of the other side cannot be read; some are listed twice, with two contents."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        #: Rows that are given, but whose values cannot be had.
        self.garbled: set[str] = set()
        #: Rows that the listing names only.
        self.named: dict[str, str] = {}
        #: Second rows of the same id.
        self.doubles: list[Row] = []
        self.turned = False
        self.partial: str | None = None

    def get_other_objects(self) -> Listing:
        listed = super().get_other_objects()
        rows = [row for row in [*listed, *self.doubles] if row.id not in self.named]
        rows = rows[::-1] if self.turned else rows
        return Listing(rows, partial=self.partial, cursor=listed.cursor, unreadable=self.named)

    def other_changes(self, cursor: Any) -> Any:
        changes = super().other_changes(cursor)
        if not self.deltas:
            return changes
        changed = [row for row in changes.changed if row.id not in self.named]
        named = {row.id: self.named[row.id] for row in changes.changed if row.id in self.named}
        return replace(changes, changed=changed, unreadable=named)

    def other_to_dict(self, obj: Row) -> dict[str, Any]:
        if obj.id in self.garbled:
            raise ItemError("DUE is no date")
        return super().other_to_dict(obj)

    def _get(self, board: Board, row_id: str) -> Row | None:
        if row_id in self.named:
            raise ItemError(self.named[row_id])
        return super()._get(board, row_id)


@pytest.fixture
def journal() -> StateJournal:
    return StateJournal(State())


async def run(task: Boards, journal: StateJournal) -> RunReport:
    task.later(minutes=5)
    return await task.run(journal, order=Order(clock=task.clock))


async def test_two_objects_of_one_id_are_held_and_everything_else_goes_on(journal: StateJournal) -> None:
    task = Odd()
    pairs = [task.pair(A=f"row {number}", B="") for number in range(4)]
    await run(task, journal)
    ours, theirs = pairs[0]
    task.doubles = [Row(theirs, {"a": "row 0", "b": "a copy"}, task.now, 99)]
    task.notion.edit(ours, B="edited")
    task.notion.edit(pairs[1][0], B="edited")
    task.notion.remove(pairs[2][0])
    task.notion.add(A="new", B="")
    task.other.add(a="new there", b="")
    for turned in (False, True, False):
        task.turned = turned
        report = await run(task, journal)
        assert report.status == "incomplete"
        assert report.reason == (
            "1 object of the other side cannot be read, and nothing is done to it: o1, two objects have the id o1"
        )
        assert report.outcome.left == {("", "o1"): "cannot be read: two objects have the id o1"}
    assert sorted(task.other.shown()) == [
        ("new", ""),
        ("new there", ""),
        ("row 0", ""),
        ("row 1", "edited"),
        ("row 3", ""),
    ]
    assert task.other.rows[theirs].values["b"] == ""
    assert len(task.notion.rows) == 5
    # Its counterpart is deleted: neither copy goes, and nothing comes back.
    task.notion.remove(ours)
    for turned in (False, True):
        task.turned = turned
        assert (await run(task, journal)).status == "incomplete"
        assert theirs in task.other.rows
        assert len(task.notion.rows) == 4
    # As soon as there is one, it is a pair like any other.
    task.doubles = []
    assert (await run(task, journal)).status == "succeeded"
    assert theirs not in task.other.rows
    assert task.notion.shown() == task.other.shown()


def _listings(rows: list[Row]) -> Any:
    return [list(one) for one in permutations(rows)]


async def test_the_order_of_a_listing_does_not_decide_which_of_two_is_meant() -> None:
    for listed in _listings(
        [
            Row("o1", {"a": "one", "b": ""}, Boards().now, 1),
            Row("o1", {"a": "two", "b": ""}, Boards().now, 2),
            Row("o1", {"a": "one", "b": ""}, Boards().now, 3),
            Row("o2", {"a": "fine", "b": ""}, Boards().now, 4),
        ]
    ):

        class Given(Boards):
            rows: list[Row] = listed

            def get_other_objects(self) -> Listing:
                return Listing(self.rows)

        task = Given()
        for name in ("one", "two", "three"):
            task.notion.add(A=name, B="")
        report = await run(task, StateJournal(State()))
        # Either may be the counterpart of `one` or of `two`; `three` is made, and `fine` is carried across.
        assert sorted(report.outcome.left) == [("", "o1"), ("n1", ""), ("n2", "")]
        assert report.outcome.counts == {"left_created": 1, "right_created": 1}
        assert [row.values["A"] for row in task.notion.rows.values()] == ["one", "two", "three", "fine"]


@pytest.mark.parametrize("deltas", [False, True])
async def test_what_may_be_the_counterpart_of_an_object_that_cannot_be_read_is_not_made(
    deltas: bool, journal: StateJournal
) -> None:
    task = Odd(deltas=deltas)
    theirs = task.other.add(a="x", b="")
    task.garbled = {theirs}
    task.notion.add(A="x", B="")
    task.notion.add(A="y", B="")
    for _ in range(3):
        report = await run(task, journal)
        assert report.status == "incomplete"
        assert report.reason == (
            "1 object of the other side cannot be read, and nothing is done to it: o1, DUE is no date"
        )
        assert report.outcome.left == {
            ("", "o1"): "cannot be read: DUE is no date",
            ("n1", ""): "its counterpart may be o1 in the other side, which cannot be read: DUE is no date",
        }
        assert task.other.shown() == [("x", ""), ("y", "")]
    task.garbled = set()
    assert (await run(task, journal)).status == "succeeded"
    assert task.notion.shown() == task.other.shown() == [("x", ""), ("y", "")]
    assert (await run(task, journal)).plan.actions == ()


@pytest.mark.parametrize("deltas", [False, True])
async def test_an_object_of_which_only_the_id_is_known_holds_up_nothing_else(
    deltas: bool, journal: StateJournal
) -> None:
    task = Odd(deltas=deltas)
    (_, theirs), (ours, _) = task.pair(A="x", B=""), task.pair(A="y", B="")
    await run(task, journal)
    task.named = {theirs: "the to-do “x” has no END", "o9": "garbage"}
    task.notion.add(A="new", B="")
    task.notion.remove(ours)
    task.other.edit(theirs, b="edited")
    report = await run(task, journal)
    assert report.status == "incomplete"
    assert report.reason == (
        "1 object of the other side cannot be read, and nothing is done to it: o1, the to-do “x” has no END"
        if deltas
        else "2 objects of the other side cannot be read, and nothing is done to them: the first is o1, the to-do "
        "“x” has no END"
    )
    report = await run(task, journal)
    assert report.status == "incomplete"  # also where changes do not name it again
    assert ("", theirs) in report.outcome.left
    assert task.other.shown() == [("new", ""), ("x", "edited")]
    assert task.notion.shown() == [("new", ""), ("x", "")]
    task.named = {}
    task.later(hours=2)
    assert (await run(task, journal)).status == "succeeded"
    assert task.notion.shown() == task.other.shown()


async def test_a_deletion_is_not_carried_while_the_object_may_be_there_under_another_id(
    journal: StateJournal,
) -> None:
    task = Odd()
    _, theirs = task.pair(A="x", B="")
    task.pair(A="y", B="")
    await run(task, journal)
    task.other.remove(theirs)
    task.garbled = {task.other.add(a="x", b="")}
    assert (await run(task, journal)).status == "incomplete"
    assert "n1" in task.notion.rows
    task.garbled = set()
    assert (await run(task, journal)).status == "succeeded"
    assert task.notion.shown() == task.other.shown() == [("x", ""), ("y", "")]
    assert "n1" in task.notion.rows


# -- the status ------------------------------------------------------------------------------------------------


async def test_a_partial_listing_is_incomplete_and_worse_things_come_first(journal: StateJournal) -> None:
    task = Odd(mode="error")
    ours, theirs = task.pair(A="x", B="")
    await run(task, journal)
    task.partial = "cut off"
    report = await run(task, journal)
    assert report.status == "incomplete"
    assert report.reason.startswith("the listing of the other side is partial (cut off)")
    task.notion.edit(ours, B="ours")
    task.other.edit(theirs, b="theirs")
    assert (await run(task, journal)).status == "conflicts"
    task.notion.refused = {"bad"}
    task.other.add(a="bad", b="")
    assert (await run(task, journal)).status == "failed"


async def test_what_is_only_out_of_the_filter_leaves_nothing_undone(journal: StateJournal) -> None:
    task = Boards()
    ours, _ = task.pair(A="x", B="")
    task.pair(A="y", B="")
    await run(task, journal)
    row = task.notion.rows.pop(ours)
    task.notion.moved = {ours}
    assert (await run(task, journal)).status == "succeeded"
    task.notion.rows[ours] = row


def test_a_caller_of_sync_gets_the_state_of_an_incomplete_call() -> None:
    task = Odd()
    task.other.add(a="odd", b="")
    task.garbled = {"o1"}
    task.notion.add(A="x", B="")
    state = task.sync(None)
    assert state.ids == {"n1": "o2"}
    assert task.sync(state).ids == {"n1": "o2"}


async def test_a_task_that_runs_by_itself_goes_on_and_says_what_it_missed(
    caplog: pytest.LogCaptureFixture, tmp_path: Any
) -> None:
    task = Odd()
    task.state_path = tmp_path / "boards.json"
    task.other.add(a="odd", b="")
    task.garbled = {"o1"}
    task.in_total(2).schedule()
    with caplog.at_level(logging.WARNING):
        await run_as_scheduled(task)
    assert task.other.calls["list"] == 2
    assert "cannot be read" in caplog.text
