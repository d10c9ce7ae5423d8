"""A service that makes one object per key, as calendars do, and a source whose object is somebody else's by now."""

from __future__ import annotations

from typing import Any

from tasks.engine.report import Order
from tasks.journal.state import State
from tasks.journal.state_journal import StateJournal
from tests.tasks.boards import Boards, Row


class Keyed(Boards):
    """The other side gives what an earlier create with the same key made."""

    def __init__(self) -> None:
        super().__init__()
        self.by_key: dict[str, str] = {}

    def other_create_keyed(self, key: str, values: dict[str, Any]) -> Row:
        known = self.other.rows.get(self.by_key.get(key, ""))
        made = known or self._create(self.other, values)
        self.by_key[key] = made.id
        return made


async def test_a_row_that_comes_back_after_it_was_replaced_gets_an_object_of_its_own() -> None:
    task, journal = Keyed(), StateJournal(State())

    async def run() -> str:
        task.later(hours=1)
        return (await task.run(journal, order=Order(clock=task.clock))).status

    first = task.notion.add(A="paint", B="1")
    assert await run() == "succeeded"
    (item,) = task.other.rows
    kept = task.notion.rows[first]
    task.notion.remove(first)
    task.later(minutes=5)
    task.other.edit(item, b="2")
    assert await run() == "succeeded"  # the edit beats the deletion, in a row of its own
    (second,) = task.notion.rows
    assert second != first

    task.notion.rows[first] = kept  # somebody takes the old one out of the trash
    assert await run() == "succeeded"
    assert sorted(journal.state.ids) == sorted([first, second])
    assert len(set(journal.state.ids.values())) == 2
    assert journal.state.ids[second] == item
    assert task.other.shown() == task.notion.shown() == [("paint", "1"), ("paint", "2")]
    task.other.calls.clear(), task.notion.calls.clear()
    assert await run() == "succeeded"
    assert task.other.writes == task.notion.writes == 0
