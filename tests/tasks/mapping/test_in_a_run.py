"""Values on their way through whole runs of a sync between two plain sides."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

from tasks import TwoWay
from tasks.engine.report import RunReport
from tasks.journal.state import State as Kept
from tasks.journal.state_journal import StateJournal
from tasks.sides import Attribute, Changes, Kind, Listing, Option, Side, State
from tasks.values.date_range import DateRange

START = datetime(2026, 1, 1, tzinfo=UTC)
ROW = {
    "Name": Attribute(Kind.TEXT),
    "Status": Attribute(Kind.CHOICE, options=tuple(map(Option, ("To do", "Waiting", "Done")))),
    "Body": Attribute(Kind.FORMATTED),
    "When": Attribute(Kind.SPAN, whole_minutes=True),
    "Code": Attribute(Kind.WHOLE, writable=False),
}
TODO = {
    "summary": Attribute(Kind.TEXT),
    "status": Attribute(Kind.STATE),
    "notes": Attribute(Kind.TEXT),
    "due": Attribute(Kind.DATE),
    "rank": Attribute(Kind.PRIORITY),
}
MAP = {
    "Name": "summary",
    "Status": {"to": "status", "values": {"Waiting": "needs action"}},
    "Body": "notes",
    "When": "due",
    "Code": {"to": "rank", "only_to": "other"},
}


class Place(Side):
    """Objects in memory, told by their changes after the first listing."""

    def __init__(self, label: str, attributes: Mapping[str, Attribute]) -> None:
        self.label = label
        self.attributes = attributes
        self.objects: dict[str, dict[str, Any]] = {}
        self.log: list[str] = []
        self.numbers = count(1)

    def describe(self) -> Any:
        return dict(self.attributes)

    def list(self) -> Any:
        return Listing([*self.objects], cursor=len(self.log))

    def changes(self, cursor: Any) -> Any:
        touched = dict.fromkeys(self.log[cursor:])
        there = [one for one in touched if one in self.objects]
        return Changes(there, [one for one in touched if one not in self.objects], len(self.log))

    def get(self, obj_id: str) -> Any:
        return obj_id if obj_id in self.objects else None

    def id(self, obj: Any) -> Any:
        return obj

    def key(self, obj: Any) -> Any:
        name = "Name" if "Name" in self.attributes else "summary"
        return self.objects[obj][name]

    def edited(self, obj: Any) -> Any:
        return START + timedelta(hours=self.log.index(obj))

    def values(self, obj: Any) -> Any:
        return dict(self.objects[obj])

    def put(self, obj_id: str, values: Mapping[str, Any]) -> str:
        new = {**dict.fromkeys(self.attributes), "Code": len(self.objects) + 1}
        known = self.objects.get(obj_id) or {name: new[name] for name in self.attributes}
        self.objects[obj_id] = {**known, **values}
        self.log.append(obj_id)
        return obj_id

    def create(self, key: str, values: dict[str, Any]) -> Any:
        return self.update(f"{self.label} {next(self.numbers)}", values)

    def update(self, obj: Any, changes: dict[str, Any]) -> Any:
        assert all(self.attributes[name].writable for name in changes), changes
        return self.put(obj, changes)

    def delete(self, obj: Any) -> Any:
        del self.objects[obj]
        self.log.append(obj)


class World:
    """A sync of rows and to-dos, with what it remembers."""

    def __init__(self) -> None:
        self.rows, self.todos = Place("the table", ROW), Place("the list", TODO)
        self.journal = StateJournal(Kept())

    async def run(self) -> RunReport:
        return await TwoWay("todos", self.rows, self.todos, MAP).run(self.journal)

    async def settle(self) -> dict[str, int]:
        """Run until nothing is left to do; what the first run did."""
        first = await self.run()
        assert first.status == "succeeded", first.reason
        await self.run()
        last = await self.run()
        assert (last.status, +last.outcome.counts) == ("succeeded", {})
        return dict(first.outcome.counts)


def only(place: Place) -> tuple[str, dict[str, Any]]:
    ((obj_id, values),) = place.objects.items()
    return obj_id, values


async def test_a_row_becomes_a_todo_and_its_edits_come_back() -> None:
    world = World()
    span = DateRange(START, START + timedelta(days=1))
    row = world.rows.put("row", {"Name": "Tea\x07", "Status": "Waiting", "Body": "**hot**", "When": span})
    assert await world.settle() == {"right_created": 1}
    todo, values = only(world.todos)
    assert values == {
        "summary": "Tea",
        "status": State.OPEN,
        "notes": "hot",
        "due": date(2026, 1, 1),
        "rank": 1,
    }
    world.todos.put(todo, {"status": State.CANCELLED, "notes": "2 * *hot*", "due": date(2026, 1, 2)})
    assert await world.settle() == {"left_updated": 1}
    assert world.rows.objects[row] == {
        "Name": "Tea\x07",
        "Status": "Done",
        "Body": r"2 \* \*hot\*",
        "When": DateRange(START + timedelta(days=1), START + timedelta(days=1)),
        "Code": 1,
    }
    assert only(world.todos)[1]["status"] is State.CANCELLED
    world.rows.put(row, {"Status": "To do", "Body": "*cold*"})
    await world.settle()
    assert (only(world.todos)[1]["status"], only(world.todos)[1]["notes"]) == (State.OPEN, "cold")
    assert world.rows.objects[row]["Body"] == "*cold*"


async def test_a_todo_becomes_a_row_and_gets_what_only_the_row_says() -> None:
    world = World()
    todo = world.todos.put("todo", {"summary": "Tea", "status": State.DONE, "rank": 5})
    assert await world.settle() == {"left_created": 1}
    assert only(world.rows)[1]["Code"] == 1
    assert world.todos.objects[todo]["rank"] == 1
    world.todos.put(todo, {"rank": 7, "summary": "Coffee"})
    first = await world.run()
    assert first.status == "succeeded"
    assert [(one.attribute, one.rule, one.right) for one in first.plan.actions if hasattr(one, "rule")] == [
        ("Code", "one way", 7)
    ]
    await world.settle()
    assert (world.todos.objects[todo]["rank"], only(world.rows)[1]["Name"]) == (1, "Coffee")


async def test_a_plan_tells_what_becomes_of_values() -> None:
    world = World()
    world.rows.put("row", {"Name": "Tea", "Status": "Done"})
    told = (await world.run()).plan.told
    assert len(told) == 4
    assert told[-1].endswith("goes only to the list")
