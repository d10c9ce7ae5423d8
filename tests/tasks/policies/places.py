"""Two services in memory that people edit, delete from, restore in and move things out of, and a task between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tasks import Changes, Listing, TwoWay
from tasks.engine.report import Order, RunReport
from tasks.errors import PreconditionError
from tasks.journal.state import State as Kept
from tasks.journal.state_journal import StateJournal
from tasks.sides import Attribute, Kind, Option, Side, State

START = datetime(2026, 1, 1, tzinfo=UTC)
ROWS = {
    "Name": Attribute(Kind.TEXT, meaning="title"),
    "Status": Attribute(
        Kind.CHOICE,
        options=(
            Option("Open", State.OPEN),
            Option("Done", State.DONE),
            Option("Archived", State.CANCELLED),
        ),
    ),
    "When": Attribute(Kind.DATE),
    "Gone": Attribute(Kind.YES_NO),
    "Code": Attribute(Kind.WHOLE, writable=False),
}
TODOS = {
    "summary": Attribute(Kind.TEXT, meaning="title"),
    "status": Attribute(Kind.STATE),
    "due": Attribute(Kind.DATE),
    "hidden": Attribute(Kind.YES_NO),
}
MAP = {"Name": "summary", "Status": "status", "When": "due"}


@dataclass
class Thing:
    """An object, as a client would give it."""

    id: str
    values: dict[str, Any]
    edited: datetime | None
    version: int = 0


@dataclass
class Clock:
    now: datetime = START

    def later(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class Log:
    """What was called, and what was written: kind, id."""

    calls: Counter[str] = field(default_factory=Counter)
    writes: list[tuple[str, str]] = field(default_factory=list)


class Place(Side):
    """Objects in memory, with a trash, and with places outside that nobody lists."""

    def __init__(
        self, label: str, attributes: Mapping[str, Attribute], clock: Clock, *, deltas: bool = False
    ) -> None:
        self.label, self.attributes, self.clock, self.deltas = label, attributes, clock, deltas
        self.things: dict[str, Thing] = {}
        self.trash: dict[str, Thing] = {}
        #: What is not listed any more, though it is not deleted.
        self.outside: dict[str, Thing] = {}
        self.count = self.version = 0
        self.deleted: dict[str, int] = {}
        self.log = Log()
        self.partial: str | None = None
        self.read: list[str] = []

    # -- people -----------------------------------------------------------------------------------------------

    def add(self, **values: Any) -> str:
        self.count += 1
        thing_id = f"{self.label.split()[-1]}-{self.count}"
        self.things[thing_id] = self._touched(
            Thing(thing_id, {**dict.fromkeys(self.attributes), **values}, None)
        )
        return thing_id

    def edit(self, thing_id: str, **values: Any) -> None:
        thing = self.things[thing_id]
        self.things[thing_id] = self._touched(replace(thing, values={**thing.values, **values}))

    def remove(self, thing_id: str) -> None:
        self.trash[thing_id] = self.things.pop(thing_id)
        self.version += 1
        self.deleted[thing_id] = self.version

    def bring_back(self, thing_id: str) -> None:
        self.things[thing_id] = self._touched(self.trash.pop(thing_id))

    def move_out(self, thing_id: str) -> None:
        self.outside[thing_id] = self.things.pop(thing_id)

    def move_in(self, thing_id: str) -> None:
        self.things[thing_id] = self._touched(self.outside.pop(thing_id))

    def named(self, name: str) -> list[str]:
        title = next(iter(self.attributes))
        return [thing.id for thing in self.things.values() if thing.values[title] == name]

    def shown(self, *names: str) -> list[Any]:
        wanted = names or tuple(self.attributes)[:1]
        rows = [tuple(thing.values[name] for name in wanted) for thing in self.things.values()]
        return sorted((row[0] if len(wanted) == 1 else row for row in rows), key=repr)

    def _touched(self, thing: Thing) -> Thing:
        self.version += 1
        return replace(thing, edited=self.clock.now, version=self.version)

    # -- the side ---------------------------------------------------------------------------------------------

    def describe(self) -> Any:
        return dict(self.attributes)

    def check(self, attributes: Any) -> None:
        self.read = list(attributes)

    def list(self) -> Any:
        self.log.calls["list"] += 1
        cursor = self.version if self.deltas else None
        return Listing([self._copy(one) for one in self.things.values()], partial=self.partial, cursor=cursor)

    def changes(self, cursor: Any) -> Any:
        if not self.deltas:
            return NotImplemented
        self.log.calls["changes"] += 1
        changed = [self._copy(one) for one in self.things.values() if one.version > cursor]
        gone = [one for one, at in self.deleted.items() if at > cursor and one not in self.things]
        return Changes(changed, gone, self.version)

    def get(self, obj_id: str) -> Any:
        self.log.calls["get"] += 1
        return self._copy(self.things[obj_id]) if obj_id in self.things else None

    def is_gone(self, obj_id: str) -> bool:
        self.log.calls["is_gone"] += 1
        return obj_id not in self.things and obj_id not in self.outside

    def id(self, obj: Thing) -> str:
        return obj.id

    def key(self, obj: Thing) -> str:
        return str(obj.values[next(iter(self.attributes))]).strip().casefold()

    def edited(self, obj: Thing) -> Any:
        return obj.edited

    def values(self, obj: Thing) -> dict[str, Any]:
        return {name: obj.values[name] for name in self.read}

    def create(self, key: str, values: dict[str, Any]) -> Any:
        made = self.add(**values)
        self.log.writes.append(("create", made))
        return self._copy(self.things[made])

    def update(self, obj: Thing, changes: dict[str, Any]) -> Any:
        self._unchanged(obj)
        self.edit(obj.id, **changes)
        self.log.writes.append(("update", obj.id))
        return self._copy(self.things[obj.id])

    def delete(self, obj: Thing) -> None:
        self._unchanged(obj)
        self.remove(obj.id)
        self.log.writes.append(("delete", obj.id))

    def restore(self, obj_id: str) -> Any:
        if obj_id not in self.trash:
            return None
        self.bring_back(obj_id)
        self.log.writes.append(("restore", obj_id))
        return self._copy(self.things[obj_id])

    def _unchanged(self, obj: Thing) -> None:
        there = self.things.get(obj.id)
        if there is None or there.version != obj.version:
            raise PreconditionError("it changed meanwhile")

    @staticmethod
    def _copy(thing: Thing) -> Thing:
        return replace(thing, values=dict(thing.values))


class Sync:
    """A task between two places, run as different processes would."""

    def __init__(
        self, *, deltas: bool = False, mapping: Mapping[str, Any] | None = None, **said: Any
    ) -> None:
        self.clock = Clock()
        self.rows = Place("the board rows", ROWS, self.clock, deltas=deltas)
        self.todos = Place("the list todos", TODOS, self.clock, deltas=deltas)
        self.mapping = dict(mapping or MAP)
        # `leave=None` is for what is done where nobody says it.
        self.said = {name: value for name, value in {"leave": "unlink", **said}.items() if value is not None}
        self.journal = StateJournal(Kept())

    def task(self) -> TwoWay:
        task = TwoWay("t", self.rows, self.todos, self.mapping, **self.said)
        task.handful = 99
        return task

    async def run(self, **order: Any) -> RunReport:
        self.clock.later(minutes=5)
        self.journal = StateJournal(Kept.from_json(self.journal.state.to_json()))
        return await self.task().run(self.journal, order=Order(clock=lambda: self.clock.now, **order))

    async def runs(self, number: int = 1) -> RunReport:
        """So many runs, each of which succeeds."""
        for _ in range(number):
            report = await self.run()
            assert report.status == "succeeded", report.reason
        return report

    def pair(self, name: str, **values: Any) -> str:
        """A row; it is on the list too after a run."""
        return self.rows.add(Name=name, **{"Status": "Open", **values})

    def todo(self, name: str) -> str:
        (todo,) = self.todos.named(name)
        return todo

    def row(self, name: str) -> str:
        (row,) = self.rows.named(name)
        return row


def day(number: int) -> date:
    """So many days after the start."""
    return START.date() + timedelta(days=number)
