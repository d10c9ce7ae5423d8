"""A side that keeps less than it is given: the fuller value stays, and nothing is written for ever."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from tasks import OutcomeUnknownError, SideError
from tasks.engine.report import Order, RunReport
from tasks.errors import TaskError
from tasks.journal.state import State
from tasks.journal.state_journal import StateJournal
from tasks.merge import Effect, undo
from tests.tasks.boards import Board, Boards, Row


class Crash(BaseException):
    """The process ends here."""


def cut(value: Any) -> Any:
    return value[:6]


def drop(value: Any) -> Any:
    return ""


def fold(value: Any) -> Any:
    return value.upper()


class Shortening(Boards):
    """The other side cuts, drops or changes what is written to `b`."""

    def __init__(self, keep: Callable[[Any], Any] = cut, *, deltas: bool = False) -> None:
        super().__init__(deltas=deltas)
        self.keep = keep
        #: What happens to the next write of the other side.
        self.fault = ""

    def _kept(self, board: Board, values: dict[str, Any]) -> dict[str, Any]:
        return {name: self.keep(value) if name == "b" else value for name, value in values.items()}

    def _create(self, board: Board, values: dict[str, Any]) -> Row:
        return self._faulty(board, lambda: super(Shortening, self)._create(board, self._kept(board, values)))

    def _update(self, board: Board, row: Row, changes: dict[str, Any]) -> Row:
        kept = self._kept(board, changes)
        return self._faulty(board, lambda: super(Shortening, self)._update(board, row, kept))

    def _faulty(self, board: Board, write: Callable[[], Row]) -> Row:
        fault, self.fault = self.fault, ""
        if fault == "before":
            raise OutcomeUnknownError("no answer")
        row = write()
        if fault == "after":
            raise OutcomeUnknownError("no answer, but applied")
        if fault == "down":
            raise SideError("it went down with it")
        if fault == "crash":
            raise Crash
        return row


@pytest.fixture
def journal() -> StateJournal:
    return StateJournal(State())


async def run(task: Boards, journal: StateJournal) -> RunReport:
    task.later(days=2)
    return await task.run(journal, order=Order(clock=task.clock))


LONG = "a text that is longer than what the other side keeps"


@pytest.mark.parametrize("keep", [cut, drop, fold])
async def test_the_fuller_value_stays_and_the_run_says_so_once(
    keep: Callable[[Any], Any], journal: StateJournal
) -> None:
    task = Shortening(keep)
    ours = task.notion.add(A="x", B=LONG)
    report = await run(task, journal)
    assert report.status == "succeeded"
    assert report.reason == (
        "the other side o1: B is kept otherwise than written (cut, dropped or changed by the service); in Notion "
        "nothing changes for that"
    )
    assert LONG not in report.reason
    for _ in range(3):
        report = await run(task, journal)
        assert (report.status, report.reason, report.plan.actions) == ("succeeded", "", ())
    task.notion.edit(ours, B=f"another {LONG}")
    assert (await run(task, journal)).outcome.notes
    assert (await run(task, journal)).plan.actions == ()
    assert task.notion.rows[ours].values["B"] == f"another {LONG}"
    assert task.other.rows["o1"].values["b"] == keep(f"another {LONG}")


@pytest.mark.parametrize("fault", ["before", "after", "down", "crash"])
@pytest.mark.parametrize("keep", [cut, drop])
@pytest.mark.parametrize("linked", [True, False])
async def test_a_write_that_was_cut_off_does_not_carry_the_shorter_value_back(
    linked: bool, keep: Callable[[Any], Any], fault: str, journal: StateJournal
) -> None:
    task = Shortening(keep)
    ours = task.notion.add(A="x", B="")
    if linked:
        await run(task, journal)
    task.notion.edit(ours, B=LONG)
    task.fault = fault
    with contextlib.suppress(TaskError, Crash):
        await run(task, journal)
    for _ in range(2):
        await run(task, journal)
        assert task.notion.shown() == [("x", LONG)]
        assert task.other.shown() == [("x", keep(LONG))]
    assert (await run(task, journal)).plan.actions == ()


@pytest.mark.parametrize("deltas", [False, True])
@pytest.mark.parametrize("keep", [cut, drop])
async def test_no_history_loses_the_fuller_value(keep: Callable[[Any], Any], deltas: bool) -> None:
    for seed in range(100):
        rng, task, journal = Random(seed), Shortening(keep, deltas=deltas), StateJournal(State())
        expected = {}
        for number in range(3):
            row_id = task.notion.add(A=f"row {number}", B=f"{number} first {LONG}")
            expected[row_id] = f"{number} first {LONG}"
        for step in range(rng.randint(2, 8)):
            row_id = rng.choice(sorted(expected))
            if rng.random() < 0.7:
                expected[row_id] = f"{row_id} {step} {LONG}"
                task.notion.edit(row_id, B=expected[row_id])
            task.fault = rng.choice(("", "", "before", "after", "down", "crash"))
            with contextlib.suppress(TaskError, Crash):
                await run(task, journal)
        task.fault = ""
        for _ in range(3):
            await run(task, journal)
        writes = task.notion.writes + task.other.writes
        await run(task, journal)
        assert task.notion.writes + task.other.writes == writes, f"seed {seed}: it writes for ever"
        shown = {row_id: row.values["B"] for row_id, row in task.notion.rows.items()}
        assert shown == expected, f"seed {seed}"
        assert sorted(row.values["b"] for row in task.other.rows.values()) == sorted(
            map(keep, expected.values())
        )


async def test_an_edit_of_the_shorter_value_is_an_edit(journal: StateJournal) -> None:
    task = Shortening()
    ours = task.notion.add(A="x", B=LONG)
    await run(task, journal)
    task.other.edit("o1", b="short")
    await run(task, journal)
    assert task.notion.rows[ours].values["B"] == "short"
    assert (await run(task, journal)).plan.actions == ()


async def test_an_undo_brings_back_what_was_written_over_in_a_shorter_form(journal: StateJournal) -> None:
    class Watched(StateJournal):
        effects: list[Effect] = []  # noqa: RUF012

        async def begin(self, intent: Any, effect: Effect | None = None) -> None:
            if effect is not None:
                self.effects.append(effect)
            await super().begin(intent, effect)

    task, watched = Shortening(), Watched(State())
    ours = task.notion.add(A="x", B="old")
    await run(task, watched)
    task.notion.edit(ours, B=LONG)
    watched.effects.clear()
    await run(task, watched)
    effects = list(watched.effects)

    def planner(base: Any, views: Any, policy: Any) -> Any:
        return undo(effects, base.links, {side: view.snapshot for side, view in views.items()}, policy)

    assert task.pairing().mapped({}).names == ("A", "B")
    report = await task.run(watched, order=Order(planner=planner))
    assert report.status == "succeeded"
    assert task.notion.rows[ours].values["B"] == task.other.rows["o1"].values["b"] == "old"
