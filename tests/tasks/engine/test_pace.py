"""How many pairs are under way: more where a side answers at once, and no more than before where it does not."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.engine.pace import LEAST, MOST, QUICK, Pace
from tasks.journal.file import FileJournal
from tasks.merge import Effect, Intent
from tests.tasks.boards import Boards, Row

ROWS = 60


@given(st.integers(0, 20), st.lists(st.floats(0, 1)))
def test_it_stays_within_its_bounds_and_goes_by_single_steps(concurrency: int, times: list[float]) -> None:
    pace = Pace(concurrency)
    for seconds in times:
        before = pace.allowed
        pace.took(seconds)
        assert LEAST * max(1, concurrency) <= pace.allowed <= MOST * max(1, concurrency)
        assert pace.allowed - before in ((0, 1) if seconds < QUICK else (0, -1))


class Timed(Boards):
    """Every create takes so long."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds
        self.under_way = self.most = 0

    async def other_create_obj(self, **kwargs: Any) -> Row:  # type: ignore[override]
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(self.seconds)
        self.under_way -= 1
        return super().other_create_obj(**kwargs)


class Counting(FileJournal):
    """Notes how many intents were open at most."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.open: set[str] = set()
        self.most = 0

    async def begin(self, intent: Intent | None, effect: Effect | None = None) -> None:
        assert intent is not None
        self.open.add(intent.key)
        self.most = max(self.most, len(self.open))
        await super().begin(intent, effect)

    async def confirm(self, **kept: Any) -> None:
        self.open.difference_update(kept.get("settle", ()))
        await super().confirm(**kept)


@pytest.mark.parametrize("seconds", [0.0, QUICK])
async def test_a_side_that_takes_long_has_no_more_under_way_than_keep_it_busy(
    seconds: float, tmp_path: Path
) -> None:
    task = Timed(seconds)
    for number in range(ROWS):
        task.notion.add(A=f"row {number}", B="")
    journal = Counting(tmp_path / "boards.json")
    assert (await task.run(journal)).status == "succeeded"
    assert len(task.other.rows) == ROWS
    assert not journal.open
    assert task.most <= task.concurrency  # what is sent at once is the side's own word
    if seconds:
        assert journal.most <= LEAST * task.concurrency
    else:
        assert journal.most <= MOST * task.concurrency
