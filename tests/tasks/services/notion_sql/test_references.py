"""Relations and foreign keys: between Notion and a database, and between two data sources, each by two tasks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from tasks.errors import TaskDefinitionError
from tasks.journal.file import FileJournal
from tasks.scheduled import all_tasks
from tasks.services.notion import DataSource, LocalThrottle
from tasks.services.sql import Table
from tasks.sides import Kind, Side
from tasks.two_way import TwoWay
from tests.tasks.services.notion.person import Person
from tests.tasks.services.sql.conftest import Place

SCHEMA = (
    "CREATE TABLE project (id INTEGER PRIMARY KEY, name TEXT NOT NULL)",
    "CREATE TABLE task (id INTEGER PRIMARY KEY, name TEXT NOT NULL, "
    "project_id INTEGER REFERENCES project (id) ON DELETE SET NULL, parent_id INTEGER REFERENCES task (id))",
)


def make(place: Place) -> None:
    for statement in SCHEMA:
        place.run(statement)


class Firm:
    """Projects and tasks on two sides, and the two syncs between them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tasks: list[TwoWay] = []

    def sync(self, name: str, left: Side, right: Side, mapping: dict[str, Any]) -> TwoWay:
        made = TwoWay(name, left, right, mapping).run_once()
        made.schedule()
        self.tasks.append(made)
        return made

    async def run(self, task: TwoWay) -> dict[str, int]:
        report = await task.run(FileJournal(self.folder / f"{task.name}.json"))
        assert (report.status, report.reason) == ("succeeded", "")
        return dict(+report.outcome.counts)


@pytest.fixture
def firm(tmp_path: Path) -> Iterator[Firm]:
    made = Firm(tmp_path)
    yield made
    for task in made.tasks:
        all_tasks.discard(task)


def rows_of(person: Person, source: str) -> DataSource:
    return DataSource(
        source, token=SecretStr("ntn_test"), base_url=person.url, throttle=LocalThrottle(1000, 1000)
    )


async def two_data_sources(person: Person) -> tuple[str, str]:
    projects = await person.make_data_source("Projects", {"Name": {"title": {}}})
    relation = {"data_source_id": projects, "type": "single_property", "single_property": {}}
    tasks = await person.make_data_source("Tasks", {"Name": {"title": {}}, "Project": {"relation": relation}})
    relation = {"data_source_id": tasks, "type": "single_property", "single_property": {}}
    await person.patch_columns(tasks, {"Parent item": {"relation": relation}})
    return projects, tasks


async def related(person: Person, page_id: str, column: str) -> list[str]:
    page = await person.page(page_id)
    return [one["id"] for one in page["properties"][column]["relation"]]


async def test_foreign_keys_and_relations_go_both_ways(person: Person, sqlite: Place, firm: Firm) -> None:
    make(sqlite)
    projects, tasks = await two_data_sources(person)
    first = firm.sync(
        "projects", rows_of(person, projects), Table("project", url=sqlite.url), {"Name": "name"}
    )
    table = Table("task", url=sqlite.url, references=["project_id", "parent_id"])
    mapping: dict[str, Any] = {
        "Name": "name",
        "Project": {"to": "project_id", "links": "projects"},
        "Parent item": "parent_id",
    }
    second = firm.sync("tasks", rows_of(person, tasks), table, mapping)
    house = await person.make_page(projects, Name=Person.text("house"))
    paint = await person.make_page(tasks, Name=Person.text("paint"), Project={"relation": [{"id": house}]})
    brush = await person.make_page(
        tasks, Name=Person.text("buy a brush"), **{"Parent item": {"relation": [{"id": paint}]}}
    )
    assert await firm.run(second) == {"right_created": 2}
    joined = "SELECT t.name, p.name AS parent FROM task t JOIN task p ON p.id = t.parent_id"
    assert sqlite.run(joined) == [{"name": "buy a brush", "parent": "paint"}]
    assert await firm.run(first) == {"right_created": 1}
    assert await firm.run(second) == {"right_updated": 1}
    joined = "SELECT t.name, p.name AS project FROM task t JOIN project p ON p.id = t.project_id"
    assert sqlite.run(joined) == [{"name": "paint", "project": "house"}]

    sqlite.run("UPDATE task SET project_id = (SELECT id FROM project) WHERE name = 'buy a brush'")
    assert await firm.run(second) == {"left_updated": 1}
    assert await related(person, brush, "Project") == [house]

    # The database empties the keys of a project that is deleted, which is nobody's edit.
    sqlite.run("UPDATE task SET project_id = NULL")
    sqlite.run("DELETE FROM project")
    counts = await firm.run(second)
    assert not {"left_updated", "right_updated"} & counts.keys()
    assert await related(person, brush, "Project") == [house]
    assert await firm.run(first) == {"left_deleted": 1}
    for _ in range(2):
        counts = await firm.run(second)
        assert not {"left_updated", "right_updated"} & counts.keys()
    assert await firm.run(second) == {}


async def test_two_data_sources_with_relations(person: Person, firm: Firm) -> None:
    here, there = await two_data_sources(person), await two_data_sources(person)
    first = firm.sync("projects", rows_of(person, there[0]), rows_of(person, here[0]), {"Name": "Name"})
    mapping: dict[str, Any] = {
        "Name": "Name",
        "Project": {"to": "Project", "links": "projects"},
        "Parent item": "Parent item",
    }
    second = firm.sync("tasks", rows_of(person, here[1]), rows_of(person, there[1]), mapping)
    rooms = [await person.make_page(here[0], Name=Person.text(f"room {n}")) for n in range(30)]
    paint = await person.make_page(
        here[1], Name=Person.text("paint"), Project={"relation": [{"id": one} for one in rooms]}
    )
    assert await firm.run(first) == {"left_created": 30}
    assert await firm.run(second) == {"right_created": 1}
    assert await firm.run(second) == {}
    side = rows_of(person, there[1])
    await side.open()
    try:
        await side.describe()
        await side.check(["Name", "Project"])
        (copy,) = await side.list()
    finally:
        await side.close()
    assert len(copy.values["Project"]) == 30
    assert not set(copy.values["Project"]) & set(rooms)

    await person.edit(copy.id, Project={"relation": [{"id": copy.values["Project"][0]}]})
    assert await firm.run(second) == {"left_updated": 1}
    assert len(await related(person, paint, "Project")) == 1
    wrong = TwoWay("wrong", rows_of(person, here[1]), rows_of(person, there[1]), mapping)
    mapping["Project"]["links"] = "tasks"
    wrong = TwoWay("wrong", rows_of(person, here[1]), rows_of(person, there[1]), mapping)
    with pytest.raises(TaskDefinitionError, match="has to be the sync that links what 'Project' of"):
        await wrong.run(FileJournal(firm.folder / "wrong.json"))


def test_a_column_that_refers_is_described_so(sqlite: Place) -> None:
    make(sqlite)
    side = Table("task", url=sqlite.url, references=["project_id", "parent_id"])
    side.open()
    try:
        found = side.describe()
    finally:
        side.close()
    assert (found["project_id"].kind, found["project_id"].single) == (Kind.REFERENCE, True)
    assert (found["project_id"].refers_to, found["parent_id"].refers_to) == (("project",), ())
    for wrong, why in (("nothing", "does not have"), ("name", None)):
        side = Table("task", url=sqlite.url, references=[wrong])
        side.open()
        try:
            if why is None:
                assert side.describe()["name"].kind is Kind.REFERENCE  # a text may be a key
            else:
                with pytest.raises(TaskDefinitionError, match=why):
                    side.describe()
        finally:
            side.close()
