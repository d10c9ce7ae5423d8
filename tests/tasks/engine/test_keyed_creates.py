"""A service that makes one object per key, as calendars do, and a source whose object is somebody else's by now."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tasks import TwoWay
from tasks.engine.report import Order
from tasks.errors import SideError
from tasks.journal.state import State
from tasks.journal.state_journal import StateJournal
from tasks.sides import Attribute, Kind
from tests.tasks.boards import Boards, Row
from tests.tasks.mapping.test_in_a_run import Place


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


class KeyedPlace(Place):
    """Makes one object per key, and says which; the answers of its creates are lost on demand."""

    def __init__(self, label: str, attributes: Any) -> None:
        super().__init__(label, attributes)
        self.lost = False
        self.times: dict[str, datetime] = {}

    def put(self, obj_id: str, values: Any) -> str:
        self.times[obj_id] = datetime.now(UTC)
        return super().put(obj_id, values)

    def edited(self, obj: Any) -> datetime:
        return self.times[obj]

    def create(self, key: str, values: dict[str, Any]) -> Any:
        made = self.put(self.made(key), values) if self.made(key) not in self.objects else self.made(key)
        if self.lost:
            raise SideError("the connection was lost")
        return made

    def made(self, key: str) -> str:
        return f"{self.label} {key}"


@pytest.mark.parametrize("edited", ["name", "all", "nothing"])
async def test_what_was_made_is_known_by_its_key_also_when_it_was_edited_before_it_was_linked(
    edited: str,
) -> None:
    text = Attribute(Kind.TEXT)
    rows = KeyedPlace("row", {"Name": replace(text, meaning="title"), "Notes": text})
    todos = KeyedPlace("todo", {"summary": replace(text, meaning="title"), "notes": text})
    journal, mapping = StateJournal(State()), {"Name": "summary", "Notes": "notes"}

    async def run() -> str:
        return (await TwoWay("t", rows, todos, mapping).run(journal)).status

    todos.put("made there", {"summary": "paint", "notes": "green"})
    rows.lost = True
    with pytest.raises(SideError):
        await run()
    rows.lost = False
    (row,) = rows.objects
    if edited != "nothing":
        rows.put(row, {"Name": "paint the door", **({"Notes": "red"} if edited == "all" else {})})
        rows.times[row] += timedelta(seconds=2)
    assert await run() == "succeeded"
    assert await run() == "succeeded"
    assert len(rows.objects) == len(todos.objects) == 1
    assert list(rows.objects[row].values()) == list(todos.objects["made there"].values())
    if edited != "nothing":
        assert todos.objects["made there"]["summary"] == "paint the door"
