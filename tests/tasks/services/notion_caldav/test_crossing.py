"""Values, objects and deletions between a local Notion workspace and a real radicale."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tasks.merge import Skip
from tests.tasks.services.notion.person import Person
from tests.tasks.services.notion_caldav.place import ATTR_MAP, Place, page


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
        "start": None,
        "due": date(2026, 7, 4),
        "status": "IN-PROCESS",
        "completed": False,
        "percent_complete": None,
        "priority": 9,
        "categories": ("a", "b"),
        "url": "https://example.org/x",
        "parent": (),
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
    told = f"{place.calendar_label} {todo.uid}, not synced: Due (time zone 'Mars' is unknown)"
    await place.sync(odd=f"1 object has a value that cannot be read: {told}")
    todo = (await place.todos())["tea"]
    assert odd in todo.text
    assert todo.values["priority"] == 1
    assert (await place.rows())["tea"]["Due"] == date(2026, 7, 5)
    place.put(todo.href, todo.text.replace(odd, "DUE;VALUE=DATE:20260704"))
    assert await place.sync() == {"right_updated": 1}
    assert (await place.todos())["tea"].values["due"] == date(2026, 7, 5)


async def test_a_checkbox_and_a_number(place: Place) -> None:
    await place.person.patch_columns(place.source, {"Done": {"checkbox": {}}, "Rank": {"number": {}}})
    mapping = {"Task": "summary", "Done": "status", "Rank": "priority"}
    await place.make_todo(summary="tea", status="IN-PROCESS", priority=4)
    await place.make_todo(summary="milk", status="CANCELLED")
    await place.sync(mapping)
    rows = await place.rows()
    await place.person.edit(rows["tea"]["id"], Rank={"number": 7})
    await place.sync(mapping)
    todos = await place.todos()
    assert (todos["tea"].values["status"], todos["tea"].values["priority"]) == ("IN-PROCESS", 7)
    await place.person.edit(rows["tea"]["id"], Done={"checkbox": True})
    await place.person.edit(rows["milk"]["id"], Done={"checkbox": False})
    await place.sync(mapping)
    todos = await place.todos()
    assert [todos[name].values["status"] for name in ("tea", "milk")] == ["COMPLETED", "NEEDS-ACTION"]


async def test_an_option_that_stands_for_nothing_holds_its_own_value_only(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    mapping: dict[str, Any] = {"Task": "summary", "Priority": "priority", "Due": "due"}
    await place.make_todo(summary="tea", priority=2)
    await place.sync(mapping)
    row = (await place.rows())["tea"]["id"]
    someday = {"select": {"name": "Someday"}}
    await place.person.edit(row, Priority=someday, Due={"date": {"start": "2026-07-04"}})
    await place.person.make_page(place.source, **page("milk", Priority=someday))
    caplog.clear()
    report = await place.run(mapping)
    assert report.status == "incomplete"
    told = [record.getMessage() for record in caplog.records if "'Someday'" in record.getMessage()]
    assert len(told) == 1
    assert "values = { Someday = 5 }" in told[0]
    await place.sync(mapping, odd="2 objects have values that cannot be read: the first is Notion ")
    todos = await place.todos()
    assert (todos["tea"].values["priority"], todos["tea"].values["due"]) == (2, date(2026, 7, 4))
    assert todos["milk"].values["priority"] is None
    await place.edit_todo("tea", priority=9, summary="green tea")
    await place.sync(mapping, odd="option 'Someday', which stands for no priority")
    rows = await place.rows()
    assert (rows["green tea"]["Priority"], rows["milk"]["Priority"]) == ("Someday", "Someday")
    await place.person.edit(row, Priority={"select": {"name": "High"}})
    values = {"Someday": 0, "High": 1, "Low": 9, "Medium": 5}
    mapping = {**mapping, "Priority": {"to": "priority", "values": values}}
    await place.run(mapping)
    await place.sync(mapping)
    assert {name: row["Priority"] for name, row in (await place.rows()).items()} == {
        "green tea": "Low",  # High is what both had before the to-do was edited
        "milk": "Someday",
    }
    assert (await place.todos())["green tea"].values["priority"] == 9
