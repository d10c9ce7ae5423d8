"""The engine beside Ultimate Notion's `SyncTask`: same invented services, same latency of every call."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

from rich import box
from rich.table import Table

from bench.fake_sides import (
    ATTRIBUTES,
    LATENCY,
    Contests,
    FakeService,
    Methods,
    Result,
    Row,
    Sides,
    scenarios,
)
from bench.ultimate import Rival, UnavailableError
from tasks import Changes, Listing, SyncTask

ROUNDS = 3
Make = Callable[[Sides], Callable[[], None]]


class SameTask(Methods, SyncTask):
    """The very methods that the rival has too: plain functions, one write per attribute."""

    def __init__(self, sides: Sides, name: str) -> None:
        super().__init__(name, ATTRIBUTES)
        self.sides = sides


class BatchedTask(SameTask):
    """Coroutines, and one write per object."""

    async def get_notion_objects(self) -> Any:
        return await self.sides.notion.alisting()

    async def get_other_objects(self) -> Any:
        return await self.sides.other.alisting()

    async def notion_update_attrs(self, obj: Row, changes: dict[str, Any]) -> Row:
        return await self.sides.notion.aupdate(obj.id, changes)

    async def other_update_attrs(self, obj: Row, changes: dict[str, Any]) -> Row:
        return await self.sides.other.aupdate(obj.id, changes)

    async def notion_create_obj(self, **kwargs: Any) -> Row:
        return await self.sides.notion.acreate(kwargs)

    async def other_create_obj(self, **kwargs: Any) -> Row:
        return await self.sides.other.acreate(kwargs)

    async def notion_delete_obj(self, obj: Row) -> None:
        await self.sides.notion.adelete(obj.id)

    async def other_delete_obj(self, obj: Row) -> None:
        await self.sides.other.adelete(obj.id)


class DeltaTask(BatchedTask):
    """Listings of changes as well."""

    async def get_notion_objects(self) -> Any:
        cursor = len(self.sides.notion.log)
        return Listing(await self.sides.notion.alisting(), cursor=cursor)

    async def get_other_objects(self) -> Any:
        cursor = len(self.sides.other.log)
        return Listing(await self.sides.other.alisting(), cursor=cursor)

    async def notion_changes(self, cursor: int) -> Changes:
        changed, deleted, after = await self.sides.notion.achanges(cursor)
        return Changes(changed, deleted, after)

    async def other_changes(self, cursor: int) -> Changes:
        changed, deleted, after = await self.sides.other.achanges(cursor)
        return Changes(changed, deleted, after)

    async def notion_get_obj(self, obj_id: str) -> Row | None:
        return await self.sides.notion.aget(obj_id)

    async def other_get_obj(self, obj_id: str) -> Row | None:
        return await self.sides.other.aget(obj_id)


def in_memory(task: SameTask, folder: Path) -> Callable[[], None]:
    """Runs that forget everything when the process ends."""
    from tasks.journal.state import State
    from tasks.journal.state_journal import StateJournal

    journal = StateJournal(State())
    return lambda: _check(asyncio.run(task.run(journal)))


def in_file(task: SameTask, folder: Path) -> Callable[[], None]:
    """Runs without a database, each change on the disk before the next step."""
    from tasks.local import run_once

    task.state_path = folder / f"{task.name}.json"
    return lambda: _check(asyncio.run(run_once(task)))


def in_sql(task: SameTask, folder: Path) -> Callable[[], None]:
    """Runs as a worker carries them out: lock, history, journal and before-images in SQLite, fully synced.

    Another task has run before: SQLAlchemy puts each statement into words once, at its first use in a process.
    """
    from worker.lock import MemoryLockStore, MemorySyncLock
    from worker.session.run import run_session
    from worker.store import Store
    from worker.store.forgetting import forget

    database = folder / f"{task.name}.db"
    shutil.copyfile(_empty_database(folder), database)
    store = Store(f"sqlite:///{database}")
    lock = MemorySyncLock(MemoryLockStore())

    def run(task: SyncTask) -> None:
        _check(asyncio.run(run_session(task, store=store, lock=lock)))

    before = type(task)(others(), f"{task.name}-before")
    for one in (before, task):
        one.run_every(hours=1)
        one.state_path = folder / f"{one.name}.json"
    run(before)
    forget(store, before.name, store.runs.last_fence(before.name))  # else the task may be that one, renamed
    return lambda: run(task)


@cache
def _empty_database(folder: Path) -> Path:
    """A database with its tables: to make them takes as long as many runs."""
    from worker.store import Store

    path = folder / "empty.db"
    store = Store(f"sqlite:///{path}")
    store.migrate()
    store.close()
    return path


def others() -> Sides:
    """Services with objects that no other has: one on both sides, and one on either."""
    notion, other = (FakeService(letter, side.names) for letter, side in zip("pq", Sides().both, strict=True))
    for number, title in enumerate(("Both", "One")):
        notion.add(title, number)
        other.add(title if title == "Both" else "Other", number)
    return Sides(notion, other)


def _check(report: Any) -> None:
    if report.status != "succeeded":
        raise RuntimeError(f"a run of the bench ended otherwise than in success: {report.reason}")


@dataclass(frozen=True)
class Candidate:
    """A task and where its runs are kept."""

    title: str
    task: type[SameTask]
    keep: Callable[[SameTask, Path], Callable[[], None]]


CANDIDATES = (
    Candidate("same methods, file", SameTask, in_file),
    Candidate("batched, in memory", BatchedTask, in_memory),
    Candidate("batched, file", BatchedTask, in_file),
    Candidate("batched, SQLite", BatchedTask, in_sql),
    Candidate("batched, changes only, SQLite", DeltaTask, in_sql),
)
KINDS = {"list": "lists", "get": "gets", "create": "creates", "update": "updates", "delete": "deletes"}


def measure(*, quick: bool = False) -> Table:
    """All scenarios with all candidates, in turns."""
    sizes = {"small": 20, "large": 60, "edits": 6} if quick else {}
    rounds = 1 if quick else ROUNDS
    latency = 0.0 if quick else LATENCY
    table = Table(
        title=f"Runs between two services that take {latency * 1e3:.0f} ms for each call",
        title_justify="left",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
    )
    for header in ("", "Calls", "ms", "Ratio", "Doubles", "Lost", "Again"):
        table.add_column(header, justify="left" if header in ("", "Calls") else "right", no_wrap=True)
    with _candidates(table, quick=quick) as candidates:
        for name, scenario in scenarios(**sizes).items():
            ask = {"scenario": name, "sizes": sizes, "latency": latency}
            results = [[measured(**ask) for measured in candidates.values()] for _ in range(rounds)]
            table.add_row(f"[bold]{scenario.title}")
            base = None
            for title, of_one in zip(candidates, zip(*results, strict=True), strict=True):
                seconds = median(result.seconds for result in of_one)
                base = seconds if title == RIVAL else base
                table.add_row(f"  {title}", *_cells(of_one[-1], seconds, base))
    return table


def _cells(result: Result, seconds: float, base: float | None) -> tuple[str, ...]:
    calls = ", ".join(f"{result.calls[kind]:,} {KINDS[kind]}" for kind in KINDS if result.calls.get(kind))
    ratio = f"{seconds / base:.2f}" if base else "-"
    doubles = str(result.extra) + ("" if result.equal else ", unequal")
    return calls, f"{seconds * 1e3:,.0f}", ratio, doubles, str(result.lost), str(result.writes_again)


RIVAL = "ultimate-notion"


@contextmanager
def _candidates(table: Table, *, quick: bool) -> Iterator[dict[str, Callable[..., Result]]]:
    """What measures, by title; the rival first, where it can be had."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        found: dict[str, Callable[..., Result]] = {}
        try:
            rival = stack.enter_context(Rival("bench.ultimate.objects", may_install=not quick))
        except UnavailableError as error:
            table.caption = f"Without {RIVAL}: {error}."
        else:
            found[RIVAL] = lambda **ask: Result(**rival.ask(**ask))
        for number, candidate in enumerate(CANDIDATES):
            found[candidate.title] = _measurer(candidate, folder / str(number))
        yield found


def _measurer(candidate: Candidate, folder: Path) -> Callable[..., Result]:
    folder.mkdir()
    numbers = count()

    def make(sides: Sides) -> Callable[[], None]:
        return candidate.keep(candidate.task(sides, f"bench-{next(numbers)}"), folder)

    contests = Contests(make)

    def measured(*, scenario: str, sizes: dict[str, int], latency: float) -> Result:
        return contests.measure(scenarios(**sizes)[scenario], latency)

    return measured
