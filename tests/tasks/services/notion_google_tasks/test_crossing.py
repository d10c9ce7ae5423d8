"""Values, objects and deletions between a local Notion workspace and a local Google account."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from sandbox.google_tasks import Fault
from tasks.errors import SideError
from tasks.journal.file import FileJournal
from tasks.mapping import usual_pairs
from tasks.services.google_tasks import ATTRIBUTES
from tests.tasks.services.notion_google_tasks.place import MAPPING, Place


async def test_attributes_go_together_by_what_they_mean(place: Place) -> None:
    side = place.task().sides
    rows = next(iter(side.values()))
    await rows.open()
    try:
        rows.recall(None, {})
        pairs = usual_pairs(await rows.describe(), ATTRIBUTES)
    finally:
        await rows.close()
    assert {pair.left: pair.right for pair in pairs} == MAPPING


async def test_rows_and_tasks_cross_with_all_their_values(place: Place) -> None:
    place.add_row("from Notion", Notes="two\nlines", Due="2026-07-04", Status="Done")
    place.add_task("from Google", notes="n", due="2026-07-05T00:00:00Z")
    assert await place.sync() == {"left_created": 1, "right_created": 1}
    task = place.listed_task("from Notion")
    assert (task["notes"], task["due"], task["status"]) == (
        "two\nlines",
        "2026-07-04T00:00:00.000Z",
        "completed",
    )
    row = place.row("from Google")
    assert (row["Notes"], row["Due"], row["Status"]) == ("n", "2026-07-05", "Not started")


async def test_a_time_of_day_stays_where_there_is_one(place: Place) -> None:
    """Google has days only: a new day moves the moment, and its time is kept."""
    row = place.add_row("call", Due="2026-07-04T09:30:00.000+02:00")
    await place.sync()
    task = place.listed_task("call")
    assert task["due"] == "2026-07-04T00:00:00.000Z"
    place.edit_task(task["id"], notes="n")
    await place.sync()
    assert place.row("call")["Due"] == "2026-07-04T09:30:00.000+02:00"
    place.edit_task(task["id"], due="2026-07-08T00:00:00Z")
    assert await place.sync() == {"left_updated": 1}
    assert place.row("call")["Due"].startswith("2026-07-08T")
    place.edit_row(row, Due=None)
    await place.sync()
    assert "due" not in place.listed_task("call")


async def test_a_state_in_between_stays_while_it_fits(place: Place) -> None:
    row = place.add_row("a", Status="In progress")
    await place.sync()
    task = place.listed_task("a")["id"]
    place.edit_task(task, notes="n")
    await place.sync()
    assert place.row("a")["Status"] == "In progress"
    place.edit_task(task, status="completed")
    await place.sync()
    assert place.row("a")["Status"] == "Done"
    place.edit_row(row, Status="In progress")
    await place.sync()
    shown = place.listed_task("a")
    assert (shown["status"], "completed" in shown) == ("needsAction", False)


async def test_what_is_cleared_away_is_not_deleted(place: Place) -> None:
    place.add_row("done", Status="Done")
    place.add_row("open")
    await place.sync()
    place.google.account.clear()
    assert place.listed_task("done")["hidden"]
    assert await place.sync() == {}
    assert {row["Task"] for row in place.rows()} == {"done", "open"}
    place.edit_row(place.row("done")["id"], Status="Not started")
    await place.sync()
    assert "hidden" not in place.listed_task("done")


async def test_deletions_cross_and_only_these(place: Place) -> None:
    for number in range(6):
        place.add_row(f"row {number}")
    over = place.add_task("over")
    under = place.add_task("under")
    place.google.account.move(under, parent=over)
    await place.sync()
    place.person.trash(place.row("row 0")["id"])
    place.google.account.delete(place.listed_task("row 1")["id"])
    place.person.trash(place.row("over")["id"])
    place.google.account.move(place.listed_task("row 2")["id"], destination=place.other_list())
    report = await place.run()
    assert dict(report.outcome.counts) == {"right_deleted": 2, "left_deleted": 1}
    titles = {f"row {number}" for number in range(3, 6)} | {"under"}
    assert {task["title"] for task in place.tasks()} == titles, "a subtask stays that nobody deleted"
    assert {row["Task"] for row in place.rows()} == titles | {"row 2"}, "another list is no trash"
    assert not +(await place.run()).outcome.counts


async def test_an_edit_beats_a_deletion_and_the_task_comes_back_under_its_id(place: Place) -> None:
    row = place.add_row("a", Notes="n")
    await place.sync()
    task_id = place.listed_task("a")["id"]
    place.google.account.delete(task_id)
    place.edit_row(row, Notes="still needed")
    await place.run()
    await place.run()
    shown = place.listed_task("a")
    assert (shown["id"], shown["notes"]) == (task_id, "still needed")


@pytest.mark.parametrize("applied", [True, False])
@pytest.mark.parametrize("fault", [{"drop": True}, {"status": 503}])
async def test_a_create_without_an_answer_makes_one_task(
    place: Place, fault: dict[str, Any], applied: bool
) -> None:
    place.add_task("a")  # another one of the same title, long linked
    await place.sync()
    place.add_row("b", Notes="n")
    place.google.faults.add(Fault(method="POST", path="*/tasks", applied=applied, **fault))
    report = await place.run()
    assert report.status == "failed"
    assert "it may have been applied" in report.reason
    await place.run()
    assert sorted(task["title"] for task in place.tasks()) == ["a", "b"]
    assert not +(await place.run()).outcome.counts


async def test_what_may_just_not_be_listed_yet_is_not_made_again(place: Place) -> None:
    place.add_row("a")
    place.google.faults.add(Fault(method="POST", path="*/tasks", drop=True))
    assert (await place.run()).status == "failed"
    task = place.task()
    for side in task.sides.values():
        side.settling = timedelta(days=1)
    report = await task.run(FileJournal(place.token_file.parent / "todos.json"))
    assert not place.tasks()
    assert "may not be listed yet" in str(report.plan)


async def test_an_idle_run_costs_google_two_requests(place: Place) -> None:
    for number in range(3):
        place.add_task(f"{number}")
    await place.sync()
    place.google.requests.clear()
    assert not +(await place.run()).outcome.counts
    assert [path.rsplit("/", 1)[-1] for _, path, _ in place.google.requests] == ["@default", "tasks"]


async def test_a_change_costs_google_a_look_and_a_write(place: Place) -> None:
    texts = {"Task": "title", "Notes": "notes"}  # of which what was synced says all
    row = place.add_row("a")
    await place.sync(texts)
    place.google.clock.advance(timedelta(minutes=10))
    place.add_task("later")
    place.google.clock.advance(timedelta(minutes=10))
    await place.sync(texts)
    place.edit_row(row, Notes="n")
    place.google.requests.clear()
    assert dict((await place.run(texts)).outcome.counts) == {"right_updated": 1}
    assert [method for method, _, _ in place.google.requests] == ["GET", "GET", "GET", "PATCH"]


async def test_a_vanished_list_stops_the_run_and_deletes_nothing(place: Place) -> None:
    place.add_row("a")
    await place.sync()
    place.google.account.lists.clear()
    with pytest.raises(SideError, match="Google shows no default task list"):
        await place.run()
    assert [row["Task"] for row in place.rows()] == ["a"]
