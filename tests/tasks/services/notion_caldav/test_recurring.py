"""To-dos that recur, between Notion and a calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tasks.errors import StateError
from tasks.journal.file import FileJournal
from tests.tasks.services.notion.person import Person
from tests.tasks.services.notion_caldav.place import Place

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
