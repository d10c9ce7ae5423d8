"""Polls by changes: what they cost by the number of links, with no change and with a hundred edits.

python -m bench.polls    # with 1,000,000 links as well
"""

from __future__ import annotations

import asyncio
import tempfile
import tracemalloc
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import insert

from bench.fake_sides import ATTRIBUTES, FakeService, Row, Sides
from bench.objects import DeltaTask
from bench.timing import in_turns
from tasks.merge import Link
from tasks.object_task import ObjectTask
from tasks.values.canonical import dump
from worker.lock import MemoryLockStore, MemorySyncLock, SyncLock
from worker.session.run import run_session
from worker.store import Store, schema
from worker.store.tables.links import Links, shape_of
from worker.store.tables.numbers import count_along

SIZES = (100, 10_000, 100_000)
QUICK = (100, 300)
#: Up to so many links, the same polls are measured with all of them loaded as well.
MOST_LOADED = 100_000
EDITS = 100
ROUNDS = 7
#: Links that one statement makes.
_BATCH = 5_000
_APART = "apart,left"
_START = datetime(2026, 1, 1, tzinfo=UTC)


class _AllLinks(Links):
    """Gives all links where it is asked for those that are not settled."""

    def unsettled(self, task: str, attributes: Collection[str]) -> list[Link]:
        return self.all(task)


class LoadingStore(Store):
    """A store with which a run by changes loads all links."""

    @cached_property
    def links(self) -> Links:
        return _AllLinks(self)


class _Rows(dict[str, Row]):
    """The rows of a service, each made when somebody asks for it: a million would be measured along."""

    def __init__(self, service: FakeService) -> None:
        self._names = service.names

    def __contains__(self, row_id: object) -> bool:
        return True

    def __missing__(self, row_id: str) -> Row:
        values = _values(int(row_id[1:]))
        row = Row(row_id, {native: values[name] for name, native in self._names.items()}, _START)
        self[row_id] = row
        return row


def _values(number: int) -> dict[str, Any]:
    title = f"Task {number}"
    return {
        "Name": title,
        "Notes": f"Notes of {title}",
        "Points": number % 13,
        "Due": "2026-05-01",
        "Tag": "home",
    }


class Place:
    """A task with so many links whose services say what changed."""

    def __init__(self, folder: Path, size: int, store: type[Store] = Store, *, apart: int = 0) -> None:
        """`apart` is how many of the pairs went apart, as their left object is out of sight."""
        folder.mkdir(parents=True, exist_ok=True)
        self.size, self.apart = size, apart
        self.edits = min(EDITS, size)
        self.turns = 0
        self.sides = Sides()
        self.task = DeltaTask(self.sides, f"polls-{size}")
        self.task.run_every(hours=1)
        self.task.state_path = folder / f"{size}.json"
        self.store = store(f"sqlite:///{folder / store.__name__}-{size}.db")
        self.store.migrate()
        self.lock = MemorySyncLock(MemoryLockStore())
        self.run()  # both sides are empty still: what it leaves are cursors
        self._fill()
        for service in self.sides.both:
            service.rows = _Rows(service)
        self.run()

    def run(self) -> None:
        """One run, as a worker carries it out."""
        carry_out(self.task, self.store, self.lock)

    def edit(self) -> None:
        """People edit a hundred objects, half of them on each side."""
        self.turns += 1
        for number in range(self.edits):
            service = self.sides.both[number % 2]
            row_id = f"{service.letter}{number * (self.size // self.edits)}"
            service.edit(row_id, {"Notes": f"edit {self.turns}", "Points": 100 + self.turns})

    def run_after_edits(self) -> None:
        """A run that carries all of these across, once, and leaves both sides equal."""
        before = self.sides.writes()
        self.run()
        equal = self.sides.notion.common() == self.sides.other.common()
        if not equal or self.sides.writes() - before != self.edits:
            raise RuntimeError("a run of the bench left the sides unequal, or wrote too much")

    def _fill(self) -> None:
        """All links, as a first run would have left them."""
        shape = shape_of(ATTRIBUTES)
        with self.store.write() as connection:
            for start in range(0, self.size, _BATCH):
                rows = [self._link(number, shape) for number in range(start, min(start + _BATCH, self.size))]
                connection.execute(insert(schema.link), rows)
            count_along(connection, self.task.name, {"": self.size - self.apart, _APART: self.apart})

    def _link(self, number: int, shape: str) -> dict[str, Any]:
        row = link_row(self.task.name, number, _values(number), shape)
        return {**row, "parked": _APART if number < self.apart else None}


