"""Two invented services and the work to be done between them, alike for every candidate.

Nothing but the standard library is used, so that each candidate can run it in an environment of its own.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

#: Seconds that every call takes.
LATENCY = 0.002
#: Objects that one call lists.
PAGE = 100
ATTRIBUTES = {"Name": "name", "Notes": "notes", "Points": "points", "Due": "due", "Tag": "tag"}
_START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Row:
    """An object of a service, as its client holds it."""

    id: str
    values: dict[str, Any]
    edited: datetime


class FakeService:
    """Objects in memory behind calls that wait and are counted; without waiting until it is told to."""

    def __init__(self, letter: str, names: dict[str, str]) -> None:
        self.letter = letter
        #: What the attributes are called here, by their common name.
        self.names = names
        self.rows: dict[str, Row] = {}
        self.calls: Counter[str] = Counter()
        self.latency = 0.0
        #: Ids in the order in which something happened to them.
        self.log: list[str] = []
        #: What people typed last, by id and attribute.
        self.typed: dict[tuple[str, str], Any] = {}
        self._made = 0

    # -- what people do: neither waited for nor counted ---------------------------------------------------

    def add(self, title: str, number: int) -> Row:
        """A new object."""
        common = {
            "Name": title,
            "Notes": f"Notes of {title}",
            "Points": number % 13,
            "Due": "2026-05-01",
            "Tag": "home",
            "Done": False,
        }
        return self._make({native: common[name] for name, native in self.names.items()})

    def edit(self, row_id: str, values: Mapping[str, Any]) -> None:
        """New values, by common name."""
        changes = {self.names[name]: value for name, value in values.items()}
        self.typed |= {(row_id, native): value for native, value in changes.items()}
        self._set(row_id, changes)

    def lost(self) -> int:
        """How many values that people typed are not there any more."""
        return sum(
            row_id not in self.rows or self.rows[row_id].values[native] != value
            for (row_id, native), value in self.typed.items()
        )

    def common(self) -> list[tuple[Any, ...]]:
        """What is there, in a form that both sides share."""
        return sorted(
            tuple(row.values[native] for native in self.names.values()) for row in self.rows.values()
        )

    def writes(self) -> int:
        """Calls so far that change something."""
        return sum(self.calls[kind] for kind in ("create", "update", "delete"))

    # -- calls of a client that waits, and of one that lets others work meanwhile -------------------------

    def listing(self) -> list[Row]:
        """All objects, page by page."""
        for _ in range(self._pages(len(self.rows))):
            self._wait("list")
        return [self._shown(row) for row in self.rows.values()]

    def create(self, values: dict[str, Any]) -> Row:
        """A new object."""
        self._wait("create")
        return self._shown(self._make(values))

    def update(self, row_id: str, changes: dict[str, Any]) -> Row:
        """New values of an object."""
        self._wait("update")
        return self._shown(self._set(row_id, changes))

    def delete(self, row_id: str) -> None:
        """The end of an object."""
        self._wait("delete")
        self._drop(row_id)

    async def alisting(self) -> list[Row]:
        """As `listing`."""
        for _ in range(self._pages(len(self.rows))):
            await self._await("list")
        return [self._shown(row) for row in self.rows.values()]

    async def achanges(self, since: int) -> tuple[list[Row], list[str], int]:
        """What changed, what is gone, and where the next changes start; as many pages as it fills."""
        ids = list(dict.fromkeys(self.log[since:]))
        for _ in range(self._pages(len(ids))):
            await self._await("list")
        there = [self._shown(self.rows[row_id]) for row_id in ids if row_id in self.rows]
        return there, [row_id for row_id in ids if row_id not in self.rows], len(self.log)

    async def aget(self, row_id: str) -> Row | None:
        """One object."""
        await self._await("get")
        return self._shown(self.rows[row_id]) if row_id in self.rows else None

    async def acreate(self, values: dict[str, Any]) -> Row:
        """As `create`."""
        await self._await("create")
        return self._shown(self._make(values))

    async def aupdate(self, row_id: str, changes: dict[str, Any]) -> Row:
        """As `update`."""
        await self._await("update")
        return self._shown(self._set(row_id, changes))

    async def adelete(self, row_id: str) -> None:
        """As `delete`."""
        await self._await("delete")
        self._drop(row_id)

    # -- inside -------------------------------------------------------------------------------------------

    def _pages(self, rows: int) -> int:
        return max(1, -(-rows // PAGE))

    def _wait(self, kind: str) -> None:
        self.calls[kind] += 1
        if self.latency:
            time.sleep(self.latency)

    async def _await(self, kind: str) -> None:
        self.calls[kind] += 1
        if self.latency:
            await asyncio.sleep(self.latency)

    def _shown(self, row: Row) -> Row:
        return Row(row.id, dict(row.values), row.edited)

    def _make(self, values: dict[str, Any]) -> Row:
        self._made += 1
        row = Row(f"{self.letter}{self._made}", dict(values), self._now())
        self.rows[row.id] = row
        self.log.append(row.id)
        return row

    def _set(self, row_id: str, changes: dict[str, Any]) -> Row:
        row = self.rows[row_id]
        row.values.update(changes)
        row.edited = self._now()
        self.log.append(row_id)
        return row

    def _drop(self, row_id: str) -> None:
        del self.rows[row_id]
        self.log.append(row_id)

    def _now(self) -> datetime:
        return _START + timedelta(minutes=5 * len(self.log))


@dataclass
class Sides:
    """Both services."""

    notion: FakeService = field(default_factory=lambda: FakeService("n", {name: name for name in ATTRIBUTES}))
    other: FakeService = field(default_factory=lambda: FakeService("o", dict(ATTRIBUTES)))

    @property
    def both(self) -> tuple[FakeService, FakeService]:
        """Notion first."""
        return self.notion, self.other

    def writes(self) -> int:
        """Calls so far that change something."""
        return sum(side.writes() for side in self.both)


class Methods:
    """The methods of a sync task in the form that every candidate knows: plain, one attribute per write."""

    sides: Sides

    def get_notion_objects(self) -> Any:
        return self.sides.notion.listing()

    def get_other_objects(self) -> Any:
        return self.sides.other.listing()

    def notion_timestamp(self, obj: Row) -> datetime:
        return obj.edited

    def other_timestamp(self, obj: Row) -> datetime:
        return obj.edited

    def notion_id(self, obj: Row) -> str:
        return obj.id

    def other_id(self, obj: Row) -> str:
        return obj.id

    def notion_hash(self, obj: Row) -> str:
        return str(obj.values["Name"])

    def other_hash(self, obj: Row) -> str:
        return str(obj.values["name"])

    def notion_to_dict(self, obj: Row) -> dict[str, Any]:
        return dict(obj.values)

    def other_to_dict(self, obj: Row) -> dict[str, Any]:
        return dict(obj.values)

    def notion_update_obj(self, obj: Row, attr: str, value: Any) -> Any:
        obj.values.update(self.sides.notion.update(obj.id, {attr: value}).values)

    def other_update_obj(self, obj: Row, attr: str, value: Any) -> Any:
        obj.values.update(self.sides.other.update(obj.id, {attr: value}).values)

    def notion_delete_obj(self, obj: Row) -> Any:
        self.sides.notion.delete(obj.id)

    def other_delete_obj(self, obj: Row) -> Any:
        self.sides.other.delete(obj.id)

    def notion_create_obj(self, **kwargs: Any) -> Any:
        return self.sides.notion.create(kwargs)

    def other_create_obj(self, **kwargs: Any) -> Any:
        return self.sides.other.create(kwargs)


@dataclass(frozen=True)
class Scenario:
    """Work for one run."""

    title: str
    #: Objects that a first run has linked before the clock starts.
    linked: int
    #: What people do before the run that is measured, given the scenario's own number.
    act: Callable[[Sides, int], None]
    number: int
    #: Objects that each side must hold in the end.
    expected: int


def _same_on_both(sides: Sides, number: int) -> None:
    for side in sides.both:
        for i in range(number):
            side.add(f"Task {i}", i)


def _some_twice(sides: Sides, number: int) -> None:
    for side in sides.both:
        for i in range(number):
            side.add(f"Task {i % (number * 9 // 10)}", i)


def _half_on_each(sides: Sides, number: int) -> None:
    for i in range(number):
        sides.both[i % 2].add(f"New {i}", i)


def _edits(sides: Sides, number: int) -> None:
    ids = list(sides.notion.rows), list(sides.other.rows)
    for i in range(number):
        # Never the same object on both sides, so that there is no conflict to settle.
        side = sides.both[i % 2]
        edit = len(side.log)
        side.edit(ids[i % 2][i], {"Notes": f"Edit {edit}", "Points": 100 + edit, "Due": f"In {edit} days"})


def _nothing(sides: Sides, number: int) -> None:
    """People are asleep."""


def scenarios(*, small: int = 1_000, large: int = 10_000, edits: int = 100) -> dict[str, Scenario]:
    """The work that is measured, by name."""
    return {
        "link": Scenario(f"First link of {small:,} × {small:,}", 0, _same_on_both, small, small),
        "twins": Scenario(f"First link, {small // 10:,} titles twice", 0, _some_twice, small, small),
        "create": Scenario(f"{small:,} creates, half on each side", 0, _half_on_each, small, small),
        "edit": Scenario(f"{edits:,} edits of 3 attributes in {large:,}", large, _edits, edits, large),
        "idle": Scenario(f"No change in {large:,}", large, _nothing, 0, large),
    }


@dataclass(frozen=True)
class Result:
    """What one run cost and what it left behind."""

    seconds: float
    #: Calls of both sides by kind.
    calls: dict[str, int]
    #: Whether both sides show the same objects.
    equal: bool
    #: Objects over the number there should be, of both sides.
    extra: int
    #: Values that somebody had typed and that are gone.
    lost: int
    #: Writes of one more run, after which nobody had edited anything.
    writes_again: int


class Contest:
    """A candidate at work; `make` gives the function that carries out its next run."""

    def __init__(self, linked: int, make: Callable[[Sides], Callable[[], None]]) -> None:
        self.sides = Sides()
        self._run = make(self.sides)
        if linked:
            _same_on_both(self.sides, linked)
            self._run()

    def measure(self, scenario: Scenario, latency: float = LATENCY) -> Result:
        """People's work, a run that is measured, and one more run to see whether it left anything to do."""
        sides = self.sides
        scenario.act(sides, scenario.number)
        for side in sides.both:
            side.calls.clear()
            side.latency = latency
        gc.collect()  # else whoever comes when a collection is due pays for what the others left
        began = time.perf_counter()
        self._run()
        seconds = time.perf_counter() - began
        calls = sides.notion.calls + sides.other.calls
        for side in sides.both:
            side.latency = 0.0
        before = sides.writes()
        if scenario.number:
            self._run()
        return Result(
            seconds,
            dict(calls),
            sides.notion.common() == sides.other.common(),
            sum(len(side.rows) - scenario.expected for side in sides.both),
            sum(side.lost() for side in sides.both),
            sides.writes() - before,
        )


class Contests:
    """The contests of one candidate; what begins with linked objects goes on where it was left."""

    def __init__(self, make: Callable[[Sides], Callable[[], None]]) -> None:
        self._make = make
        self._linked: dict[int, Contest] = {}

    def measure(self, scenario: Scenario, latency: float = LATENCY) -> Result:
        """One measured run."""
        linked = scenario.linked
        if not linked:
            return Contest(0, self._make).measure(scenario, latency)
        if linked not in self._linked:
            self._linked[linked] = Contest(linked, self._make)
        return self._linked[linked].measure(scenario, latency)
