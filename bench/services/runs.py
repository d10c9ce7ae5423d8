"""Runs between an invented service and each of the real ones, of which what they ask is counted."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from bench.fake_sides import FakeService
from bench.requests import ServiceSide
from bench.services.counting import CATALOGUE
from bench.services.places import PLACES, Place
from tasks.engine.report import Order
from tasks.journal.file import FileJournal
from tasks.sides import Attribute, Kind, Side
from tasks.two_way import TwoWay

OBJECTS = 250
QUICK = 4
#: Between two runs, so that what was written a moment ago is read again by none that comes later.
PAUSE = timedelta(minutes=4)
_NAMES = {"Name": "name", "Notes": "notes"}


class _Near(ServiceSide):
    """The other end, in memory."""

    def describe(self) -> dict[str, Attribute]:
        return {"name": Attribute(Kind.TEXT, meaning="title"), "notes": Attribute(Kind.TEXT)}


@dataclass
class Desk:
    """One place and the invented service, linked."""

    place: Place
    folder: Path
    near: FakeService = field(default_factory=lambda: FakeService("n", dict(_NAMES)))
    ahead: timedelta = timedelta(0)
    journal: str = "made"

    async def run(self) -> Counter[str]:
        """What the next run asks, some minutes later.

        Raises:
            RuntimeError: it did not end in success, or the ends do not hold the same.
        """
        self.ahead += PAUSE
        self.place.passes(PAUSE)
        task = TwoWay(
            "bench", _Near(self.near), self.place.side(),
            {"name": self.place.title, "notes": self.place.text},
            constants={"other": self.place.constants} if self.place.constants else None,
        )  # fmt: skip
        order = Order(clock=lambda: datetime.now(UTC) + self.ahead)
        with self.place.count() as counts:
            report = await task.run(FileJournal(self.folder / f"{self.journal}.json"), order=order)
        if report.status != "succeeded" or report.reason:
            raise RuntimeError(f"a run of the bench ended otherwise than in success: {report.reason}")
        return counts

    async def check(self) -> None:
        """Make sure that both ends hold the same.

        Raises:
            RuntimeError: they do not.
        """
        async with _app(self.place) as app:
            there = sorted(
                (values[self.place.title], values[self.place.text])
                for values in map(app.values, await app.listed())
            )
        if there != self.near.common():
            raise RuntimeError("the ends of the bench do not hold the same")

    async def edit_there(self, text: str) -> None:
        """Another app edits an object at the service, after a while."""
        self.place.passes(PAUSE)
        async with _app(self.place) as app:
            obj = next(one for one in await app.listed() if app.values(one)[self.place.title] == "Task 0")
            await _done(app.side.update(obj, {self.place.text: text}))


class _app:  # noqa: N801  # reads as a function
    """A side as another app that knows nothing of the runs."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.side: Side = place.side()
        self.values = self.side.values

    async def __aenter__(self) -> _app:
        await _done(self.side.open())
        await _done(self.side.recall(None, {}))
        await _done(self.side.describe())
        await _done(self.side.check([self.place.title, self.place.text]))
        return self

    async def __aexit__(self, *_: object) -> None:
        await _done(self.side.close())

    async def listed(self) -> list[Any]:
        found = await _done(self.side.list())
        return list(getattr(found, "objects", found))


async def _done(answer: Any) -> Any:
    return await answer if hasattr(answer, "__await__") else answer


#: Parts of paths that say what a request is about.
_PARTS = frozenset(
    {
        "data_sources",
        "query",
        "search",
        "pages",
        "lists",
        "tasks",
        "issues",
        "labels",
        "milestones",
        "assignees",
    }
)
#: What is counted, in the order in which it happens.
COLUMNS = ("First link", "Idle poll", "Change there", "Write", "Create", "Delete")


async def measured(place: Place, objects: int, folder: Path) -> dict[str, Counter[str]]:
    """What each run asks, by column."""
    desk = Desk(place, folder)
    for number in range(objects):
        desk.near.add(f"Task {number}", number)
    await desk.run()
    await desk.check()
    # Else all that was made in one minute would be read again until the service's clock is past it for sure.
    await desk.edit_there("Edited once")
    await desk.run()
    desk.journal = "linked"
    found = {"First link": await desk.run()}

    async def settled() -> Counter[str]:
        """An idle poll, when the one that sees what was just written is over."""
        await desk.run()
        return await desk.run()

    found["Idle poll"] = await settled()
    await desk.edit_there("Edited there")
    found["Change there"] = await desk.run()
    rows = list(desk.near.rows)
    for column in COLUMNS[3:]:
        await settled()
        if column == "Write":
            desk.near.edit(rows[1], {"Notes": "Edited here"})
        elif column == "Create":
            desk.near.add("One more", 1)
        else:
            desk.near.delete(rows[2])
        found[column] = await desk.run()
        await desk.check()
    if desk.near.lost() or "Edited there" not in {row.values["notes"] for row in desk.near.rows.values()}:
        raise RuntimeError("an edit was lost")
    return found


def measure(*, quick: bool = False, only: Iterable[str] = PLACES) -> Table:
    """All services, or those that are named."""
    objects = QUICK if quick else OBJECTS
    table = Table(title=f"What a run asks of each service, with {objects:,} objects", box=box.MARKDOWN)
    table.add_column("Service")
    for column in COLUMNS:
        table.add_column(column, justify="right")
    table.add_column("An idle poll asks")
    for name in only:
        with PLACES[name]() as place, tempfile.TemporaryDirectory() as folder:
            found = asyncio.run(measured(place, objects, Path(folder)))
        cells = (_number(found[column]) for column in COLUMNS)
        table.add_row(name, *cells, told(found["Idle poll"]))
    return table


def _number(counts: Counter[str]) -> str:
    """How much was asked; what only looks at how a table is made is told apart."""
    looks = counts[CATALOGUE]
    return f"{counts.total() - looks:,}" + (f" + {looks}" if looks else "")


def told(counts: Counter[str]) -> str:
    """What was asked, in words."""
    words: Counter[str] = Counter()
    for what, number in counts.items():
        words[_short(what)] += number
    return (
        ", ".join(word if number == 1 else f"{word} × {number}" for word, number in words.items())
        or "nothing"
    )


def _short(what: str) -> str:
    """A request by its method and the last part of its path that is no id."""
    method, _, path = what.partition(" /")
    known = [part for part in path.split("/") if part in _PARTS]
    return f"{method} {known[-1]}" if known else method
