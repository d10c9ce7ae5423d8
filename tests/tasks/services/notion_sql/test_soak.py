"""People edit a table and its Notion database while connections are lost and answers do not come; nothing is lost.

`LOCKSTEP_SQL_SOAK_SEEDS` is the number of soaks with each database, and `LOCKSTEP_SQL_SOAK_ROUNDS` how long one is.
"""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from sqlalchemy.exc import IntegrityError

from config import get_settings
from sandbox.notion import Sandbox
from tasks.errors import SideError, TaskError
from tasks.services.sql import Table
from tests.tasks.services.notion.conftest import NO_TLS
from tests.tasks.services.notion.person import Person
from tests.tasks.services.notion_sql.conftest import Office, page
from tests.tasks.services.sql.conftest import Place

SEEDS = int(os.environ.get("LOCKSTEP_SQL_SOAK_SEEDS", "1"))
ROUNDS = int(os.environ.get("LOCKSTEP_SQL_SOAK_ROUNDS", "10"))
pytestmark = pytest.mark.timeout(7200)

COLUMNS: dict[str, Any] = {"Name": {"title": {}}, "Notes": {"rich_text": {}}, "Size": {"number": {}}}
MAPPING = {"Name": "name", "Notes": "notes", "Size": "size"}
FIELDS = ("Notes", "Size")
#: What a table may have besides, and what the side is told of it.
SHAPES: list[tuple[str, dict[str, Any]]] = [
    ("token TEXT UNIQUE", {"create_key": "token"}),
    (
        "token TEXT UNIQUE, gone BOOLEAN, v INTEGER NOT NULL DEFAULT 1, seen TIMESTAMP",
        {"create_key": "token", "deleted": "gone", "version": "v", "changed": "seen"},
    ),
]


@dataclass(frozen=True)
class Entry:
    """What somebody typed, or `None` for a deletion, with what the thing showed there before."""

    name: str
    field: str
    value: Any
    saw: dict[str, Any]


class Unsteady(Table):
    """A table with which all goes wrong that can, now and then."""

    happens: Callable[[str], bool]
    somebody: Callable[[], None]

    def open(self) -> None:
        super().open()
        engine = self.database.engine
        dialect: Any = engine.dialect
        commit, connect = dialect.do_commit, dialect.connect

        def unsteady(raw: Any) -> None:
            lost = next((how for how in ("before", "after", "after, for long") if self.happens(how)), None)
            if lost != "before":
                commit(raw)
            if lost is None:
                return
            if dialect.name == "sqlite":
                raise sqlite3.OperationalError("disk I/O error")
            raw.driver_connection.close()
            if lost == "after, for long":
                dialect.connect = refuse
            refuse()

        def refuse(*_args: Any, **_others: Any) -> None:
            dialect.connect = connect
            raise dialect.loaded_dbapi.OperationalError("the connection is lost")

        self._lose = lambda: setattr(dialect, "do_commit", unsteady)
        self._keep = lambda: setattr(dialect, "do_commit", commit)

    def before_write(self) -> None:
        super().before_write()
        if self.happens("somebody is faster"):
            self.somebody()
        self._lose()

    def create(self, key: str, values: dict[str, Any]) -> Any:
        try:
            return super().create(key, values)
        finally:
            self._keep()

    def update(self, obj: Any, changes: dict[str, Any]) -> Any:
        try:
            return super().update(obj, changes)
        finally:
            self._keep()

    def delete(self, obj: Any) -> None:
        try:
            super().delete(obj)
        finally:
            self._keep()

    def list(self) -> Any:
        if self.happens("no listing"):
            raise SideError("the database cannot be used")
        return super().list()


