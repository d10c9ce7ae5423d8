"""A deletion that is undone: out of the trash where there is one, and linked or carried across just once."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.engine.report import Order, RunReport
from tasks.journal.contract import Base
from tasks.journal.state import State
from tasks.journal.state_journal import StateJournal
from tasks.merge import Effect, End, Plan, Policy, Restore, Skip, take_back, undo
from tests.tasks.boards import Board, Boards, Row

ENDS = {"notion": "left", "other": "right"}


class WithTrash(Boards):
    """Both sides keep what is deleted in a trash."""

    def __init__(self) -> None:
        super().__init__()
        self.trash: dict[str, dict[str, Row]] = {"notion": {}, "other": {}}

    def throw_away(self, board: Board, row_id: str) -> None:
        self.trash[board.name][row_id] = board.rows[row_id]
        board.remove(row_id)

    def _delete(self, board: Board, row: Row) -> None:
        board.calls["delete"] += 1
        self.throw_away(board, row.id)

    def _restore(self, board: Board, row_id: str) -> Row | None:
        board.calls["restore"] += 1
        if row_id in self.trash[board.name]:
            board.rows[row_id] = self.trash[board.name].pop(row_id)
            board.edit(row_id)
        return board.rows.get(row_id)

    def notion_restore_obj(self, obj_id: str) -> Row | None:
        return self._restore(self.notion, obj_id)

    def other_restore_obj(self, obj_id: str) -> Row | None:
        return self._restore(self.other, obj_id)


class Watched(StateJournal):
    """Keeps what writes replace."""

    def __init__(self) -> None:
        super().__init__(State())
        self.effects: list[Effect] = []

    async def begin(self, intent: Any, effect: Effect | None = None) -> None:
        self.effects += [effect] if effect is not None else []
        await super().begin(intent, effect)


async def run(task: Boards, journal: Watched, order: Order | None = None) -> RunReport:
    task.later(minutes=5)
    journal.effects.clear()
    return await task.run(journal, order=order or Order(clock=task.clock))


def undoing(effects: list[Effect]) -> Order:
    kept = list(effects)

    def planner(base: Base, views: Any, policy: Policy) -> Plan:
        return undo(kept, base.links, {side: view.snapshot for side, view in views.items()}, policy)

    return Order(planner=planner)


async def deleted(task: Boards, journal: Watched, side: str) -> tuple[str, Order]:
    """A run that deleted an object on a side, as somebody had deleted its counterpart; its id, and the undo."""
    ids = dict(zip(("notion", "other"), task.pair(A="x", B="1"), strict=True))
    task.pair(A="y", B="")
    await run(task, journal)
    (task.other if side == "notion" else task.notion).remove(ids["other" if side == "notion" else "notion"])
    await run(task, journal)
    assert len(task.notion.rows) == len(task.other.rows) == 1
    return ids[side], undoing(journal.effects)


@pytest.mark.parametrize("side", ["notion", "other"])
async def test_an_undo_takes_the_object_out_of_the_trash_and_the_next_run_carries_it_across(
    side: str,
) -> None:
    task, journal = WithTrash(), Watched()
    row_id, order = await deleted(task, journal, side)
    report = await run(task, journal, order)
    assert report.outcome.counts == {f"{ENDS[side]}_restored": 1}
    board = task.notion if side == "notion" else task.other
    assert row_id in board.rows
    assert board.calls["create"] == 0
    for _ in range(2):
        await run(task, journal)
        assert task.notion.shown() == task.other.shown() == [("x", "1"), ("y", "")]
    assert (await run(task, journal)).plan.actions == ()
    again = await run(task, journal, order)  # the same undo once more
    assert [type(action) for action in again.plan.actions] == [Skip]
    assert again.plan.actions[0].reason == "it is there again already"


async def test_what_is_gone_for_good_is_made_anew() -> None:
    task, journal = WithTrash(), Watched()
    _, order = await deleted(task, journal, "notion")
    task.trash["notion"].clear()
    report = await run(task, journal, order)
    assert report.outcome.counts == {"left_created": 1}
    for _ in range(2):
        await run(task, journal)
    assert task.notion.shown() == task.other.shown() == [("x", "1"), ("y", "")]


async def test_what_a_person_restored_and_a_run_linked_is_not_brought_back_again() -> None:
    for task in (WithTrash(), Boards()):
        journal = Watched()
        row_id, order = await deleted(task, journal, "notion")
        task.notion.rows[row_id] = Row(row_id, {"A": "x", "B": "1"}, task.now, task.notion.bump())
        await run(task, journal)  # carried across
        await run(task, journal, order)
        await run(task, journal)
        assert task.notion.shown() == task.other.shown() == [("x", "1"), ("y", "")]


async def test_a_counterpart_that_is_back_is_linked_again_whatever_it_is_called_now() -> None:
    task, journal = WithTrash(), Watched()
    row_id, order = await deleted(task, journal, "notion")
    theirs = "o1"
    task.other.rows[theirs] = Row(theirs, {"a": "renamed", "b": "1"}, task.now, task.other.bump())
    report = await run(task, journal, order)
    (restore,) = report.plan.of(Restore)
    assert restore.counterpart == theirs
    assert journal.state.ids[row_id] == theirs
    for _ in range(2):
        await run(task, journal)
    assert len(task.notion.rows) == len(task.other.rows) == 2
    assert task.notion.shown() == task.other.shown()


async def test_an_undo_that_is_undone_puts_the_object_into_the_trash_again() -> None:
    task, journal = WithTrash(), Watched()
    row_id, order = await deleted(task, journal, "notion")
    await run(task, journal, order)
    back = undoing(journal.effects)
    await run(task, journal)
    await run(task, journal, back)
    assert row_id in task.trash["notion"]


async def test_values_that_went_with_a_deletion_come_back_with_their_object() -> None:
    task, journal = WithTrash(), Watched()
    task.edit_beats_delete = False
    ours, theirs = task.pair(A="x", B="")
    task.pair(A="y", B="")
    await run(task, journal)
    task.notion.remove(ours)
    task.other.edit(theirs, b="edited")
    await run(task, journal)
    assert task.other.shown() == [("y", "")]
    values = {End.LEFT: None, End.RIGHT: {"A": "x", "B": "edited"}}

    def planner(base: Base, views: Any, policy: Policy) -> Plan:
        snapshots = {side: view.snapshot for side, view in views.items()}
        return take_back(None, None, values, End.RIGHT, snapshots, policy, theirs)

    order = Order(planner=planner)
    await run(task, journal, order)
    assert theirs in task.other.rows
    await run(task, journal)
    assert task.notion.shown() == task.other.shown() == [("x", "edited"), ("y", "")]
    again = await run(task, journal, order)
    assert not again.plan.writes


@pytest.mark.parametrize("side", ["notion", "other"])
async def test_an_edit_that_beats_a_deletion_takes_the_object_out_of_the_trash(side: str) -> None:
    task, journal = WithTrash(), Watched()
    ids = dict(zip(("notion", "other"), task.pair(A="x", B="1"), strict=True))
    task.pair(A="y", B="")
    await run(task, journal)
    board, across = (task.notion, task.other) if side == "notion" else (task.other, task.notion)
    task.throw_away(board, ids[side])
    task.later(minutes=5)
    other = "other" if side == "notion" else "notion"
    across.edit(ids[other], **{"b" if side == "notion" else "B": "edited"})
    report = await run(task, journal)
    order = undoing(journal.effects)
    assert report.outcome.counts == {f"{ENDS[side]}_restored": 1, f"{ENDS[side]}_updated": 1}
    assert (board.calls["create"], ids[side] in board.rows) == (0, True)
    assert task.notion.shown() == task.other.shown() == [("x", "edited"), ("y", "")]
    assert (await run(task, journal)).plan.actions == ()
    await run(task, journal, order)
    assert ids[side] in task.trash[side]  # as before the run, and what it came from stays
    assert ids[other] in across.rows


async def test_what_was_edited_before_it_was_deleted_is_not_overwritten_unseen() -> None:
    task, journal = WithTrash(), Watched()
    ours, theirs = task.pair(A="x", B="1")
    task.pair(A="y", B="")
    await run(task, journal)
    task.notion.edit(ours, B="ours")
    task.throw_away(task.notion, ours)
    task.later(minutes=5)
    task.other.edit(theirs, b="theirs")
    await run(task, journal)
    report = await run(task, journal)
    assert report.outcome.conflicts == 1
    assert task.notion.shown() == task.other.shown()
    assert ours in task.notion.rows
    assert (await run(task, journal)).plan.actions == ()


async def test_a_crash_after_it_came_out_of_the_trash_costs_nothing() -> None:
    class Crash(BaseException):
        pass

    class Crashing(WithTrash):
        crash = False

        def _restore(self, board: Board, row_id: str) -> Row | None:
            row = super()._restore(board, row_id)
            if self.crash:
                raise Crash
            return row

    task, journal = Crashing(), Watched()
    ours, theirs = task.pair(A="x", B="1")
    task.pair(A="y", B="")
    await run(task, journal)
    task.throw_away(task.notion, ours)
    task.other.edit(theirs, b="edited")
    task.crash = True
    with pytest.raises(Crash):
        await run(task, journal)
    task.crash = False
    await run(task, journal)
    assert task.notion.shown() == task.other.shown() == [("x", "edited"), ("y", "")]
    assert ours in task.notion.rows
