"""What a data source says of its columns: kinds, options and usual meanings, under the names that a task knows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tasks.errors import TaskDefinitionError
from tasks.services.notion.columns.column import Column
from tasks.services.notion.columns.properties import SUPPORTED_TYPES
from tasks.services.notion.source.attributes import described
from tasks.sides import Attribute, Kind, Option, State
from tasks.sides import Person as Known
from tests.tasks.services.notion.chores import only
from tests.tasks.services.notion.person import Person
from tests.tasks.services.notion.wired import Wired

COLUMNS: dict[str, Any] = {
    "Name": {"title": {}},
    "Notes": {"rich_text": {}},
    "Effort": {"number": {}},
    "Done": {"checkbox": {}},
    "Area": {"select": {"options": [{"name": "Home"}]}},
    "Tags": {"multi_select": {"options": []}},
    "Due": {"date": {}},
    "Span": {"date": {}},
    "Mail": {"email": {}},
    "Who": {"people": {}},
    "Made": {"created_time": {}},
    "Seen": {"last_edited_time": {}},
    "Maker": {"created_by": {}},
    "Sum": {"formula": {"expression": "1 + 1"}},
}
SYNCED = ["Name", "Effort", "Due", "Area"]


@pytest.fixture
async def source(person: Person) -> str:
    return await person.make_data_source("Chores", COLUMNS)


@pytest.fixture
async def side(person: Person, source: str) -> AsyncIterator[Wired]:
    side = Wired(person.url, source, SYNCED)
    await side.open()
    try:
        await side.learn()
        yield side
    finally:
        await side.close()


async def later(side: Wired, **options: Any) -> Wired:
    """The same in a new process, which was told what the one before remembered."""
    fresh = Wired(side.url, side.data_source, SYNCED, **options)
    await fresh.open()
    fresh.recall(side.remembered(), {})
    return fresh


async def test_every_property_has_a_kind(person: Person, source: str) -> None:
    side = Wired(person.url, source, date_ranges=["Span"])
    known = (Known((await person.send("GET", "users/me"))["id"], "alex@example.com"),)
    await side.open()
    try:
        assert await side.describe() == {
            "Name": Attribute(Kind.TEXT, meaning="title"),
            "Notes": Attribute(Kind.TEXT, meaning="notes"),
            "Effort": Attribute(Kind.NUMBER),
            "Done": Attribute(Kind.YES_NO, meaning="done"),
            "Area": Attribute(Kind.CHOICE, options=(Option("Home"),), new_options=True),
            "Tags": Attribute(Kind.CHOICES, new_options=True, meaning="tags"),
            "Due": Attribute(Kind.MOMENT, meaning="due", whole_minutes=True),
            "Span": Attribute(Kind.SPAN, whole_minutes=True, form="range"),
            "Mail": Attribute(Kind.ADDRESS),
            "Who": Attribute(Kind.PERSON, people=known),
            "Made": Attribute(Kind.MOMENT, writable=False, whole_minutes=True),
            "Seen": Attribute(Kind.MOMENT, writable=False, whole_minutes=True),
            "Maker": Attribute(Kind.PERSON, writable=False, people=known),
            "Sum": Attribute(Kind.OPAQUE, writable=False),
            "page body": Attribute(Kind.FORMATTED),
        }
    finally:
        await side.close()


@pytest.mark.parametrize("kind", sorted(SUPPORTED_TYPES - {"place"}))
def test_what_can_be_written_says_so(kind: str) -> None:
    (attribute,) = (
        one for name, one in described({"X": Column("X", "x", kind)}, {}, (), ()).items() if name == "X"
    )
    assert attribute.writable
    assert attribute.kind is not Kind.OPAQUE


def test_options_of_a_status_say_how_far_something_is() -> None:
    names = ("Later", "Now", "Over", "Odd")
    groups = {"Later": "To-do", "Now": "In progress", "Over": "Complete"}
    state = described({"State": Column("State", "s", "status", names, groups)}, {}, (), ())["State"]
    assert state.options == (
        Option("Later", State.OPEN),
        Option("Now", State.ACTIVE),
        Option("Over", State.DONE),
        Option("Odd"),
    )
    assert not state.new_options


# -- usual meanings -----------------------------------------------------------------------------------------------


def meant(columns: dict[str, str], *synced: str) -> dict[str, str]:
    found = described({name: Column(name, name, kind) for name, kind in columns.items()}, {}, (), synced)
    return {name: one.meaning for name, one in found.items() if one.meaning}


def test_each_meaning_has_one_column_by_its_usual_name_and_a_type_that_fits() -> None:
    columns = {
        "Deadline": "date", " DUE ": "date", "Status": "number", "Notes": "title", "Link": "rich_text",
        "Description": "rich_text", "Done": "date", "Completed": "checkbox",
    }  # fmt: skip
    assert meant(columns) == {
        " DUE ": "due", "Notes": "title", "Link": "link", "Description": "notes", "Completed": "done",
    }  # fmt: skip


def test_status_and_done_are_one_thing_said_in_two_ways() -> None:
    assert meant({"Done": "checkbox", "Status": "status"}) == {"Status": "status"}
    assert meant({"Done": "checkbox", "Status": "status"}, "Done") == {"Done": "done"}


def test_what_was_synced_keeps_its_meaning_when_a_better_name_comes() -> None:
    assert meant({"Deadline": "date", "Due": "date"}, "Deadline") == {"Deadline": "due"}


# -- what became of columns ---------------------------------------------------------------------------------------


async def test_a_renamed_column_is_described_under_both_names(
    side: Wired, person: Person, source: str
) -> None:
    await person.patch_columns(source, {"Due": {"name": "When"}})
    fresh = await later(side)
    try:
        found = await fresh.describe()
        assert found["Due"] == Attribute(Kind.MOMENT, meaning="due", whole_minutes=True)
        assert found["When"] == replace(found["Due"], meaning="")
        await fresh.check(SYNCED)
        fresh.attrs = ["Name", "When"]  # somebody brings the mapping up to date
        await fresh.learn()
        page_id = await person.make_page(source, When={"date": {"start": "2026-07-01"}})
        assert (await only(fresh)).id == page_id
        assert (await only(fresh)).values["When"] is not None
    finally:
        await fresh.close()


async def test_another_column_under_the_former_name_is_not_taken_for_it(
    side: Wired, person: Person, source: str
) -> None:
    await person.patch_columns(source, {"Effort": {"name": "Hours"}})
    await person.patch_columns(source, {"Effort": {"rich_text": {}}})
    fresh = await later(side)
    try:
        found = await fresh.describe()
        assert (found["Effort"].kind, found["Hours"].kind) == (Kind.NUMBER, Kind.NUMBER)
    finally:
        await fresh.close()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"Effort": None}, "no longer has a property 'Effort'"),
        ({"Effort": {"type": "rich_text", "rich_text": {}}}, "was of type number and is rich_text now"),
    ],
    ids=["deleted", "of another type"],
)
async def test_a_column_that_is_gone_is_described_as_it_was_so_that_the_check_says_what_became_of_it(
    side: Wired, person: Person, source: str, change: dict[str, Any], words: str
) -> None:
    before = (await side.describe())["Effort"]
    await person.patch_columns(source, change)
    fresh = await later(side)
    try:
        assert (await fresh.describe())["Effort"] == before
        with pytest.raises(TaskDefinitionError, match=words):
            await fresh.check(SYNCED)
    finally:
        await fresh.close()


async def test_a_column_that_somebody_looked_after_has_a_form_of_its_own_before_and_after_the_check(
    side: Wired, person: Person, source: str
) -> None:
    await person.patch_columns(source, {"Effort": {"type": "rich_text", "rich_text": {}}})
    effort = (await person.send("GET", f"data_sources/{source}"))["properties"]["Effort"]["id"]
    fresh = await later(side, column_ids={"Effort": effort})
    try:
        found = (await fresh.describe())["Effort"]
        assert (found.kind, found.form != "") == (Kind.TEXT, True)
        await fresh.check(SYNCED)
        assert (await fresh.describe())["Effort"] == found
    finally:
        await fresh.close()


async def test_an_option_of_rows_that_was_made_anew_changes_the_form_once(
    side: Wired, person: Person, source: str
) -> None:
    await person.make_page(source, Name=person.text("Paint"), Area={"select": {"name": "Home"}})
    await side.list()
    before = (await side.describe())["Area"].form
    await person.patch_columns(source, {"Area": {"select": {"options": [{"name": "Away"}]}}})
    await person.patch_columns(source, {"Area": {"select": {"options": [{"name": "Home"}]}}})
    fresh = await later(side)
    try:
        anew = (await fresh.describe())["Area"].form
        assert (before, anew != "") == ("", True)
        await fresh.check(SYNCED)
        assert (await fresh.describe())["Area"].form == anew
    finally:
        await fresh.close()


async def test_what_notion_computes_is_read_and_is_nobodys_edit(
    person: Person, source: str, side: Wired
) -> None:
    watching = Wired(person.url, source, ["Name", "Seen", "Maker"])
    watching.look_counts_for = timedelta(0)
    await watching.open()
    try:
        await watching.learn()
        await person.arrange("POST", "clock", {"now": "2026-05-01T10:00:00Z"})
        page_id = await person.make_page(source, Name=person.text("Paint"))
        page = await only(watching)
        assert page.values["Seen"] == page.last_edited
        assert len(page.values["Maker"]) == 1
        await person.arrange("POST", "clock", {"advance": 300})
        await person.edit(page_id, Effort={"number": 1})
        written = await watching.update(page, {"Name": "Paint all"})
        assert (written.title, written.values["Seen"] > page.values["Seen"]) == ("Paint all", True)
    finally:
        await watching.close()