@dataclass
class Town:
    """Both places, people in them, and what they did."""

    office: Office
    rng: Random
    marks: bool
    entries: list[Entry] = field(default_factory=list)
    reached: Counter[str] = field(default_factory=Counter)
    rough: bool = True
    made: int = 0

    # -- what is there ----------------------------------------------------------------------------------------

    def table(self) -> dict[str, dict[str, Any]]:
        alive = "WHERE gone IS NULL OR NOT gone" if self.marks else ""
        rows = self.office.place.run(f"SELECT name, notes, size FROM task {alive}")
        assert len({row["name"] for row in rows}) == len(rows), "something is there twice"
        return {row["name"]: {"Notes": row["notes"] or None, "Size": row["size"]} for row in rows}

    async def notion(self) -> dict[str, dict[str, Any]]:
        side = self.office.rows_side()
        await side.open()
        try:
            side.recall(None, {})
            await side.describe()
            await side.check(MAPPING)
            pages = await side.list()
        finally:
            await side.close()
        assert len({one.title for one in pages}) == len(pages), "something is there twice"
        return {
            one.title: {"id": one.id, "Notes": one.values["Notes"] or None, "Size": one.values["Size"]}
            for one in pages
        }

    # -- people -----------------------------------------------------------------------------------------------

    def fresh(self, name: str) -> Any:
        self.made += 1
        return f"note {self.made}" if name == "Notes" else self.made

    def act_in_table(self) -> None:
        things = self.table()
        what = self.rng.choice(("add", "edit", "edit", "edit", "edit", "delete"))
        if what == "add" or not things:
            values = {name: self.fresh(name) for name in FIELDS}
            name = f"thing {self.made}"
            self.run(
                "INSERT INTO task (name, notes, size) VALUES (:n, :a, :b)",
                n=name,
                a=values["Notes"],
                b=values["Size"],
            )
            self.entries += [Entry(name, one, value, {}) for one, value in values.items()]
            return
        name = self.rng.choice(sorted(things))
        if what == "delete":
            gone = (
                "UPDATE task SET gone = true WHERE name = :n"
                if self.marks
                else "DELETE FROM task WHERE name = :n"
            )
            self.run(gone, n=name)
            self.entries.append(Entry(name, "", None, things[name]))
            return
        one = self.rng.choice(FIELDS)
        value = self.fresh(one)
        self.run(f"UPDATE task SET {one.lower()} = :v WHERE name = :n", v=value, n=name)
        self.entries.append(Entry(name, one, value, things[name]))

    def run(self, statement: str, **values: Any) -> None:
        try:
            self.office.place.run(statement, **values)
        except IntegrityError as error:
            pytest.fail(str(error))

    async def act_in_notion(self) -> None:
        things, person = await self.notion(), self.office.person
        what = self.rng.choice(("add", "edit", "edit", "edit", "edit", "delete"))
        if what == "add" or not things:
            values = {name: self.fresh(name) for name in FIELDS}
            name = f"thing {self.made}"
            await person.make_page(
                self.office.source, **page(name, **{k: typed(k, v) for k, v in values.items()})
            )
            self.entries += [Entry(name, one, value, {}) for one, value in values.items()]
            return
        name = self.rng.choice(sorted(things))
        saw = {one: things[name][one] for one in FIELDS}
        if what == "delete":
            await person.patch_page(things[name]["id"], {"in_trash": True})
            self.entries.append(Entry(name, "", None, saw))
            return
        one = self.rng.choice(FIELDS)
        value = self.fresh(one)
        await person.edit(things[name]["id"], **{one: typed(one, value)})
        self.entries.append(Entry(name, one, value, saw))

    # -- runs -------------------------------------------------------------------------------------------------

    def happens(self, what: str) -> bool:
        odds = {"before": 12, "after": 12, "after, for long": 12, "somebody is faster": 6, "no listing": 8}
        if not self.rough or self.rng.randrange(odds[what]):
            return False
        self.reached[what] += 1
        return True

    async def sync(self) -> None:
        side = Unsteady("task", url=self.office.place.url, **self.office.options)
        side.happens, side.somebody = self.happens, self.act_in_table
        try:
            report = await self.office.run(side, full=self.rng.random() < 0.3)
        except TaskError as error:
            self.reached[type(error).__name__] += 1
            return
        self.reached.update(+report.outcome.counts)

    async def live(self, rounds: int) -> None:
        for _ in range(rounds):
            for _ in range(self.rng.randrange(4)):
                self.act_in_table()
            for _ in range(self.rng.randrange(4)):
                await self.act_in_notion()
            await self.sync()

    async def settle(self) -> None:
        self.rough = False
        for days in range(2, 10, 2):  # by then, what failed is tried again
            report = await self.office.run(full=True, later=timedelta(days=days))
        assert report.status == "succeeded", report.reason
        assert not +report.outcome.counts

    async def judge(self) -> None:
        table, notion = self.table(), await self.notion()
        shown = {name: {one: values[one] for one in FIELDS} for name, values in notion.items()}
        assert table == shown
        ledger = self.office.folder / "tasks.conflicts.jsonl"
        kept = ledger.read_text() if ledger.exists() else ""
        for number, entry in enumerate(self.entries):
            if not entry.field or table.get(entry.name, {}).get(entry.field) == entry.value:
                continue
            seen = any(
                later.name == entry.name
                and later.saw.get(entry.field) == entry.value
                and later.field in ("", entry.field)
                for later in self.entries[number + 1 :]
            )
            told = f'"{entry.value}"' if entry.field == "Notes" else f":{entry.value}"
            assert seen or told in kept, f"{entry} is nowhere"
        for name in {entry.name for entry in self.entries} - table.keys():
            assert any(entry.name == name and not entry.field for entry in self.entries), (
                f"nobody deleted {name}"
            )


def typed(name: str, value: Any) -> dict[str, Any]:
    return {"number": value} if name == "Size" else {"rich_text": [{"text": {"content": value}}]}


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_nothing_is_lost(
    seed: int, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCKSTEP_NOTION_LAG_SECONDS", "0")
    get_settings.cache_clear()
    rng = Random(seed)
    columns, options = SHAPES[(seed + (place.kind == "sqlite")) % len(SHAPES)]
    key = "INTEGER PRIMARY KEY AUTOINCREMENT" if place.kind == "sqlite" else "serial PRIMARY KEY"
    place.run(f"CREATE TABLE task (id {key}, name TEXT NOT NULL, notes TEXT, size INTEGER, {columns})")
    with Sandbox(tmp_path / "notion.db") as sandbox:
        async with httpx.AsyncClient(verify=NO_TLS) as client:
            person = Person(sandbox.url, client)
            source = await person.make_data_source("Things", COLUMNS)
            town = Town(Office(person, place, source, tmp_path, MAPPING, options), rng, "deleted" in options)
            await town.live(ROUNDS)
            await town.settle()
            await town.judge()
    assert town.reached["right_updated"] + town.reached["right_created"] > 0, town.reached
    assert town.reached["left_updated"] + town.reached["left_created"] > 0, town.reached
    assert (
        sum(town.reached[how] for how in ("before", "after", "after, for long", "somebody is faster")) > 0
    ), town.reached
