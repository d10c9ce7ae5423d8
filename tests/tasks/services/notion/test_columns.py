"""Columns and places that are renamed, replaced, of another type, or not there: what goes on, and what halts."""

from __future__ import annotations

import pytest

from tasks.errors import (
    SideError,
    TaskDefinitionError,
)
from tests.tasks.services.notion.chores import VALUES, only, side, source
from tests.tasks.services.notion.person import Person
from tests.tasks.services.notion.wired import Wired

__all__ = ["side", "source"]


async def test_a_renamed_property_goes_on_working_and_is_told(
    side: Wired, person: Person, source: str, caplog: pytest.LogCaptureFixture
) -> None:
    page_id = await person.make_page(source, Name=person.text("Paint"), Effort={"number": 1})
    await person.patch_columns(source, {"Effort": {"name": "Hours"}})
    await side.learn()
    assert "Notion property 'Effort' is called 'Hours' now" in caplog.text
    page = await only(side)
    assert page.values["Effort"] == 1
    await side.update(page, {"Effort": 5})
    assert (await person.page(page_id))["properties"]["Hours"]["number"] == 5
    caplog.clear()
    await side.learn()
    assert caplog.text == ""


async def test_a_fresh_process_finds_a_renamed_property_by_its_id_only(
    side: Wired, person: Person, source: str
) -> None:
    due = side._opened.reader.columns["Due"].id
    await person.patch_columns(source, {"Due": {"name": "Deadline"}})
    fresh = Wired(person.url, source, VALUES)
    pinned = Wired(person.url, source, VALUES, column_ids={"Due": due})
    other = Wired(person.url, source, VALUES, column_ids={"Age": "x"})
    for side in (fresh, pinned, other):
        await side.open()
    try:
        with pytest.raises(TaskDefinitionError, match=r"no property 'Due'; it has: Area, Deadline"):
            await fresh.learn()
        await pinned.learn()
        assert pinned._opened.reader.columns["Due"].name == "Deadline"
        with pytest.raises(TaskDefinitionError, match="column_ids names Age, which the mapping does not"):
            await other.learn()
    finally:
        for side in (fresh, pinned, other):
            await side.close()


async def test_a_rename_in_the_middle_of_a_run_does_no_harm(side: Wired, person: Person, source: str) -> None:
    page_id = await person.make_page(source, Name=person.text("Paint"), Effort={"number": 1})
    page = await only(side)
    await person.patch_columns(source, {"Effort": {"name": "Hours"}})
    assert (await side.update(page, {"Effort": 5})).values["Effort"] == 5
    assert (await person.page(page_id))["properties"]["Hours"]["number"] == 5


async def test_a_property_that_was_deleted_in_the_middle_of_a_run(
    side: Wired, person: Person, source: str
) -> None:
    await person.make_page(source, Name=person.text("Paint"))
    page = await only(side)
    await person.patch_columns(source, {"Effort": None})
    with pytest.raises(SideError, match="property 'Effort' disappeared"):
        await side.list()
    with pytest.raises(SideError, match="property 'Effort' disappeared"):
        await side.update(page, {"Name": "x"})


async def test_a_property_of_another_type_than_before(side: Wired, person: Person, source: str) -> None:
    await person.patch_columns(source, {"Phone": {"type": "rich_text", "rich_text": {}}})
    with pytest.raises(TaskDefinitionError, match="'Phone' was of type phone_number and is rich_text now"):
        await side.learn()


async def test_another_property_under_the_old_name(side: Wired, person: Person, source: str) -> None:
    await person.patch_columns(source, {"Effort": None})
    await person.patch_columns(source, {"Effort": {"type": "number", "number": {}}})
    with pytest.raises(TaskDefinitionError, match="'Effort' is the name of another property than before"):
        await side.learn()


async def test_types_that_do_not_fit(person: Person) -> None:
    columns = {"Name": {"title": {}}, "Sum": {"formula": {"expression": "1 + 1"}}}
    source = await person.make_data_source("Odd", columns)
    computed = Wired(person.url, source, ["Sum"])
    named = Wired(person.url, source, ["Name"], date_ranges=["Name"])
    for odd, words in [
        (computed, "'Sum' is of type formula, which Notion itself computes, so that it cannot be synced"),
        (named, "property 'Name' is of type title, but must be date"),
    ]:
        await odd.open()
        try:
            with pytest.raises(TaskDefinitionError, match=words):
                await odd.learn()
        finally:
            await odd.close()


async def test_a_database_stands_for_its_only_data_source(person: Person) -> None:
    made = await person.arrange(
        "POST", "data_sources", {"title": "One", "properties": {"Name": {"title": {}}}}
    )
    side = Wired(person.url, made["database_id"], ["Name"])
    await side.open()
    try:
        await side.learn()
        page = await side.make(Name="Paint")
        assert page.data_source == made["data_source_id"]
        assert (await only(side)).id == page.id
    finally:
        await side.close()


async def test_a_data_source_that_is_not_shared(side: Wired, person: Person, source: str) -> None:
    await person.arrange("POST", "erase", {"id": source})
    with pytest.raises(SideError, match=rf"{source} does not exist.*share it with the integration"):
        await side.learn()


async def test_a_token_that_notion_does_not_know(person: Person, source: str) -> None:
    side = Wired(person.url, source, VALUES, token="ntn_wrong_secret")
    await side.open()
    try:
        with pytest.raises(SideError, match="Notion refuses the token: check NOTION_TOKEN") as caught:
            await side.learn()
    finally:
        await side.close()
    assert "ntn_wrong_secret" not in str(caught.value)


async def test_a_data_source_in_the_trash(side: Wired, person: Person, source: str) -> None:
    await person.send("PATCH", f"data_sources/{source}", {"in_trash": True})
    with pytest.raises(SideError, match=r"'Chores' is in the trash|does not exist"):
        await side.learn()
