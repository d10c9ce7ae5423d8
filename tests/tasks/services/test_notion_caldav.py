"""The ready task between a local Notion workspace and a real radicale."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr

from tasks.engine.report import RunReport
from tasks.errors import SideError, StateError, TaskDefinitionError
from tasks.journal.file import FileJournal
from tasks.merge import Skip
from tasks.notion_caldav import NotionCalDAV
from tasks.services.caldav import CalDAVClient, Todo, TodoCalendar
from tasks.services.caldav.radicale_server import RadicaleServer
from tasks.services.notion.throttle import LocalThrottle
from tests.tasks.services.notion.person import Person

COLUMNS: dict[str, Any] = {
    "Task": {"title": {}},
    "Notes": {"rich_text": {}},
    "Due": {"date": {}},
    "Status": {"status": {}},
    "Priority": {"select": {"options": [{"name": "High"}, {"name": "Medium"}, {"name": "Low"}]}},
    "Tags": {"multi_select": {"options": []}},
    "Link": {"url": {}},
}
ATTR_MAP = {
    "Task": "summary",
    "Notes": "description",
    "Due": "due",
    "Status": "status",
    "Priority": "priority",
    "Tags": "categories",
    "Link": "url",
}


@pytest.fixture(scope="module")
def radicale() -> Iterator[RadicaleServer]:
    with RadicaleServer() as server:
        yield server


@pytest.fixture
async def person(tmp_path: Path) -> AsyncIterator[Person]:
    from sandbox.notion import Sandbox

    with Sandbox(tmp_path / "notion.db") as sandbox:
        async with httpx.AsyncClient() as client:
            yield Person(sandbox.url, client)


@dataclass
class Place:
    """One data source, one calendar, and the task between them."""

    person: Person
    radicale: RadicaleServer
    source: str
    calendar_url: str
    folder: Path

    def task(self, **changes: Any) -> NotionCalDAV:
        arguments = {
            "data_source": self.source,
            "calendar_url": self.calendar_url,
            "username": self.radicale.username,
            "password": self.radicale.password,
            "token": "ntn_test",
            "base_url": self.person.url,
            "throttle": LocalThrottle(1000, 1000),
            **changes,
        }
        return NotionCalDAV("todos", **arguments)

    async def run(self, **changes: Any) -> RunReport:
        return await self.task(**changes).run(FileJournal(self.folder / "todos.json"))

    async def sync(self, *, odd: str = "", **changes: Any) -> dict[str, int]:
        """Run twice: the first does the work, the second must find none left but what cannot be read."""
        for_both = "incomplete" if odd else "succeeded"
        report = await self.run(**changes)
        assert report.status == for_both
        assert odd in report.reason if odd else report.reason == ""
        again = await self.run(**changes)
        assert again.status == for_both
        assert not +again.outcome.counts
        return dict(report.outcome.counts)

    async def todos(self) -> dict[str, Todo]:
        async with self.client() as client:
            listing = await TodoCalendar(client).read_all()
        return {todo.values["summary"]: todo for todo in listing}

    def client(self) -> CalDAVClient:
        return CalDAVClient(self.calendar_url, self.radicale.username, SecretStr(self.radicale.password))

    def put(self, href: str, text: str) -> None:
        """What another app does."""
        with self.radicale.http() as http:
            http.put(
                href, content=text.encode(), headers={"Content-Type": "text/calendar"}
            ).raise_for_status()

    async def add_lines(self, summary: str, *lines: str) -> Todo:
        """Lines of another app in a to-do."""
        todo = (await self.todos())[summary]
        self.put(todo.href, todo.text.replace("END:VTODO", "\r\n".join([*lines, "END:VTODO"])))
        return (await self.todos())[summary]

    async def make_todo(self, **values: Any) -> Todo:
        async with self.client() as client:
            return await TodoCalendar(client).create(str(uuid4()), values)

    async def edit_todo(self, summary: str, /, **changes: Any) -> None:
        todo = (await self.todos())[summary]
        async with self.client() as client:
            await TodoCalendar(client).update(todo, changes)

    async def delete_todo(self, summary: str) -> None:
        todo = (await self.todos())[summary]
        async with self.client() as client:
            await TodoCalendar(client).delete(todo)

    async def rows(self) -> dict[str, dict[str, Any]]:
        task = self.task(attr_map=ATTR_MAP)
        await task.open()
        try:
            await task.check()
            return {page.title: {"id": page.id, **page.values} for page in await task.get_notion_objects()}
        finally:
            await task.close()


@pytest.fixture
async def place(person: Person, radicale: RadicaleServer, tmp_path: Path) -> Place:
    source = await person.make_data_source("To-dos", COLUMNS)
    calendar_url = radicale.make_calendar(f"todos-{uuid4().hex[:8]}")
    return Place(person, radicale, source, calendar_url, tmp_path)


def page(title: str, **others: Any) -> dict[str, Any]:
    return {"Task": Person.text(title), **others}


async def test_rows_and_todos_cross_with_all_their_values(place: Place) -> None:
    await place.person.make_page(
        place.source,
        **page(
            "from Notion",
            Notes={"rich_text": [{"text": {"content": "two\nlines"}}]},
            Due={"date": {"start": "2026-07-04"}},
            Status={"status": {"name": "In progress"}},
            Priority={"select": {"name": "Low"}},
            Tags={"multi_select": [{"name": "b"}, {"name": "a"}]},
            Link={"url": "https://example.org/x"},
        ),
    )
    await place.make_todo(
        summary="from CalDAV",
        description="text, with; signs",
        due=datetime(2026, 7, 4, 12, 30, tzinfo=UTC),
        status="COMPLETED",
        priority=2,
        categories=("x", "y"),
        url="https://example.org/y",
    )
    assert await place.sync() == {"left_created": 1, "right_created": 1}
    todos, rows = await place.todos(), await place.rows()
    assert set(todos) == set(rows) == {"from Notion", "from CalDAV"}
    assert dict(todos["from Notion"].values) == {
        "summary": "from Notion",
        "description": "two\nlines",
        "due": date(2026, 7, 4),
        "status": "IN-PROCESS",
        "completed": False,
        "priority": 9,
        "categories": ("a", "b"),
        "url": "https://example.org/x",
    }
    assert {name: rows["from CalDAV"][name] for name in ATTR_MAP} == {
        "Task": "from CalDAV",
        "Notes": "text, with; signs",
        "Due": datetime(2026, 7, 4, 12, 30, tzinfo=UTC),
        "Status": "Done",
        "Priority": "High",
        "Tags": ("x", "y"),
        "Link": "https://example.org/y",
    }


async def test_edits_and_deletions_cross(place: Place) -> None:
    for number in range(4):
        await place.make_todo(summary=f"todo {number}")
    await place.sync()
    rows = await place.rows()
    await place.person.edit(rows["todo 0"]["id"], Status={"status": {"name": "Done"}})
    await place.edit_todo("todo 1", due=date(2026, 1, 2), priority=5)
    await place.person.patch_page(rows["todo 2"]["id"], {"in_trash": True})
    assert await place.sync() == {"right_updated": 1, "left_updated": 1, "right_deleted": 1}
    todos, rows = await place.todos(), await place.rows()
    assert set(todos) == set(rows) == {"todo 0", "todo 1", "todo 3"}
    assert todos["todo 0"].values["status"] == "COMPLETED"
    assert (rows["todo 1"]["Due"], rows["todo 1"]["Priority"]) == (date(2026, 1, 2), "Medium")
    await place.delete_todo("todo 3")
    assert await place.sync() == {"left_deleted": 1}
    assert set(await place.rows()) == {"todo 0", "todo 1"}


async def test_finer_values_are_not_echoed_back(place: Place) -> None:
    await place.make_todo(summary="tea", priority=3, status="CANCELLED", categories=("a, b",))
    await place.sync()
    rows = await place.rows()
    assert (rows["tea"]["Priority"], rows["tea"]["Status"]) == ("High", "Done")
    assert rows["tea"]["Tags"] == ("a; b",)
    await place.person.edit(rows["tea"]["id"], Link={"url": "https://tea.example/"})
    await place.sync()
    values = (await place.todos())["tea"].values
    assert (values["priority"], values["status"], values["categories"]) == (3, "CANCELLED", ("a, b",))
    assert values["url"] == "https://tea.example/"
    await place.person.edit(
        rows["tea"]["id"],
        Priority={"select": {"name": "Low"}},
        Tags={"multi_select": [{"name": "a; b"}, {"name": "c"}]},
    )
    await place.sync()
    values = (await place.todos())["tea"].values
    assert (values["priority"], values["status"], values["categories"]) == (9, "CANCELLED", ("a, b", "c"))


async def test_what_is_on_both_sides_already_is_paired(place: Place) -> None:
    await place.person.make_page(place.source, **page("Buy milk", Priority={"select": {"name": "High"}}))
    await place.make_todo(summary=" buy MILK ", priority=2)
    await place.run()
    await place.run()
    assert len(await place.rows()) == len(await place.todos()) == 1


async def test_unknown_properties_survive_a_sync(place: Place) -> None:
    todo = await place.make_todo(summary="tea")
    text = todo.text.replace("END:VTODO", "X-SORT;A=b:1\\,2\r\nRRULE:FREQ=DAILY\r\nEND:VTODO")
    with place.radicale.http() as http:
        http.put(todo.href, content=text, headers={"Content-Type": "text/calendar"}).raise_for_status()
    await place.sync()
    await place.person.edit((await place.rows())["tea"]["id"], Task=Person.text("coffee"))
    await place.sync()
    coffee = (await place.todos())["coffee"]
    assert coffee.uid == todo.uid
    assert "X-SORT;A=b:1\\,2" in coffee.text
    assert "RRULE:FREQ=DAILY" in coffee.text


async def test_an_unreadable_todo_is_held_alone(place: Place) -> None:
    todo = await place.make_todo(summary="tea")
    await place.make_todo(summary="milk")
    await place.sync()
    place.put(todo.href, todo.text.replace("SUMMARY:", "SUMMARY;NO_NAME=b:"))
    await place.edit_todo("milk", priority=1)
    await place.make_todo(summary="bread")
    report = await place.run()
    told = [(skip.id, skip.name.title, skip.reason[:14]) for skip in report.plan.of(Skip)]
    assert told == [(todo.uid, "tea", "cannot be read")]
    rows = await place.rows()
    assert set(rows) == {"tea", "milk", "bread"}
    assert rows["milk"]["Priority"] == "High"
    await place.delete_todo("milk")
    assert (await place.run()).outcome.counts["left_deleted"] == 1
    place.put(todo.href, todo.text.replace("SUMMARY:tea", "SUMMARY:green tea"))
    assert (await place.run()).outcome.counts["left_updated"] == 1


async def test_an_attribute_that_cannot_be_read_is_left_alone(place: Place) -> None:
    await place.make_todo(summary="tea", due=date(2026, 7, 4))
    await place.sync()
    todo = (await place.todos())["tea"]
    odd = "DUE;TZID=Mars:20260704T120000"
    place.put(todo.href, todo.text.replace("DUE;VALUE=DATE:20260704", odd))
    row = (await place.rows())["tea"]["id"]
    due = {"date": {"start": "2026-07-05"}}
    await place.person.edit(row, Priority={"select": {"name": "High"}}, Due=due)
    told = f"the other side {todo.uid}, not synced: Due (time zone 'Mars' is unknown)"
    await place.sync(odd=f"1 object has a value that cannot be read: {told}")
    todo = (await place.todos())["tea"]
    assert odd in todo.text
    assert todo.values["priority"] == 1
    assert (await place.rows())["tea"]["Due"] == date(2026, 7, 5)
    place.put(todo.href, todo.text.replace(odd, "DUE;VALUE=DATE:20260704"))
    assert await place.sync() == {"right_updated": 1}
    assert (await place.todos())["tea"].values["due"] == date(2026, 7, 5)


WEEKLY = ("DTSTART;TZID=Europe/Berlin:20261019T090000", "RRULE:FREQ=WEEKLY;COUNT=3")
DONE_OPTION = {"status": {"name": "Done"}}


async def test_a_recurring_todo_that_is_done_opens_its_next_occurrence(place: Place) -> None:
    await place.make_todo(summary="water", due=datetime(2026, 10, 19, 16, tzinfo=UTC))
    await place.add_lines("water", *WEEKLY)
    await place.sync()
    row = (await place.rows())["water"]["id"]
    for due, left in (
        (datetime(2026, 10, 26, 17, tzinfo=UTC), 2),
        (datetime(2026, 11, 2, 17, tzinfo=UTC), 1),
    ):
        await place.person.edit(row, Status=DONE_OPTION)
        first, second = await place.run(), await place.run()
        assert (first.status, dict(first.outcome.counts)) == ("succeeded", {"right_updated": 1})
        assert (second.status, dict(second.outcome.counts)) == ("succeeded", {"left_updated": 1})
        await place.sync()
        todo, shown = (await place.todos())["water"], (await place.rows())["water"]
        assert (todo.values["status"], todo.values["due"]) == ("NEEDS-ACTION", due)
        assert (shown["Status"], shown["Due"]) == ("Not started", due)
        assert f"RRULE:FREQ=WEEKLY;COUNT={left}" in todo.text
    await place.person.edit(row, Status=DONE_OPTION)
    assert await place.sync() == {"right_updated": 1}
    assert (await place.todos())["water"].values["status"] == "COMPLETED"
    assert (await place.rows())["water"]["Status"] == "Done"


class CutOff(FileJournal):
    """A journal of a run that dies after its first write to a side."""

    async def confirm(self, **what: Any) -> None:
        raise StateError("died")


async def test_an_occurrence_is_done_once_although_the_answer_was_lost(place: Place) -> None:
    await place.make_todo(summary="water", due=datetime(2026, 10, 19, 16, tzinfo=UTC))
    await place.add_lines("water", *WEEKLY)
    await place.sync()
    row = (await place.rows())["water"]["id"]
    await place.person.edit(row, Status=DONE_OPTION)
    with pytest.raises(StateError):
        await place.task().run(CutOff(place.folder / "todos.json"))
    next_due = datetime(2026, 10, 26, 17, tzinfo=UTC)
    assert (await place.todos())["water"].values["due"] == next_due
    for _ in range(3):
        await place.run()
    await place.sync()
    assert (await place.todos())["water"].values["due"] == next_due
    assert (await place.rows())["water"]["Due"] == next_due
    assert (await place.rows())["water"]["Status"] == "Not started"


async def test_an_occurrence_that_an_app_did_already_is_not_done_again(place: Place) -> None:
    await place.make_todo(summary="water", due=datetime(2026, 10, 19, 16, tzinfo=UTC))
    await place.add_lines("water", *WEEKLY)
    await place.sync()
    row = (await place.rows())["water"]["id"]
    await place.person.edit(row, Status=DONE_OPTION, Priority={"select": {"name": "High"}})
    await place.edit_todo("water", status="COMPLETED")
    for _ in range(3):
        await place.run()
    await place.sync()
    todo, shown = (await place.todos())["water"], (await place.rows())["water"]
    assert todo.values["due"] == shown["Due"] == datetime(2026, 10, 26, 17, tzinfo=UTC)
    assert (todo.values["priority"], shown["Status"]) == (1, "Not started")


async def test_a_value_that_does_not_fit_blocks_no_other(place: Place) -> None:
    await place.make_todo(summary="water", due=datetime(2026, 10, 19, 16, tzinfo=UTC))
    await place.add_lines("water", *WEEKLY)
    await place.sync()
    row = (await place.rows())["water"]["id"]
    await place.person.edit(row, Task=Person.text("water them"), Due={"date": {"start": "2026-10-12"}})
    report = await place.run()
    assert report.status == "failed"
    assert "it recurs from 20261019T090000" in report.reason
    todo = (await place.todos())["water them"]
    assert todo.values["due"] == datetime(2026, 10, 19, 16, tzinfo=UTC)
    await place.person.edit(row, Task=Person.text("water all"))
    await place.run()
    assert set(await place.todos()) == {"water all"}
    await place.edit_todo("water all", summary="water some")
    await place.run()
    rows = await place.rows()
    assert set(rows) == {"water some"}
    assert rows["water some"]["Due"] == date(2026, 10, 12)
    await place.person.edit(row, Due={"date": {"start": "2026-10-19T16:30:00Z"}})
    assert await place.sync() == {"right_updated": 1}


async def test_columns_by_usual_names_and_a_rename_afterwards(place: Place) -> None:
    task = place.task()
    await task.open()
    try:
        await task.check()
        assert task.attr_map == ATTR_MAP
        await place.person.patch_columns(place.source, {"Notes": {"name": "Remarks"}})
        await task.check()
        assert task.attr_map == ATTR_MAP
        await place.person.patch_columns(place.source, {"Remarks": None})
        with pytest.raises(TaskDefinitionError, match=r"no longer has a property 'Notes'"):
            await task.check()
    finally:
        await task.close()


async def test_a_column_that_was_chosen_by_its_name_stays_chosen_when_it_is_renamed(place: Place) -> None:
    await place.make_todo(summary="tea", description="green")
    await place.sync(attr_map=None)
    await place.person.patch_columns(place.source, {"Notes": {"name": "Remarks"}, "Link": {"name": "Notes"}})
    await place.edit_todo("tea", description="black")
    await place.sync(attr_map=None)
    (row,) = (await place.person.send("POST", f"data_sources/{place.source}/query", {}))["results"]
    assert row["properties"]["Remarks"]["rich_text"][0]["plain_text"] == "black"


async def test_a_checkbox_and_a_number(place: Place) -> None:
    await place.person.patch_columns(place.source, {"Done": {"checkbox": {}}, "Rank": {"number": {}}})
    attr_map = {"Task": "summary", "Done": "status", "Rank": "priority"}
    await place.make_todo(summary="tea", status="IN-PROCESS", priority=4)
    await place.make_todo(summary="milk", status="CANCELLED")
    await place.sync(attr_map=attr_map)
    rows = await place.rows()
    await place.person.edit(rows["tea"]["id"], Rank={"number": 7})
    await place.sync(attr_map=attr_map)
    todos = await place.todos()
    assert (todos["tea"].values["status"], todos["tea"].values["priority"]) == ("IN-PROCESS", 7)
    await place.person.edit(rows["tea"]["id"], Done={"checkbox": True})
    await place.person.edit(rows["milk"]["id"], Done={"checkbox": False})
    await place.sync(attr_map=attr_map)
    todos = await place.todos()
    assert [todos[name].values["status"] for name in ("tea", "milk")] == ["COMPLETED", "NEEDS-ACTION"]


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"password": "wrong-word"}, SideError, "refused user"),
        ({"attr_map": {"Task": "summary", "Deadline": "due"}}, TaskDefinitionError, "no property 'Deadline'"),
        ({"attr_map": {"Task": "summary", "Notes": "due"}}, TaskDefinitionError, "must be date"),
        ({"attr_map": {"Notes": "summary"}}, TaskDefinitionError, "must be title"),
        (
            {
                "attr_map": {"Task": "summary", "Status": "status"},
                "values": {"Status": {"Later": "NEEDS-ACTION"}},
            },
            TaskDefinitionError,
            "has no option 'Later'",
        ),
    ],
)
async def test_a_wrong_set_up_writes_nothing(
    place: Place, changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    await place.make_todo(summary="tea")
    with pytest.raises(error, match=message) as caught:
        await place.run(**changes)
    assert "wrong-word" not in str(caught.value)
    assert await place.rows() == {}


async def test_an_option_that_stands_for_nothing_holds_its_own_value_only(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    attr_map = {"Task": "summary", "Priority": "priority", "Due": "due"}
    await place.make_todo(summary="tea", priority=2)
    await place.sync(attr_map=attr_map)
    row = (await place.rows())["tea"]["id"]
    someday = {"select": {"name": "Someday"}}
    await place.person.edit(row, Priority=someday, Due={"date": {"start": "2026-07-04"}})
    await place.person.make_page(place.source, **page("milk", Priority=someday))
    caplog.clear()
    report = await place.run(attr_map=attr_map)
    assert report.status == "incomplete"
    told = [record.getMessage() for record in caplog.records if "'Someday'" in record.getMessage()]
    assert len(told) == 1
    assert "values = {'Priority': {'Someday': 5}}" in told[0]
    await place.sync(attr_map=attr_map, odd="2 objects have values that cannot be read: the first is Notion ")
    todos = await place.todos()
    assert (todos["tea"].values["priority"], todos["tea"].values["due"]) == (2, date(2026, 7, 4))
    assert todos["milk"].values["priority"] is None
    await place.edit_todo("tea", priority=9, summary="green tea")
    await place.sync(attr_map=attr_map, odd="option 'Someday', which stands for no value of a to-do")
    rows = await place.rows()
    assert (rows["green tea"]["Priority"], rows["milk"]["Priority"]) == ("Someday", "Someday")
    await place.person.edit(row, Priority={"select": {"name": "High"}})
    values = {"Priority": {"Someday": 0, "High": 1, "Low": 9, "Medium": 5}}
    await place.run(attr_map=attr_map, values=values)
    await place.sync(attr_map=attr_map, values=values)
    assert {name: row["Priority"] for name, row in (await place.rows()).items()} == {
        "green tea": "Low",  # High is what both had before the to-do was edited
        "milk": "Someday",
    }
    assert (await place.todos())["green tea"].values["priority"] == 9


async def test_a_status_needs_an_option_for_open_and_for_done(place: Place) -> None:
    options = [{"name": "Now"}, {"name": "Someday"}]
    await place.person.patch_columns(place.source, {"When": {"select": {"options": options}}})
    attr_map = {"Task": "summary", "When": "status"}
    with pytest.raises(TaskDefinitionError, match=r"no option .* stands for COMPLETED"):
        await place.run(attr_map=attr_map, values={"When": {"Now": "NEEDS-ACTION"}})


async def test_the_login_comes_from_the_environment_of_the_run(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place.make_todo(summary="tea")
    task = place.task(username=None, password=None)
    monkeypatch.setenv("CALDAV_USERNAME", place.radicale.username)
    monkeypatch.setenv("CALDAV_PASSWORD", place.radicale.password)
    report = await task.run(FileJournal(place.folder / "todos.json"))
    assert report.status == "succeeded"
    assert place.radicale.password not in f"{task!r} {vars(task)}"


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
