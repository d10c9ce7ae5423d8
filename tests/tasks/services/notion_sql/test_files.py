"""Files of a property of Notion and files in a column of bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sandbox.notion import Sandbox
from tasks.errors import TaskDefinitionError
from tests.tasks.services.notion.person import Person
from tests.tasks.services.notion_sql.conftest import Office
from tests.tasks.services.sql.conftest import Place

COLUMNS: dict[str, Any] = {"Name": {"title": {}}, "Scan": {"files": {}}}
BYTES = {"sqlite": "BLOB", "postgresql": "bytea"}


@pytest.fixture
def office(workspace: Sandbox, person: Person, place: Place, tmp_path: Path) -> Office:
    place.run(
        f"CREATE TABLE task (id INTEGER PRIMARY KEY, name TEXT, scan {BYTES[place.kind]}, scan_name TEXT)"
        if place.kind == "sqlite"
        else "CREATE TABLE task (id serial PRIMARY KEY, name TEXT, scan bytea, scan_name TEXT)"
    )
    source = workspace.person("Ada").create_data_source("Scans", COLUMNS)
    options = {"files": {"scan": {"column": "scan_name"}}}
    return Office(person, place, source, tmp_path, {"Name": "name", "Scan": "scan"}, options)


def stored(place: Place) -> dict[str, tuple[str | None, bytes | None]]:
    rows = place.run("SELECT name, scan_name, scan FROM task")
    return {row["name"]: (row["scan_name"], row["scan"] and bytes(row["scan"])) for row in rows}


async def test_files_cross_both_ways_and_do_not_come_back(office: Office, workspace: Sandbox) -> None:
    ada = workspace.person("Ada")
    page = ada.create_page(office.source, {"Name": Person.text("from Notion")})["id"]
    ada.add_file(page, "Scan", "plan.txt", "the plan")
    office.place.run(
        "INSERT INTO task (name, scan, scan_name) VALUES ('from SQL', :data, 'list.txt')", data=b"a list"
    )
    assert await office.sync() == {"left_created": 1, "right_created": 1}
    assert stored(office.place) == {
        "from Notion": ("plan.txt", b"the plan"),
        "from SQL": ("list.txt", b"a list"),
    }
    rows = await office.rows()
    assert [file.name for file in rows["from SQL"]["Scan"]] == ["list.txt"]
    # Other bytes, another name, and none at all.
    office.place.run("UPDATE task SET scan = :data WHERE name = 'from Notion'", data=b"a better plan")
    assert await office.sync() == {"left_updated": 1}
    office.place.run("UPDATE task SET scan_name = 'b.txt' WHERE name = 'from SQL'")
    assert await office.sync() == {"left_updated": 1}
    rows = await office.rows()
    assert [file.name for file in rows["from SQL"]["Scan"]] == ["b.txt"]
    await office.person.edit(rows["from SQL"]["id"], Scan={"files": []})
    assert await office.sync() == {"right_updated": 1}
    assert stored(office.place) == {"from Notion": ("plan.txt", b"a better plan"), "from SQL": (None, None)}


async def test_a_second_file_is_refused_by_name_and_nothing_is_lost(
    office: Office, workspace: Sandbox
) -> None:
    ada = workspace.person("Ada")
    page = ada.create_page(office.source, {"Name": Person.text("two")})["id"]
    ada.add_file(page, "Scan", "one.txt", "1")
    await office.sync()
    ada.add_file(page, "Scan", "two.txt", "2")
    report = await office.run()
    assert "scan holds one file, not 2 (one.txt, two.txt): leave one of them" in report.reason
    assert stored(office.place) == {"two": ("one.txt", b"1")}
    assert [file.name for file in (await office.rows())["two"]["Scan"]] == ["one.txt", "two.txt"]


async def test_bytes_without_a_word_are_refused_with_the_mend(office: Office) -> None:
    office.options = {}
    with pytest.raises(TaskDefinitionError) as caught:
        await office.run()
    assert "'scan' of the table task (opaque) cannot be kept in step: " in str(caught.value)
    mend = 'bytes are a file where files says how it is called, as in files = { scan = "scan.pdf" }'
    assert mend in str(caught.value)
