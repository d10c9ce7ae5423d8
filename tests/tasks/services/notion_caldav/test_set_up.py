"""What a task between Notion and a calendar is set up with."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.errors import SideError, TaskDefinitionError
from tasks.journal.file import FileJournal
from tasks.mapping import usual_pairs
from tasks.services.caldav.todos import TODO
from tasks.sides import End
from tests.tasks.services.notion.person import Person
from tests.tasks.services.notion_caldav.place import ATTR_MAP, Place, page


async def test_columns_are_chosen_by_their_usual_names(place: Place) -> None:
    side = place.rows_side()
    await side.open()
    try:
        side.recall(None, {})
        pairs = usual_pairs(await side.describe(), TODO)
    finally:
        await side.close()
    assert {pair.left: pair.right for pair in pairs} == ATTR_MAP


async def test_a_column_that_is_gone_is_missed(place: Place) -> None:
    await place.sync()
    await place.person.patch_columns(place.source, {"Notes": {"name": "Remarks"}})
    await place.sync()
    await place.person.patch_columns(place.source, {"Remarks": None})
    with pytest.raises(TaskDefinitionError, match=r"no longer has a property 'Notes'"):
        await place.run()


async def test_a_column_that_was_chosen_by_its_name_stays_chosen_when_it_is_renamed(place: Place) -> None:
    await place.make_todo(summary="tea", description="green")
    await place.sync()
    await place.person.patch_columns(place.source, {"Notes": {"name": "Remarks"}, "Link": {"name": "Notes"}})
    await place.edit_todo("tea", description="black")
    await place.sync()
    (row,) = (await place.person.send("POST", f"data_sources/{place.source}/query", {}))["results"]
    assert row["properties"]["Remarks"]["rich_text"][0]["plain_text"] == "black"


@pytest.mark.parametrize(
    ("mapping", "calendar", "error", "message"),
    [
        (None, {"password": "wrong-word"}, SideError, "refused user"),
        ({"Task": "summary", "Deadline": "due"}, {}, TaskDefinitionError, "no attribute 'Deadline'"),
        ({"Task": "summary", "Notes": "colour"}, {}, TaskDefinitionError, "no attribute 'colour'"),
        ({"Task": "summary", "Tags": "due"}, {}, TaskDefinitionError, "cannot be kept in step"),
        (
            {"Notes": "summary"},
            {},
            TaskDefinitionError,
            "title 'Task' of Notion data source 'To-dos' must be mapped to 'summary'",
        ),
        (
            {"Task": "summary", "Status": {"to": "status", "values": {"Later": "needs action"}}},
            {},
            TaskDefinitionError,
            "no option 'Later'",
        ),
    ],
)
async def test_a_wrong_set_up_writes_nothing(
    place: Place,
    mapping: dict[str, Any] | None,
    calendar: dict[str, Any],
    error: type[Exception],
    message: str,
) -> None:
    await place.make_todo(summary="tea")
    with pytest.raises(error, match=message) as caught:
        await place.run(mapping, **calendar)
    assert "wrong-word" not in str(caught.value)
    assert await place.rows() == {}


async def test_a_status_needs_an_option_for_open_and_for_done(place: Place) -> None:
    options = [{"name": "Now"}, {"name": "Someday"}]
    await place.person.patch_columns(place.source, {"When": {"select": {"options": options}}})
    mapping = {"Task": "summary", "When": {"to": "status", "values": {"Now": "needs action"}}}
    with pytest.raises(TaskDefinitionError, match=r"no option .* stands for done"):
        await place.run(mapping)


async def test_the_login_comes_from_the_environment_of_the_run(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place.make_todo(summary="tea")
    task = place.task(username=None, password=None)
    monkeypatch.setenv("CALDAV_USERNAME", place.radicale.username)
    monkeypatch.setenv("CALDAV_PASSWORD", place.radicale.password)
    report = await task.run(FileJournal(place.folder / "todos.json"))
    assert report.status == "succeeded"
    assert place.radicale.password not in f"{task!r} {vars(task)} {vars(task.sides[End.RIGHT])}"


async def test_both_sides_say_title_and_address(place: Place) -> None:
    page_id = await place.person.make_page(place.source, **page("Buy milk"))
    todo = await place.make_todo(summary="Water the plants")
    plan = (await place.run()).plan
    names = {action.name.title: action.name.address for action in plan.actions}
    assert names == {"Buy milk": (await place.person.page(page_id))["url"], "Water the plants": todo.href}
    assert todo.href.startswith(place.calendar_url)
    assert place.radicale.password not in todo.href
    await place.delete_todo("Water the plants")
    await place.person.edit(page_id, Task=Person.text("Buy oat milk"))
    named = {(type(action).__name__, action.name.title) for action in (await place.run()).plan.actions}
    assert named == {("Update", "Buy oat milk"), ("Delete", "Water the plants")}
