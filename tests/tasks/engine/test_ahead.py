"""Creates are begun ahead of their calls: so many and no more, each kept before it is sent, and none made twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from tasks import State
from tasks.engine.report import Order
from tasks.errors import LockLostError, SideError
from tasks.journal.contract import Proof
from tasks.journal.state_journal import StateJournal
from tasks.merge import Effect, Intent
from tests.tasks.boards import Boards, Row

#: With two calls at once, what may be under way of each side, and what of creates alone.
CONCURRENCY, FEW, MANY = 2, 4, 16


class Crash(BaseException):
    """The end of the process."""


class Kept(StateJournal):
    """Takes its time, as a disk does, and stops before or after any of its steps."""

    def __init__(self, stop: int | None = None) -> None:
        super().__init__(State())
        self.steps = 0
        self.stop = stop
        #: The sources of creates in the order in which they were begun.
        self.begun: list[str] = []

    async def step(self) -> None:
        """Where a crash may come."""
        self.steps += 1
        if self.stop is not None and self.steps > self.stop:
            raise Crash
        await asyncio.sleep(0)

    async def begin(self, intent: Intent | None, effect: Effect | None = None) -> None:
        await self.step()
        await super().begin(intent, effect)
        if intent is not None:
            self.begun.append(intent.source_id)
        await self.step()

    async def confirm_all(self, proofs: Sequence[Proof]) -> None:
        await self.step()
        await super().confirm_all(proofs)
        await self.step()

    def open(self, side: str) -> set[str]:
        """The sources of what is begun on a side."""
        return {one["source_id"] for one in self.state.intents.values() if one["side"] == side}


class Slow(Boards):
    """Coroutines that take some turns of the event loop, and look at the journal when they are called."""

    concurrency = CONCURRENCY

    def __init__(self, journal: Kept, *, settling: timedelta = timedelta(0)) -> None:
        super().__init__()
        self.notion_settling = self.other_settling = settling
        self.journal = journal
        #: The most that was begun and not yet proved, by side.
        self.most: Counter[str] = Counter()
        self.at_once: Counter[str] = Counter()
        self.most_at_once = 0

    async def _sent(self, side: str, values: dict[str, Any]) -> None:
        begun = self.journal.open(side)
        self.most[side] = max(self.most[side], len(begun))
        sources = self.notion if side == "right" else self.other
        there = {one for one in begun if str(values["a" if side == "right" else "A"]) in _texts(sources, one)}
        assert there, "sent before it was kept"
        await self.journal.step()
        self.at_once[side] += 1
        self.most_at_once = max(self.most_at_once, self.at_once[side])
        for _ in range(3):
            await asyncio.sleep(0)
        self.at_once[side] -= 1

    async def notion_create_obj(self, **values: Any) -> Row:  # type: ignore[override]
        await self._sent("left", values)
        row = self._create(self.notion, values)
        await self.journal.step()
        return row

    async def other_create_obj(self, **values: Any) -> Row:  # type: ignore[override]
        await self._sent("right", values)
        row = self._create(self.other, values)
        await self.journal.step()
        return row

    async def go(self, journal: Kept | None = None) -> str:
        """One run."""
        self.journal = journal or self.journal
        return (await self.run(self.journal, order=Order(clock=self.clock))).status


def _texts(board: Any, row_id: str) -> tuple[str, ...]:
    return tuple(map(str, board.rows[row_id].values.values()))


def filled(task: Slow, number: int) -> None:
    for each in range(number):
        task.notion.add(A=f"left {each}", B="")
        task.other.add(a=f"right {each}", b="")


async def test_so_many_creates_are_begun_ahead_and_no_more_calls_are_made_at_once() -> None:
    journal = Kept()
    task = Slow(journal)
    filled(task, 60)
    assert await task.go() == "succeeded"
    assert MANY - 2 <= task.most["left"] <= MANY
    assert MANY - 2 <= task.most["right"] <= MANY
    assert task.most_at_once == CONCURRENCY
    assert not journal.state.intents
    assert len(journal.state.ids) == 120
    # In the order in which their side lists them, whatever takes how long.
    for board in (task.notion, task.other):
        ours = [one for one in board.rows if one in set(journal.begun)]
        assert [one for one in journal.begun if one in board.rows] == ours


async def test_where_a_listing_lags_behind_no_more_than_other_writes_are() -> None:
    """What tells how long a create may not be listed yet is when it was begun."""
    journal = Kept()
    task = Slow(journal, settling=timedelta(seconds=30))
    filled(task, 60)
    assert await task.go() == "succeeded"
    assert 1 < task.most["left"] <= FEW
    assert 1 < task.most["right"] <= FEW
    assert len(journal.state.ids) == 120


class Updating(Slow):
    """Tells how many updates were begun when one is sent."""

    async def other_update_attrs(self, obj: Row, changes: dict[str, Any]) -> Row:  # type: ignore[override]
        open_updates = [one for one in self.journal.state.intents.values() if one.get("target_id")]
        self.most["updates"] = max(self.most["updates"], len(open_updates))
        for _ in range(3):
            await asyncio.sleep(0)
        return self._update(self.other, obj, changes)


async def test_updates_are_not_begun_so_far_ahead_also_among_creates() -> None:
    journal = Kept()
    task = Updating(journal)
    pairs = [task.pair(A=f"pair {number}", B="") for number in range(40)]
    assert await task.go() == "succeeded"
    task.later(hours=1)
    for left, _ in pairs:
        task.notion.edit(left, B="edited")
    filled(task, 40)
    assert await task.go() == "succeeded"
    assert 1 < task.most["updates"] <= FEW
    assert task.notion.shown() == task.other.shown()


NUMBER = 7


async def _crashed(stop: int, *, settling: timedelta) -> tuple[Slow, Kept, bool]:
    journal = Kept(stop)
    task = Slow(journal, settling=settling)
    filled(task, NUMBER)
    crashed = False
    try:
        await task.go()
    except Crash:
        crashed = True
    after = Kept()
    after.state = journal.state
    return task, after, crashed


@pytest.mark.parametrize("settling", [timedelta(0), timedelta(seconds=30)])
async def test_a_crash_at_any_step_makes_nothing_twice_and_leaves_nothing_out(settling: timedelta) -> None:
    most = stop = 0
    while True:
        task, journal, crashed = await _crashed(stop, settling=settling)
        if not crashed:
            break
        most = max(most, len(journal.state.intents))
        task.later(minutes=1)  # longer than a listing may lag behind
        assert await task.go(journal) == "succeeded", stop
        expected = sorted((f"{side} {each}", "") for side in ("left", "right") for each in range(NUMBER))
        assert task.notion.shown() == task.other.shown() == expected, stop
        assert (len(journal.state.ids), journal.state.intents) == (2 * NUMBER, {}), stop
        writes = task.notion.writes + task.other.writes
        assert writes == 2 * NUMBER, stop  # none was made, found to be missing, and made once more
        assert await task.go(journal) == "succeeded", stop
        assert task.notion.writes + task.other.writes == writes, stop
        stop += 1
    assert stop > 8 * NUMBER
    assert most > (FEW if not settling else 1)


async def test_after_a_crash_a_create_that_may_not_be_listed_yet_is_waited_for() -> None:
    """As many wait as were begun, and each is made once its time is over, without a word from a person."""
    journal = Kept()
    task = Slow(journal, settling=timedelta(seconds=30))
    filled(task, NUMBER)
    journal.stop = 6
    with pytest.raises(Crash):
        await task.go()
    after = Kept()
    after.state = journal.state
    begun = len(after.state.intents)
    assert 1 <= begun <= 2 * FEW
    task.later(seconds=5)
    await task.go(after)
    assert len(after.state.ids) + begun >= 2 * NUMBER
    task.later(minutes=1)
    assert await task.go(after) == "succeeded"
    assert task.notion.shown() == task.other.shown()
    assert (len(after.state.ids), after.state.intents) == (2 * NUMBER, {})


@pytest.mark.parametrize("error", [SideError("away"), LockLostError("taken over")])
async def test_what_was_begun_and_never_sent_is_made_by_the_next_run(error: Exception) -> None:
    journal = Kept()
    task = Slow(journal)
    filled(task, 40)
    task.other.broken_after = 5 if isinstance(error, SideError) else None
    calls = 0

    def check() -> None:
        nonlocal calls
        calls += 1
        if isinstance(error, LockLostError) and calls > 12:
            raise error

    with pytest.raises(type(error)):
        await task.run(journal, order=Order(clock=task.clock), check_lock=check)
    assert FEW < len(journal.state.intents) <= 2 * MANY
    task.other.broken_after = None
    task.later(minutes=1)
    assert await task.go() == "succeeded"
    assert task.notion.shown() == task.other.shown()
    assert len(task.notion.rows) == len(task.other.rows) == 80
    assert not journal.state.intents


async def test_a_refused_create_leaves_the_others() -> None:
    journal = Kept()
    task = Slow(journal)
    filled(task, 20)
    task.other.refused = {"left 3", "left 11"}
    assert await task.go() == "failed"
    assert len(task.other.rows) == 20 + 18
    assert len(task.notion.rows) == 40
    assert not journal.state.intents
