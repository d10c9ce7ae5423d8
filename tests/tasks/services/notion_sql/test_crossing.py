"""Rows of a table and rows of a data source, kept in step."""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from config import get_settings
from tasks.journal.file import FileJournal
from tasks.tables import declare
from tests.tasks.services.notion.person import Person
from tests.tasks.services.notion_sql.conftest import Office, page
from tests.tasks.services.sql.conftest import Place

COLUMNS: dict[str, Any] = {
    "Name": {"title": {}},
    "Notes": {"rich_text": {}},
    "Price": {"number": {}},
    "Due": {"date": {}},
    "Seen": {"date": {}},
    "Done": {"checkbox": {}},
    "State": {"select": {"options": [{"name": "new"}, {"name": "sent"}]}},
    "Tags": {"multi_select": {"options": []}},
}
TASK = {
    "sqlite": "CREATE TABLE task (id INTEGER PRIMARY KEY, name TEXT NOT NULL, notes TEXT, price NUMERIC(10,2), "
    "due DATE, seen DATETIME, done BOOLEAN NOT NULL, state TEXT, tags TEXT)",
    "postgresql": "CREATE TABLE task (id serial PRIMARY KEY, name text NOT NULL, notes text, price numeric(10,2), "
    "due date, seen timestamptz, done boolean NOT NULL, state state, tags text[])",
}
MAPPING = {name: name.lower() for name in COLUMNS}


@pytest.fixture
async def office(person: Person, place: Place, tmp_path: Path) -> Office:
    if place.kind == "postgresql":
        place.run("CREATE TYPE state AS ENUM ('new', 'sent')")
    place.run(TASK[place.kind])
    return Office(person, place, await person.make_data_source("Tasks", COLUMNS), tmp_path, MAPPING, {})


def names(place: Place) -> set[str]:
    return {row["name"] for row in place.run("SELECT name FROM task")}


async def test_rows_cross_with_all_their_values(office: Office) -> None:
    await office.person.make_page(
        office.source,
        **page(
            "from Notion",
            Notes={"rich_text": [{"text": {"content": "two\nlines"}}]},
            Price={"number": 2.5},
            Due={"date": {"start": "2026-07-04"}},
            Seen={"date": {"start": "2026-07-04T09:30:00+02:00"}},
            Done={"checkbox": True},
            State={"select": {"name": "sent"}},
            Tags={"multi_select": [{"name": "b"}, {"name": "a"}]},
        ),
    )
    tags, seen = (
        ("'{y,x}'", "'2026-07-04 07:30+00'") if office.place.kind == "postgresql" else ("'y, x'",) * 2
    )
    seen = "'2026-07-04 07:30:00'" if office.place.kind == "sqlite" else seen
    office.place.run(
        "INSERT INTO task (name, notes, price, due, seen, done, state, tags) "
        f"VALUES ('from SQL', 'note', 0.10, '2026-07-05', {seen}, false, 'new', {tags})"
    )
    assert await office.sync() == {"left_created": 1, "right_created": 1}
    (made,) = office.place.run("SELECT * FROM task WHERE name = 'from Notion'")
    assert (made["notes"], float(made["price"]), made["done"]) == ("two\nlines", 2.5, True)
    assert (str(made["due"]), made["state"]) == ("2026-07-04", "sent")
    assert str(made["seen"]).startswith("2026-07-04 07:30:00")
    assert made["tags"] in (["a", "b"], "a, b")
    row = (await office.rows())["from SQL"]
    del row["id"]
    assert row == {
        "Name": "from SQL", "Notes": "note", "Price": 0.1, "Due": date(2026, 7, 5), "Done": False, "State": "new",
        "Seen": datetime(2026, 7, 4, 7, 30, tzinfo=UTC), "Tags": ("x", "y"),
    }  # fmt: skip


async def test_edits_conflicts_and_deletions_cross(office: Office) -> None:
    for number in range(6):
        office.place.run(f"INSERT INTO task (name, price, done) VALUES ('row {number}', {number}, false)")
    await office.sync()
    rows = await office.rows()
    assert rows.keys() == {f"row {number}" for number in range(6)}
    await office.person.edit(rows["row 0"]["id"], Done={"checkbox": True}, Price={"number": 1.25})
    office.place.run("UPDATE task SET price = 7.77, notes = 'edited' WHERE name = 'row 1'")
    await office.person.edit(rows["row 2"]["id"], Name=Person.text("of Notion"))
    office.place.run("UPDATE task SET name = 'of SQL' WHERE name = 'row 2'")
    await office.person.patch_page(rows["row 3"]["id"], {"in_trash": True})
    office.place.run("DELETE FROM task WHERE name = 'row 4'")
    assert await office.sync(conflict_mode="notion") == {
        "right_updated": 2, "left_updated": 1, "right_deleted": 1, "left_deleted": 1,
    }  # fmt: skip
    rows = await office.rows()
    assert rows.keys() == names(office.place) == {"row 0", "row 1", "of Notion", "row 5"}
    assert (rows["row 1"]["Price"], rows["row 1"]["Notes"]) == (7.77, "edited")
    (zero,) = office.place.run("SELECT price, done FROM task WHERE name = 'row 0'")
    assert (Decimal(str(zero["price"])), zero["done"]) == (Decimal("1.25"), True)


