"""People of a Notion workspace and their mail addresses in a column of a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sandbox.notion import Sandbox
from tasks.errors import TaskDefinitionError
from tests.tasks.services.notion.person import Person
from tests.tasks.services.notion_sql.conftest import Office, page
from tests.tasks.services.sql.conftest import Place

COLUMNS: dict[str, Any] = {"Name": {"title": {}}, "Who": {"people": {}}}


@pytest.fixture
async def office(person: Person, sqlite: Place, tmp_path: Path) -> Office:
    sqlite.run("CREATE TABLE task (id INTEGER PRIMARY KEY, name TEXT NOT NULL, who TEXT)")
    source = await person.make_data_source("Tasks", COLUMNS)
    return Office(person, sqlite, source, tmp_path, {"Name": "name", "Who": "who"}, {})


def user(workspace: Sandbox, name: str) -> str:
    return str(workspace.person(name).request("GET", "users/me")["id"])


def who(office: Office) -> dict[str, str | None]:
    return {row["name"]: row["who"] for row in office.place.run("SELECT name, who FROM task")}


async def test_people_go_by_their_addresses_and_strangers_stay(office: Office, workspace: Sandbox) -> None:
    ada, bob = (user(workspace, name) for name in ("Ada", "Bob"))
    alone = await office.person.make_page(
        office.source, **page("paint", Who={"people": [{"id": ada}, {"id": bob}]})
    )
    office.place.run("INSERT INTO task (name, who) VALUES ('sweep', 'BOB@example.com, stranger@example.org')")
    await office.sync()
    assert who(office) == {
        "paint": "ada@example.com, bob@example.com",
        "sweep": "BOB@example.com, stranger@example.org",
    }
    assert {row: values["Who"] for row, values in (await office.rows()).items()} == {
        "paint": tuple(sorted((ada, bob))),
        "sweep": (bob,),
    }
    await office.person.edit(alone, Who={"people": []})
    sweep = (await office.rows())["sweep"]["id"]
    await office.person.edit(sweep, Who={"people": [{"id": ada}]})
    await office.sync()
    assert who(office) == {"paint": None, "sweep": "stranger@example.org, ada@example.com"}
    office.place.run("UPDATE task SET who = 'bob@example.com' WHERE name = 'sweep'")
    await office.sync()
    assert (await office.rows())["sweep"]["Who"] == (bob,)


async def test_who_may_not_read_users_is_told_and_nothing_is_blanked(
    office: Office, workspace: Sandbox
) -> None:
    refused = {"path": "/v1/users", "status": 403, "times": 99}
    ada = user(workspace, "Ada")
    await office.person.make_page(office.source, **page("paint", Who={"people": [{"id": ada}]}))
    await office.sync()
    await office.person.arrange("POST", "faults", refused)
    later = office.folder / "later"
    later.mkdir()
    fresh = Office(office.person, office.place, office.source, later, office.mapping, {})
    with pytest.raises(TaskDefinitionError, match=r"'Who' of .*can be shown in 'who'"):
        await fresh.run()
    assert who(office) == {"paint": "ada@example.com"}
    assert (await office.rows())["paint"]["Who"] == (ada,)
    await office.sync()  # who was known an hour ago is not asked for again
