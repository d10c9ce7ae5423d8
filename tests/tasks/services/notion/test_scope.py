"""A filter, its short form and a view say which rows a task is about; what leaves them is not deleted."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import httpx
import pytest

from tasks.errors import CursorExpiredError, SideError, TaskDefinitionError
from tasks.journal.state import State
from tasks.journal.state_journal import StateJournal
from tasks.services.notion import SERVICE, DataSource
from tasks.services.notion.source.scope import view_id
from tests.tasks.services.notion.chores import COLUMNS
from tests.tasks.services.notion.person import Person
from tests.tasks.services.notion.plain_service import PlainService, PlainTask
from tests.tasks.services.notion.wired import Wired

NOBODY = "00000000-0000-4000-8000-000000000000"
SMALL = {"property": "Effort", "number": {"less_than": 3}}


@pytest.fixture
async def source(person: Person) -> str:
    return await person.make_data_source("Chores", COLUMNS)


async def make_view(person: Person, source: str, filter: Any) -> dict[str, Any]:
    parent = (await person.send("GET", f"data_sources/{source}"))["parent"]["database_id"]
    body = {"database_id": parent, "data_source_id": source, "type": "table", "name": "Small ones"}
    return await person.send("POST", "views", body | {"filter": filter})


async def make_rows(person: Person, source: str) -> dict[int, str]:
    return {
        effort: await person.make_page(
            source,
            Name=person.text(f"Row {effort}"),
            Effort={"number": effort},
            Done={"checkbox": effort == 1},
        )
        for effort in range(5)
    }


async def efforts(person: Person, source: str, **options: Any) -> list[int]:
    rows = Wired(person.url, source, ["Name", "Effort"], **options)
    await rows.open()
    try:
        await rows.learn()
        return sorted(page.values["Effort"] for page in await rows.list())
    finally:
        await rows.close()


async def test_rows_fulfil_each_of_the_three(person: Person, source: str) -> None:
    await make_rows(person, source)
    view = await make_view(person, source, {"or": [SMALL, {"property": "Effort", "number": {"equals": 4}}]})
    assert await efforts(person, source, filter=SMALL) == [0, 1, 2]
    assert await efforts(person, source, only={"Effort": [1, 4]}) == [1, 4]
    assert await efforts(person, source, view=view["url"]) == [0, 1, 2, 4]
    assert await efforts(person, source, view=view["id"], only={"Done": False}) == [0, 2, 4]
    every = {"filter": SMALL, "only": {"Effort": [0, 2, 4]}, "view": view["id"]}
    assert await efforts(person, source, **every) == [0, 2]
    await person.send("PATCH", f"views/{view['id']}", {"filter": None})
    assert await efforts(person, source, view=view["id"]) == [0, 1, 2, 3, 4]


async def test_a_property_of_the_filter_may_be_renamed(person: Person, source: str) -> None:
    """A synced one goes on under the name of the first run, also in the filter."""
    await make_rows(person, source)
    service, journal = PlainService(), StateJournal(State())
    attrs = {"Name": "key", "Effort": "effort"}

    async def run() -> str:
        task = PlainTask(person.url, source, attrs, service, only={"Effort": [0, 1]})
        return (await task.run(journal)).status

    assert await run() == "succeeded"
    await person.patch_columns(source, {"Effort": {"name": "Hours"}})
    assert await run() == "succeeded"
    assert len(service.items) == 2


@pytest.mark.parametrize("by_changes", [True, False], ids=["by changes", "in full"])
async def test_what_leaves_the_view_is_not_deleted(
    person: Person, source: str, by_changes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if by_changes:
        monkeypatch.setattr("tasks.services.notion.rows.listing.PAGE_SIZE", 1)
    ids = await make_rows(person, source)
    view = await make_view(person, source, SMALL)
    service, journal = PlainService(), StateJournal(State())
    task = PlainTask(person.url, source, {"Name": "key", "Effort": "effort"}, service, view=view["url"])
    task.change_share = 1.0

    async def carried() -> list[int]:
        report = await task.run(journal)
        assert report.status in ("succeeded", "incomplete"), report.reason
        return sorted(item.values["effort"] for item in service.items.values())

    assert await carried() == [0, 1, 2]
    await person.edit(ids[2], Effort={"number": 9})  # a row leaves the view by an edit
    assert await carried() == [0, 1, 2]
    fewer = {"property": "Effort", "number": {"less_than": 2}}
    await person.send("PATCH", f"views/{view['id']}", {"filter": fewer})
    assert await carried() == [0, 1, 2]  # a row leaves it as somebody changed the view
    await person.patch_page(ids[0], {"in_trash": True})
    assert await carried() == [1, 2]  # what is deleted is, though
    await person.send("PATCH", f"views/{view['id']}", {"filter": None})
    assert await carried() == [1, 3, 4, 9]  # all are back, and none was made twice


async def test_a_changed_view_is_another_scope(
    person: Person, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the changes since a listing would be taken for those of rows that it did not hold."""
    monkeypatch.setattr("tasks.services.notion.rows.listing.PAGE_SIZE", 1)
    await make_rows(person, source)
    view = await make_view(person, source, SMALL)
    rows = Wired(person.url, source, ["Name"], view=view["id"])
    await rows.open()
    try:
        await rows.learn()
        listing = await rows.list()
        assert (await rows.changes(listing.cursor)).partial is None
        await person.send("PATCH", f"views/{view['id']}", {"name": "Tiny ones"})
        await rows.learn()
        assert (await rows.changes(listing.cursor)).partial is None
        await person.send("PATCH", f"views/{view['id']}", {"filter": None})
        await rows.learn()
        with pytest.raises(CursorExpiredError):
            await rows.changes(listing.cursor)
    finally:
        await rows.close()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"filter": {"property": "Efort", "number": {"equals": 1}}}, "no property 'Efort'"),
        (
            {"filter": {"property": "Effort", "number": {"contains": 1}}},
            "'contains' is no condition for 'Effort'",
        ),
        ({"only": {"Area": "Moon"}}, "'Area' has no option 'Moon'; it has Home"),
    ],
)
async def test_a_wrong_filter_is_told_before_anything_is_listed(
    person: Person, source: str, options: Any, said: str
) -> None:
    task = PlainTask(person.url, source, {"Name": "key"}, PlainService(), **options)
    with pytest.raises(TaskDefinitionError, match=said):
        await task.run(StateJournal(State()))
    assert [method for method, _ in task.wire.sent] == ["GET"]