def carry_out(task: ObjectTask, store: Store, lock: SyncLock) -> None:
    """One run, as a worker carries it out.

    Raises:
        RuntimeError: it did not succeed.
    """
    ended = asyncio.run(run_session(task, store=store, lock=lock))
    if ended.status != "succeeded":
        raise RuntimeError(f"a run of the bench ended otherwise than in success: {ended.reason}")


def link_row(task: str, number: int, values: Mapping[str, Any], shape: str) -> dict[str, Any]:
    """The row of a link whose sides show the same, as a run would have left it."""
    base = dump(values)
    return {
        "task": task,
        "left_id": f"n{number}",
        "right_id": f"o{number}",
        "left_values": base,
        "right_values": base,
        "updated_at": _START,
        "run_id": "",
        "shape": shape,
    }


def measure(*, quick: bool = False, sizes: Sequence[int] = SIZES) -> Table:
    """Milliseconds and memory of polls by the number of links, each beside those of the smallest number."""
    table = Table(title=f"Runs by changes, SQLite: nothing changed, and {EDITS} edits")
    headers = (
        "Links",
        "Idle, ms",
        "Ratio",
        "Peak MB",
        "Edits, ms",
        "Ratio",
        "Peak MB",
        "All loaded",
        "Peak MB",
    )
    for header in headers:
        table.add_column(header, justify="right")
    rounds = 1 if quick else ROUNDS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        places = [Place(folder, size) for size in (QUICK if quick else sizes)]
        idle = in_turns(*(place.run for place in places), rounds=2 * rounds + 1)
        edited = _edited(places, rounds)
        for place, seconds, after_edits in zip(places, idle, edited, strict=True):
            quiet = peak(place.run)
            place.edit()
            busy = peak(place.run_after_edits)
            table.add_row(
                f"{place.size:,}",
                *(f"{seconds * 1e3:.1f}", f"{seconds / idle[0]:.2f}", f"{quiet:.2f}"),
                *(f"{after_edits * 1e3:.0f}", f"{after_edits / edited[0]:.2f}", f"{busy:.2f}"),
                *_all_loaded(folder, place),
            )
    return table


def _edited(places: Sequence[Place], rounds: int) -> list[float]:
    """The median seconds of runs after edits; the runs between them see what these wrote."""
    seconds: list[list[float]] = [[] for _ in places]
    for _ in range(rounds):
        for place, times in zip(places, seconds, strict=True):
            place.edit()
            times.extend(in_turns(place.run_after_edits, rounds=1))
            place.run()
    return [median(times) for times in seconds]


def _all_loaded(folder: Path, place: Place) -> tuple[str, str]:
    """How many times as long an idle run takes that loads all links and compares them, and its memory."""
    if place.size > MOST_LOADED:
        return "-", "-"
    loading = Place(folder, place.size, LoadingStore)
    seconds, of_all = in_turns(place.run, loading.run, rounds=3)
    return f"× {of_all / seconds:,.1f}", f"{peak(loading.run):.2f}"


def peak(work: Callable[[], None]) -> float:
    """The most memory in use at once that a run asked for, in MB."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


if __name__ == "__main__":
    Console(width=120).print(measure(sizes=(*SIZES, 1_000_000)))
