"""New objects are made in the order in which their side lists them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tasks.journal.file import FileJournal
from tests.tasks.boards import Boards, Row


class Slow(Boards):
    """Every create takes its own time."""

    def __init__(self, concurrency: int) -> None:
        super().__init__()
        self.concurrency = concurrency
        self.rng = Random(concurrency)
        self.begun: list[str] = []
        self.under_way = 0
        self.most = 0

    async def _slow(self, values: dict[str, Any]) -> None:
        self.begun.append(next(iter(values.values())))
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(self.rng.random() / 100)
        self.under_way -= 1

    async def notion_create_obj(self, **kwargs: Any) -> Row:  # type: ignore[override]
        await self._slow(kwargs)
        return super().notion_create_obj(**kwargs)

    async def other_create_obj(self, **kwargs: Any) -> Row:  # type: ignore[override]
        await self._slow(kwargs)
        return super().other_create_obj(**kwargs)


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize("side", ["notion", "other"])
async def test_creates_are_begun_in_the_order_of_the_listing(
    side: str, concurrency: int, tmp_path: Path
) -> None:
    task = Slow(concurrency)
    board, across = (task.notion, task.other) if side == "notion" else (task.other, task.notion)
    name = "A" if side == "notion" else "a"
    names = [f"row {number}" for number in range(1, 25)]
    task.rng.shuffle(names)
    for one in names:
        board.add(**{name: one, name.replace("A", "B").replace("a", "b"): ""})
    journal = FileJournal(tmp_path / "boards.json")
    assert (await task.run(journal)).status == "succeeded"
    assert task.begun == names
    assert task.most == concurrency
    if concurrency == 1:
        assert [next(iter(row.values.values())) for row in across.rows.values()] == names
