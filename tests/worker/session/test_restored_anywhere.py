"""Any sequence of runs, and a copy of the database from between any two of them: whether that is noticed.

The oracle compares the rows of the copy with those that it takes the place of.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select

from bench.fake_sides import Sides
from bench.objects import DeltaTask
from config import get_settings
from tasks import ItemError
from worker.lock import MemoryLockStore, MemorySyncLock
from worker.session.restored import Marks
from worker.session.run import run_session
from worker.store import Store, schema

Rows = dict[str, list[dict[str, Any]]]

#: What a run goes by, besides how far the sides were read.
JUDGED = ("link", "intent", "held", "conflict", "effect", "memory")

DEEDS = ("nothing", "edit", "edit both alike", "edit both", "create", "delete", "refuse", "accept")

#: Which outcomes were met.
met: Counter[str] = Counter()


class Task(DeltaTask):
    """One whose other side may refuse to write."""

    refuses = False

    async def other_update_attrs(self, obj: Any, changes: dict[str, Any]) -> Any:
        if self.refuses:
            raise ItemError("not now")
        return await super().other_update_attrs(obj, changes)


@pytest.fixture(autouse=True)
def _state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LOCKSTEP_STATE_DIR", str(tmp_path / "state"))
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


class World:
    """A task in step, the database that knows of it, and copies of that."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(f"sqlite:///{folder / 'lockstep.db'}")
        self.store.migrate()
        self.lock = MemorySyncLock(MemoryLockStore())
        self.task = Task(Sides(), "any")
        self.task.run_every(hours=1)
        self.task.state_path = folder / "any.json"
        for side in self.task.sides.both:
            for number in range(3):
                side.add(f"Task {number}", number)

    def run(self) -> None:
        asyncio.run(run_session(self.task, store=self.store, lock=self.lock))

    @property
    def notices(self) -> bool:
        """Whether the next run would be a careful one."""
        reached = Marks(self.store, self.lock).reached("any")
        return self.store.runs.restored_at("any", reached) is not None

    def copy(self) -> Rows:
        with self.store.read() as connection:
            return {
                table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
                for table in schema.metadata.tables.values()
            }

    def put_back(self, copy: Rows) -> None:
        with self.store.write() as connection:
            for name, rows in copy.items():
                connection.execute(delete(schema.metadata.tables[name]))
                if rows:
                    connection.execute(insert(schema.metadata.tables[name]), rows)

    def do(self, deed: str, number: int) -> None:
        notion, other = self.task.sides.both
        here, there = list(notion.rows), list(other.rows)
        match deed:
            case "edit" if here:
                notion.edit(here[number % len(here)], {"Notes": f"edit {number}"})
            case "edit both alike" | "edit both" if here and there:
                notion.edit(here[0], {"Notes": f"both {number}"})
                other.edit(there[0], {"Notes": f"both {number}" + (" there" if deed == "edit both" else "")})
            case "create":
                notion.add(f"New {number}", number)
            case "delete" if len(here) > 2:
                notion._drop(here[-1])
            case "refuse" | "accept":
                self.task.refuses = deed == "refuse"

    def close(self) -> None:
        self.lock.close()
        self.store.close()


def judged(copy: Rows) -> Any:
    return [
        [{name: value for name, value in row.items() if name != "cursors"} for row in copy[table]]
        for table in JUDGED
    ]


@settings(max_examples=30, deadline=None)
@given(
    deeds=st.lists(st.sampled_from(DEEDS), min_size=1, max_size=6),
    back=st.integers(0, 5),
    pruned=st.booleans(),
)
@example(deeds=["nothing", "nothing"], back=1, pruned=False)
@example(deeds=["edit", "nothing", "nothing", "nothing"], back=1, pruned=True)
@example(deeds=["nothing", "edit", "nothing", "nothing"], back=2, pruned=False)
@example(deeds=["nothing", "edit", "nothing", "nothing"], back=3, pruned=False)
@example(deeds=["refuse", "edit", "nothing"], back=1, pruned=False)
def test_a_copy_is_noticed_where_it_lacks_what_a_run_goes_by(
    deeds: list[str], back: int, pruned: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        try:
            world.run()
            copies = [world.copy()]
            for number, deed in enumerate(deeds):
                world.do(deed, number)
                world.run()
                copies.append(world.copy())
            copy, last = copies[max(0, len(copies) - 1 - back)], copies[-1]
            if pruned and world.store.file is not None:  # then Redis alone knows
                world.store.file.marks_path.unlink()
            world.put_back(copy)
            lacks = judged(copy) != judged(last)
            assert world.notices == lacks
            met["lacks" if lacks else "only cursors" if copy["memory"] != last["memory"] else "same"] += 1
            met["runs only"] += not lacks and copy["run"] != last["run"]
        finally:
            world.close()


def test_all_of_it_was_met() -> None:
    if met:  # else the one before did not run here
        assert met["lacks"] > 3
        assert met["same"] > 3
        assert met["runs only"] > 1
        assert met["only cursors"] > 0