async def test_what_a_table_shows_more_coarsely_is_not_carried_back(
    person: Person, postgresql: Place, tmp_path: Path
) -> None:
    postgresql.run(
        "CREATE TABLE task (id serial PRIMARY KEY, name char(9), price numeric(8,2), seen timestamptz(0))"
    )
    source = await person.make_data_source("Tasks", COLUMNS)
    mapping = {"Name": "name", "Price": "price", "Seen": "seen"}
    office = Office(person, postgresql, source, tmp_path, mapping, {})
    day = {"date": {"start": "2026-07-04"}}
    await person.make_page(source, **page("tea", Price={"number": 1.239}, Seen=day))
    report = await office.run()
    assert "Price is kept otherwise than written" in report.reason
    assert "keeps one as its midnight in UTC" in " ".join(report.plan.told)
    assert not +(await office.run()).outcome.counts
    assert postgresql.run("SELECT name::text, price::text FROM task") == [{"name": "tea", "price": "1.24"}]
    postgresql.run("UPDATE task SET name = 'milk'")
    assert await office.sync() == {"left_updated": 1}
    row = (await office.rows())["milk"]
    assert (row["Price"], row["Seen"]) == (1.239, date(2026, 7, 4)), (
        "what nobody edited stays as it was typed"
    )
    postgresql.run("UPDATE task SET price = 2")
    await person.edit(row["id"], Seen={"date": {"start": "2026-07-05"}})
    report = await office.run()
    assert +report.outcome.counts == {"left_updated": 1, "right_updated": 1}
    assert not +(await office.run()).outcome.counts
    assert (await office.rows())["milk"]["Price"] == 2
    assert postgresql.run("SELECT seen AT TIME ZONE 'UTC' AS seen FROM task") == [
        {"seen": datetime(2026, 7, 5)}
    ]


async def test_what_the_database_refuses_holds_only_itself(office: Office) -> None:
    office.place.run("CREATE UNIQUE INDEX names ON task (name)")
    for name in ("a", "b"):
        office.place.run("INSERT INTO task (name, done) VALUES (:name, false)", name=name)
    await office.sync()
    rows = await office.rows()
    await office.person.edit(rows["b"]["id"], Name=Person.text("a"), Price={"number": 5})
    await office.person.make_page(office.source, **page("c"))
    report = await office.run()
    assert "name" in report.reason
    assert names(office.place) == {"a", "b", "c"}
    (kept,) = office.place.run("SELECT price FROM task WHERE name = 'b'")
    assert kept["price"] == 5, "what was edited besides goes across"


async def test_what_leaves_the_filter_is_not_deleted(office: Office) -> None:
    office.options |= {"where": {"state": "new"}}
    for name, state in (("a", "new"), ("b", "new"), ("c", "sent")):
        office.place.run(f"INSERT INTO task (name, done, state) VALUES ('{name}', false, '{state}')")
    await office.sync()
    assert (await office.rows()).keys() == {"a", "b"}
    office.place.run("UPDATE task SET state = 'sent' WHERE name = 'a'")
    await office.person.make_page(office.source, **page("d"))
    for _ in range(2):
        assert (await office.run(full=True)).status == "succeeded"
    assert (await office.rows()).keys() == {"a", "b", "d"}
    assert office.place.run("SELECT state FROM task WHERE name = 'd'") == [{"state": "new"}]


async def test_a_table_of_the_configuration_is_synced(
    office: Office, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SQL_URL", office.place.url)
    monkeypatch.setenv("NOTION_TOKEN", "ntn_test")
    monkeypatch.setenv("NOTION_BASE_URL", office.person.url)
    get_settings.cache_clear()
    toml = f"""
        [[sync]]
        name = "from a file"
        every = "5m"
        [sync.notion]
        data_source = "{office.source}"
        [sync.sql]
        table = "task"
        where = {{ done = false }}
        """
    (task,) = declare(tomllib.loads(toml)["sync"])  # without a map: what means the same goes together
    office.place.run("INSERT INTO task (name, notes, done) VALUES ('a', 'x', false), ('b', 'y', true)")
    report = await task.run(FileJournal(tmp_path / "file.json"))
    assert report.status == "succeeded", report.reason
    rows = await office.rows()
    assert rows.keys() == {"a"}


async def test_an_idle_run_reads_no_rows(person: Person, postgresql: Place, tmp_path: Path) -> None:
    postgresql.run("CREATE TABLE task (id serial PRIMARY KEY, name text)")
    postgresql.run("INSERT INTO task (name) SELECT 'row ' || n FROM generate_series(1, 30) n")
    source = await person.make_data_source("Tasks", {"Name": {"title": {}}})
    office = Office(person, postgresql, source, tmp_path, {"Name": "name"}, {})
    await office.sync()
    reads: list[int] = []
    side = postgresql.side()
    changes = side.changes

    def counted(cursor: Any) -> Any:
        told = changes(cursor)
        reads.append(len(told.changed))
        return told

    monkeypatch = pytest.MonkeyPatch()
    with monkeypatch.context() as patch:
        patch.setattr(side, "changes", counted)
        patch.setattr(side, "list", lambda: pytest.fail("the whole table is read"))
        await office.run(side)
        postgresql.run("DELETE FROM task WHERE id = 7")
        postgresql.run("UPDATE task SET name = 'other' WHERE id = 8")
        report = await office.run(side)
    assert reads == [0, 1]
    assert +report.outcome.counts == {"left_deleted": 1, "left_updated": 1}