async def test_what_only_notion_can_refuse_is_told_as_that(person: Person, source: str) -> None:
    task = PlainTask(
        person.url,
        source,
        {"Name": "key"},
        PlainService(),
        filter={"property": "Effort", "number": {"equals": "x"}},
    )
    with pytest.raises(TaskDefinitionError, match=r"Notion does not take the filter of the task.*number"):
        await task.run(StateJournal(State()))


async def test_a_view_that_is_not_there_or_of_another_data_source(person: Person, source: str) -> None:
    with pytest.raises(SideError, match="does not exist, or the integration may not see it"):
        await efforts(person, source, view=NOBODY)
    other = await person.make_data_source("Other", COLUMNS)
    view = await make_view(person, other, None)
    with pytest.raises(TaskDefinitionError, match="'Small ones' does not show Notion data source 'Chores'"):
        await efforts(person, source, view=view["url"])


@pytest.mark.parametrize(
    "answer", [{"filter": "all"}, {"filter": []}, {"filter": {"and": []}}, {"filter": {"or": [{"and": "x"}]}}]
)
async def test_a_view_that_does_not_say_what_it_shows_stops_the_run(
    person: Person, source: str, answer: Any
) -> None:
    """Taken for no filter, it would carry rows across that nobody meant."""
    view = await make_view(person, source, SMALL)
    rows = Wired(person.url, source, ["Name"], view=view["id"])
    await rows.open()

    async def answered(request: httpx.Request, onwards: Any) -> httpx.Response:
        response = await onwards()
        if "/views/" not in request.url.path:
            return response  # type: ignore[no-any-return]
        return httpx.Response(200, json=json.loads(response.content) | answer)

    rows.wire.happens = answered
    try:
        with pytest.raises(SideError, match="does not say what view 'Small ones' shows"):
            await rows.learn()
    finally:
        await rows.close()


def test_the_address_of_a_view() -> None:
    digits = NOBODY.replace("-", "")
    assert view_id(f"https://app.notion.com/p/{'1' * 32}?v={digits}&pvs=4") == NOBODY
    assert view_id(digits) == view_id(NOBODY) == NOBODY
    for wrong in (f"https://app.notion.com/p/Chores-{digits}", "", "small ones"):
        with pytest.raises(TaskDefinitionError):
            DataSource(NOBODY, view=wrong)


def test_all_three_stand_in_a_table() -> None:
    table = tomllib.loads(
        f"""
        data_source = "{NOBODY}"
        view = "{NOBODY}"
        only = {{ State = ["To do", "Doing"], Done = false }}
        filter = {{ property = "Due", date = {{ on_or_after = 2026-07-01 }} }}
        """
    )
    made = SERVICE.make(SERVICE.table.model_validate(table))
    assert isinstance(made, DataSource)
    assert (made.view, made.only) == (NOBODY, {"State": ["To do", "Doing"], "Done": False})
    assert made.filter is not None
