"""Attributes in which the task tells people of the sync: they go along with writes, and are nobody's edit."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tasks.errors import ItemError, SideError, TaskDefinitionError, UnfitError
from tasks.policies import read_rules
from tasks.sides import Attribute, End, Kind, Option, State
from tests.tasks.policies.boards import NONE, Told
from tests.tasks.policies.places import day

# -- with writes that are made anyway ---------------------------------------------------------------------------


@pytest.mark.parametrize("deltas", [False, True])
async def test_columns_go_along_with_creates_and_updates_and_cost_no_write(deltas: bool) -> None:
    sync = Told(deltas=deltas)
    todo = sync.todos.add(summary="tea", status=State.OPEN)
    await sync.runs()
    assert sync.rows.of("tea") == {"Where": f"https://{todo}", "Synced": sync.now, "Sync": "synced"}
    assert len(sync.rows.log.writes) == 1
    await sync.idle()
    sync.todos.edit(todo, due=datetime(2026, 1, 5).date())
    await sync.runs()
    assert sync.rows.of("tea")["Synced"] == sync.now
    assert len(sync.rows.log.writes) == 2
    await sync.idle()


async def test_by_default_nothing_is_written_for_the_columns_alone() -> None:
    sync = Told()
    row = sync.pair("tea")
    await sync.runs()
    assert sync.rows.of("tea") == NONE
    sync.rows.edit(row, Status="Done")
    await sync.runs(2)
    assert (sync.rows.sent, sync.rows.of("tea")) == ([], NONE)


@pytest.mark.parametrize("when", ["written", "changed"])
async def test_what_a_person_does_in_a_column_is_no_edit_and_is_written_over_with_the_next_write(
    when: str,
) -> None:
    sync = Told(when)
    todo = sync.todos.add(summary="tea", status=State.OPEN)
    await sync.runs()
    sync.rows.edit(sync.row("tea"), Sync="mine", Where=None)
    await sync.idle()
    assert sync.rows.of("tea")["Sync"] == "mine"
    sync.todos.edit(todo, status=State.DONE)
    await sync.runs()
    assert (sync.rows.of("tea")["Sync"], sync.rows.of("tea")["Where"]) == ("synced", f"https://{todo}")
    assert set(sync.todos.things[todo].values) == {"summary", "status", "due", "hidden"}


async def test_a_person_in_a_column_while_the_run_goes_on_stops_no_write() -> None:
    sync = Told()
    todo = sync.todos.add(summary="tea", status=State.OPEN)
    await sync.runs()
    row, plain = sync.row("tea"), sync.rows.list

    def listed() -> Any:
        answer = plain()
        sync.rows.edit(row, Sync="mine")
        return answer

    sync.rows.list = listed  # type: ignore[method-assign]
    sync.todos.edit(todo, status=State.DONE)
    await sync.runs()
    assert (sync.rows.things[row].values["Status"], sync.rows.of("tea")["Sync"]) == ("Done", "synced")


async def test_the_conflict_that_a_row_loses_is_told_with_the_value_that_stays() -> None:
    sync = Told()
    row = sync.pair("tea")
    await sync.runs()
    sync.rows.edit(row, Status="Done")
    sync.clock.later(minutes=3)
    sync.todos.edit(sync.todo("tea"), status=State.CANCELLED)
    await sync.run()
    assert sync.rows.of("tea")["Sync"].startswith("conflict: Status edited on both sides; ")
    await sync.idle()
    sync.todos.edit(sync.todo("tea"), status=State.OPEN)
    await sync.runs()
    assert sync.rows.of("tea")["Sync"] == "synced"


async def test_columns_may_stand_at_either_end_or_both() -> None:
    columns = {"notion": {"state": "Sync"}, "other": {"address": "hidden"}}
    with pytest.raises(TaskDefinitionError, match="'hidden' of the list todos is of the kind yes/no"):
        await Told(columns=columns).run()
    sync = Told(columns={"notion": {"state": "Sync"}, "other": {"address": "place"}})
    sync.todos.attributes = {**sync.todos.attributes, "place": Attribute(Kind.TEXT)}
    row = sync.pair("tea")
    await sync.runs()
    assert sync.todos.things[sync.todo("tea")].values["place"] == f"https://{row}"
    sync.rows.edit(row, Status="Done")
    await sync.runs()
    await sync.idle()


async def test_where_nothing_has_an_address_a_text_shows_the_title() -> None:
    sync = Told(columns={"notion": {"address": "Sync"}})
    sync.todos.address = lambda obj: NotImplemented  # type: ignore[method-assign,assignment]
    sync.todos.add(summary="tea", status=State.OPEN)
    await sync.runs()
    assert sync.rows.of("tea")["Sync"] == "tea"


# -- also alone -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("deltas", [False, True])
async def test_a_row_learns_where_its_new_counterpart_is(deltas: bool) -> None:
    sync = Told("changed", deltas=deltas)
    row = sync.pair("tea")
    await sync.runs()
    wanted = {"Where": f"https://{sync.todo('tea')}", "Synced": sync.now, "Sync": "synced"}
    assert sync.rows.of("tea") == wanted
    await sync.idle()
    sync.rows.edit(row, Status="Done")  # the time alone is no reason to write
    await sync.runs()
    assert (sync.rows.sent, sync.rows.of("tea")) == ([], wanted)
    await sync.idle()


@pytest.mark.parametrize("deltas", [False, True])
async def test_a_row_that_is_held_says_why_once_and_that_it_is_well_again(deltas: bool) -> None:
    sync = Told("changed", deltas=deltas)
    sync.pair("tea")
    sync.pair("milk")
    await sync.runs()
    sync.todos.refused["status"] = ItemError("no room")
    sync.rows.edit(sync.row("tea"), Status="Done")
    written = sync.rows.of("tea")["Synced"]
    await sync.run()
    assert (sync.rows.of("tea")["Sync"], sync.rows.of("tea")["Synced"]) == ("held: no room", written)
    sync.rows.sent.clear()
    for _ in range(4):
        sync.clock.later(hours=1)
        await sync.run()
    assert sync.rows.sent == []
    sync.todos.refused.clear()
    sync.clock.later(days=2)
    await sync.runs()
    assert (sync.rows.of("tea")["Sync"], sync.rows.of("tea")["Synced"]) == ("synced", sync.now)
    await sync.idle()
    assert sync.rows.of("milk")["Sync"] == "synced"


async def test_a_row_whose_edit_is_taken_back_is_well_again() -> None:
    sync = Told("changed")
    row = sync.pair("tea")
    await sync.runs()
    sync.todos.refused["status"] = ItemError("no room")
    sync.rows.edit(row, Status="Done")
    await sync.run()
    sync.rows.edit(row, Status="Open")
    await sync.runs()
    assert sync.rows.of("tea")["Sync"] == "synced"
    await sync.idle()


async def test_a_conflict_that_waits_for_a_person_is_told_until_it_is_settled() -> None:
    sync = Told("changed")
    row = sync.pair("tea")
    await sync.runs()
    task = sync.task

    def strict() -> Any:
        made = task()
        made.conflict_mode = type(made.conflict_mode)("error")
        return made

    sync.task = strict  # type: ignore[method-assign]
    sync.rows.edit(row, Status="Done")
    sync.todos.edit(sync.todo("tea"), status=State.CANCELLED)
    await sync.run()
    assert sync.rows.of("tea")["Sync"].startswith("conflict: Status edited on both sides")
    await sync.idle()
    sync.rows.edit(row, Status="Archived")
    await sync.runs()
    assert sync.rows.of("tea")["Sync"] == "synced"
    await sync.idle()


async def test_a_conflict_that_a_row_wins_is_told_in_it() -> None:
    sync = Told("changed")
    row = sync.pair("tea")
    await sync.runs()
    sync.todos.edit(sync.todo("tea"), status=State.CANCELLED)
    sync.clock.later(minutes=3)
    sync.rows.edit(row, Status="Done")
    await sync.run()
    assert sync.rows.of("tea")["Sync"].startswith("conflict: Status edited on both sides")
    await sync.idle()
    sync.rows.edit(row, Status="Open")
    await sync.runs()
    assert sync.rows.of("tea")["Sync"] == "synced"


@pytest.mark.parametrize("deltas", [False, True])
async def test_what_is_told_in_a_row_does_not_make_its_edit_newer(deltas: bool) -> None:
    sync = Told("changed", deltas=deltas)
    row = sync.pair("tea")
    await sync.runs()
    sync.todos.refused["status"] = ItemError("no room")
    sync.rows.edit(row, Status="Done")
    sync.clock.later(minutes=10)
    await sync.run()
    assert sync.rows.of("tea")["Sync"] == "held: no room"
    sync.todos.refused.clear()
    sync.clock.now -= timedelta(minutes=4)  # after the edit of the row, and before what it was told
    sync.todos.edit(sync.todo("tea"), status=State.CANCELLED)
    sync.clock.later(hours=3)
    report = await sync.run()
    assert report.outcome.conflicts == 1
    assert sync.rows.things[row].values["Status"] == "Archived"


@pytest.mark.parametrize("deltas", [False, True])
async def test_a_person_who_edits_after_what_was_told_is_newer(deltas: bool) -> None:
    sync = Told("changed", deltas=deltas)
    row = sync.pair("tea")
    await sync.runs()
    sync.todos.refused["due"] = ItemError("no room")
    sync.rows.edit(row, When=day(5))
    await sync.run()
    assert sync.rows.of("tea")["Sync"] == "held: no room"
    sync.todos.refused.clear()
    sync.clock.later(minutes=2)
    sync.todos.edit(sync.todo("tea"), due=day(6))
    sync.clock.later(minutes=2)
    sync.rows.edit(row, When=day(7))
    await sync.run()
    assert (sync.rows.shown("When"), sync.todos.shown("due")) == ([day(7)], [day(7)])


async def test_what_the_task_does_not_take_and_what_is_synced_no_more_is_not_written() -> None:
    sync = Told("changed", only={"notion": {"Status": ["Open"]}}, delete={"to_notion": "unlink"})
    row = sync.pair("tea")
    gone = sync.pair("milk")
    sync.pair("bread")
    await sync.runs()
    sync.rows.sent.clear()
    sync.rows.edit(row, Status="Done")
    sync.todos.remove(sync.todo("milk"))
    await sync.run()
    sync.rows.edit(gone, When=datetime(2026, 1, 9).date())
    await sync.runs(2)
    assert sync.rows.sent == []


async def test_a_row_that_is_held_when_it_leaves_is_left_alone() -> None:
    sync = Told("changed", only={"notion": {"Status": ["Open"]}}, leave="keep")
    row = sync.pair("tea")
    await sync.runs()
    sync.todos.refused["due"] = ItemError("no room")
    sync.rows.edit(row, When=day(5))
    await sync.run()
    assert sync.rows.of("tea")["Sync"] == "held: no room"
    sync.rows.sent.clear()
    sync.rows.edit(row, When=None, Status="Done")
    await sync.runs(2)
    assert sync.rows.sent == []


async def test_a_row_that_people_type_in_is_not_told_that_it_waits() -> None:
    sync = Told("changed", settle="10m")
    sync.pair("tea")
    await sync.run()
    assert sync.rows.sent == []
    await sync.runs(3)
    assert sync.rows.of("tea")["Sync"] == "synced"


async def test_what_could_not_be_told_is_told_by_the_next_run() -> None:
    sync = Told("changed")
    sync.pair("tea")
    sync.rows.refused["Sync"] = SideError("away")
    with pytest.raises(SideError, match="away"):
        await sync.run()
    assert sync.todos.shown() == ["tea"]
    sync.rows.refused.clear()
    await sync.runs()
    assert sync.rows.of("tea")["Sync"] == "synced"
    await sync.idle()


# -- what is wrong ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error", [ItemError("Sync is no property"), UnfitError("Sync is too long", ["Sync"])]
)
@pytest.mark.parametrize("when", ["written", "changed"])
async def test_a_column_that_is_refused_stops_no_write_and_is_told_once(when: str, error: Exception) -> None:
    sync = Told(when)
    for name in ("tea", "milk"):
        sync.todos.add(summary=name, status=State.OPEN)
    sync.rows.refused["Sync"] = error
    report = await sync.run()
    assert (report.status, sync.rows.shown()) == ("succeeded", ["milk", "tea"])
    (note,) = report.outcome.notes
    assert note == (
        "the columns 'Where', 'Synced', 'Sync' of the board rows were not written, and all else was: "
        + str(error)
    )
    sync.rows.refused.clear()
    sync.todos.edit(sync.todo("tea"), status=State.DONE)
    await sync.runs()
    assert sync.rows.of("tea")["Sync"] == "synced"


async def test_a_write_that_is_refused_for_itself_is_no_fault_of_the_columns() -> None:
    sync = Told()
    sync.todos.add(summary="tea", status=State.OPEN)
    sync.rows.refused["Name"] = ItemError("no such name")
    report = await sync.run()
    assert (report.status, report.outcome.notes) == ("failed", [])


async def test_a_column_that_vanishes_later_is_told_and_the_sync_goes_on() -> None:
    sync = Told()
    todo = sync.todos.add(summary="tea", status=State.OPEN)
    await sync.runs()
    del sync.rows.attributes["Sync"]  # type: ignore[attr-defined]
    sync.todos.edit(todo, status=State.DONE)
    report = await sync.run()
    assert report.status == "succeeded"
    (note,) = report.outcome.notes
    assert note.startswith(
        "columns: the board rows has no attribute 'Sync' to show how it stands: add it there"
    )
    assert sync.rows.of("tea")["Synced"] == sync.now
    assert "Sync" not in sync.rows.sent[-1][2]


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        (
            {"state": "Snyc"},
            "the board rows has no attribute 'Snyc' to show how it stands: add it there, or choose",
        ),
        ({"state": "Name"}, "'Name' of the board rows is to show how it stands, but it is mapped"),
        ({"state": "Code"}, "'Code' of the board rows cannot be written, and cannot show how it stands"),
        ({"state": "Gone"}, "'Gone' of the board rows is of the kind yes/no, and cannot show how it stands"),
        (
            {"synced": "Sync"},
            "'Sync' of the board rows is of the kind text, and cannot show when it was synced: ",
        ),
        ({"state": "Area"}, "but another rule of the sync names it: choose another attribute"),
        (
            {"state": "Level"},
            "'Level' of the board rows has no option 'conflict', 'held': add it there, or say ",
        ),
    ],
)
async def test_a_column_that_does_not_fit_is_refused_before_anything_is_listed(
    columns: dict[str, str], told: str
) -> None:
    sync = Told(columns={"notion": columns}, only={"notion": {"Area": "Home"}})
    more = {"Area": Attribute(Kind.TEXT), "Level": Attribute(Kind.CHOICE, options=(Option("Synced"),))}
    sync.rows.attributes = {**sync.rows.attributes, **more}
    with pytest.raises(TaskDefinitionError, match=r"^task 't': columns: ") as refused:
        await sync.run()
    assert told in str(refused.value)
    assert not sync.rows.log.calls


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Sync", "columns: it is a table for an end, such as { notion = "),
        ({"notion": {}}, "columns.notion: it is a table, such as { address ="),
        ({"nothing": {"state": "a"}}, "unknown key 'columns.nothing'"),
        (
            {"notion": {"status": "a", "state": "b"}},
            "unknown key 'columns.notion.status': did you mean 'state'",
        ),
        ({"notion": {"state": 3}}, "columns.notion.state: it is the name of an attribute"),
        ({"notion": {"state": "a", "address": "a"}}, "columns.notion: 'a' stands there twice"),
        (
            {"notion": {"state": "a", "when": "always"}},
            'columns.notion.when: it is one of "written" or "changed"',
        ),
        ({"notion": {"address": "a", "words": {"held": "b"}}}, "columns.notion.words are those of state"),
        ({"notion": {"state": "a", "words": {"hold": "b"}}}, "unknown key 'columns.notion.words.hold'"),
        ({"notion": {"state": "a"}, "left": {"state": "b"}}, "columns says twice what stands at one end"),
    ],
)
def test_what_is_said_wrongly_is_told(said: Any, told: str) -> None:
    ends = {"notion": End.LEFT, "left": End.LEFT, "other": End.RIGHT}
    with pytest.raises(TaskDefinitionError) as refused:
        read_rules({"columns": said}, ends)
    assert told in str(refused.value)


def test_nothing_is_written_in_the_source_of_a_mirror() -> None:
    ends = {"notion": End.LEFT, "other": End.RIGHT}
    with pytest.raises(
        TaskDefinitionError, match=r"columns\.notion: nothing is written in the source of a mirror"
    ):
        read_rules({"columns": {"notion": {"state": "Sync"}}, "only_to": "other"}, ends)


async def test_a_plan_says_once_what_is_written_besides_and_counts_none_of_it() -> None:
    sync = Told("changed")
    sync.todos.add(summary="tea", status=State.OPEN)
    plan = (await sync.run(dry_run=True)).plan
    assert sum("Sync" in line for line in plan.told) == 1
    assert (
        "in the board rows, Where shows where the counterpart is, Synced shows when it was synced and Sync shows how "
        "it stands: written with what is written anyway, and where what they say changes, and never an edit"
    ) in plan.told
    assert dict(plan.counts()) == {"create": 1}


async def test_options_stand_for_states_whatever_their_case_or_by_other_words() -> None:
    options = (Option("In Step"), Option("Conflict"), Option("HELD"))
    said = {"state": "Level", "words": {"synced": "in step"}}
    sync = Told(columns={"notion": said})
    sync.rows.attributes = {**sync.rows.attributes, "Level": Attribute(Kind.CHOICE, options=options)}
    sync.todos.add(summary="tea", status=State.OPEN)
    await sync.runs()
    assert sync.rows.things[sync.row("tea")].values["Level"] == "In Step"
