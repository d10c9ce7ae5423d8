"""A Notion data source as a side, against the local Notion workspace, with people who edit in between."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date

import httpx
import pytest

from sandbox.notion import Limits
from tasks.errors import (
    ItemError,
    PreconditionError,
    SideError,
)
from tests.tasks.services.notion.chores import VALUES, listed, only, side, source
from tests.tasks.services.notion.person import Person
from tests.tasks.services.notion.wired import Wired

__all__ = ["side", "source"]


async def test_every_type_comes_back_as_it_was_written(side: Wired) -> None:
    made = await side.make(**VALUES)
    assert side.values(made) == VALUES
    page = await only(side)
    assert side.values(page) == VALUES
    assert side.id(page) == side.id(made)
    assert side.key(page) == "paint the fence"
    assert side.edited(page).second == 0


async def test_every_type_can_be_changed_and_emptied_in_one_write(side: Wired) -> None:
    made = await side.make(**VALUES)
    other = {
        "Name": "Mend the gate",
        "Notes": "",
        "Effort": -1,
        "Done": False,
        "Area": "Home",
        "Tags": ("winter",),
        "State": "Ready",
        "Due": date(2026, 8, 1),
        "Link": None,
        "Mail": None,
        "Phone": None,
    }
    side.wire.sent.clear()
    changed = await side.update(made, other)
    assert side.values(changed) == other == side.values(await only(side))
    assert [method for method, _ in side.wire.sent if method != "POST"] == ["GET", "PATCH"]
    empty = {**dict.fromkeys(other), "Name": "", "Notes": "", "Done": False, "Tags": ()}
    del empty["State"]
    emptied = await side.update(changed, empty)
    assert {**side.values(emptied), "State": None} == {**empty, "State": None}


async def test_more_rows_than_one_answer_holds(side: Wired, person: Person, source: str) -> None:
    ids = {await person.make_page(source, Name=person.text(f"Chore {n}")) for n in range(230)}
    pages = await listed(side)
    assert {page.id for page in pages} == ids
    assert len(pages) == 230
    assert len(side.wire.sent) == 1 + 3


class TestFewResultsPerQuery:
    """With a limit of 150 rows per query, in place of 10,000."""

    @pytest.fixture
    def limits(self) -> Limits:
        return Limits(query_results=150)

    async def test_all_rows_are_found_beyond_the_limit(
        self, side: Wired, person: Person, source: str
    ) -> None:
        ids = set()
        await person.arrange("POST", "clock", {"now": "2026-05-01T10:00:00Z"})
        for n in range(400):
            if n % 60 == 0:
                await person.arrange("POST", "clock", {"advance": 60})
            ids.add(await person.make_page(source, Name=person.text(f"Chore {n}")))
        pages = await listed(side)
        assert {page.id for page in pages} == ids
        assert len(pages) == 400

    async def test_a_poll_of_more_rows_than_the_limit_takes_three_requests(
        self, side: Wired, person: Person, source: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tasks.services.notion.rows.watermark.SETTLED", 0.0)
        await person.arrange("POST", "clock", {"now": "2026-05-01T10:00:00Z"})
        for n in range(240):
            if n % 80 == 0:
                await person.arrange("POST", "clock", {"advance": 60})
            await person.make_page(source, Name=person.text(f"Chore {n}"))
        cursor = (await side.list()).cursor
        cursor = (await side.changes(cursor)).cursor
        side.wire.sent.clear()
        await side.learn()
        changes = await side.changes(cursor)
        assert (len(side.wire.sent), list(changes.changed), changes.partial) == (3, [], None)

    async def test_too_many_rows_of_one_minute_are_no_complete_listing(
        self, side: Wired, person: Person, source: str
    ) -> None:
        await person.arrange("POST", "clock", {"now": "2026-05-01T10:00:00Z"})
        for n in range(160):
            await person.make_page(source, Name=person.text(f"Chore {n}"))
        listing = await side.list()
        assert len(listing) == 150
        assert "more were created in one minute" in str(listing.partial)


async def test_cursors_that_are_forgotten_in_the_middle(side: Wired, person: Person, source: str) -> None:
    # In one minute: the listing that is taken up again from the last one then has two answers once more.
    await person.arrange("POST", "clock", {"now": "2026-05-01T10:00:00Z"})
    ids = {await person.make_page(source, Name=person.text(f"Chore {n}")) for n in range(130)}
    forgotten = 0

    async def happens(
        request: httpx.Request, onwards: Callable[[], Awaitable[httpx.Response]]
    ) -> httpx.Response:
        nonlocal forgotten
        if b"start_cursor" in request.content and forgotten < 2:
            forgotten += 1
            await person.arrange("POST", "forget_cursors", {})
        return await onwards()

    side.wire.happens = happens
    pages = await listed(side)
    assert {page.id for page in pages} == ids
    assert len(pages) == 130
    assert forgotten == 2


async def test_a_new_option_is_made_and_a_new_status_is_refused(side: Wired) -> None:
    made = await side.make(Name="a", Area="Attic")
    assert made.values["Area"] == "Attic"
    with pytest.raises(ItemError, match=r"'State'.*'Lost' does not exist.*To do, Doing, Ready"):
        await side.update(made, {"State": "Lost"})


async def test_a_property_that_is_not_synced_is_refused(side: Wired) -> None:
    with pytest.raises(ItemError, match="does not sync a Notion property 'Private'"):
        await side.make(Private="x")


# -- what people do in between --------------------------------------------------------------------------------


async def test_formatting_stays_where_the_text_does(side: Wired, person: Person, source: str) -> None:
    bold = [{"type": "text", "text": {"content": "two coats"}, "annotations": {"bold": True}}]
    page_id = await person.make_page(source, Name=person.text("Paint"), Notes={"rich_text": bold})
    page = await only(side)
    await side.update(page, {"Name": "Paint all", "Notes": "two coats"})
    notes = (await person.page(page_id))["properties"]["Notes"]["rich_text"]
    assert notes[0]["annotations"]["bold"] is True


async def test_an_edit_between_listing_and_writing_is_not_overwritten(
    side: Wired, person: Person, source: str
) -> None:
    page_id = await person.make_page(source, Name=person.text("Paint"))
    page = await only(side)
    await person.edit(page_id, Name=person.text("Paint it black"))
    for attr, value in {"Name": "Paint it red", "Effort": 1}.items():
        with pytest.raises(PreconditionError, match=r"edited while the sync ran \(Name\)"):
            await side.update(page, {attr: value})
    with pytest.raises(PreconditionError, match="edited"):
        await side.delete(page)
    assert (await only(side)).values["Name"] == "Paint it black"


async def test_an_edit_of_what_is_not_synced_does_not_matter(
    side: Wired, person: Person, source: str
) -> None:
    page_id = await person.make_page(source, Name=person.text("Paint"))
    page = await only(side)
    await person.edit(page_id, Private={"rich_text": person.text("mine")["title"]})
    changed = await side.update(page, {"Effort": 1})
    assert changed.values["Effort"] == 1


async def test_what_holds_its_new_value_already_is_not_sent(side: Wired, person: Person, source: str) -> None:
    page_id = await person.make_page(source, Name=person.text("Paint"))
    page = await only(side)
    await person.edit(page_id, Effort={"number": 3})
    side.wire.sent.clear()
    changed = await side.update(page, {"Effort": 3})
    assert changed.values["Effort"] == 3
    assert [method for method, _ in side.wire.sent] == ["GET"]


async def test_the_end_of_a_date_stays_also_when_it_was_set_after_the_listing(
    side: Wired, person: Person, source: str
) -> None:
    page_id = await person.make_page(source, Due={"date": {"start": "2026-07-01"}})
    page = await only(side)
    await person.edit(page_id, Due={"date": {"start": "2026-07-01", "end": "2026-07-09"}})
    page = await side.update(page, {"Due": date(2026, 7, 3)})
    held = (await person.page(page_id))["properties"]["Due"]["date"]
    assert (held["start"], held["end"]) == ("2026-07-03", "2026-07-09")
    await side.update(page, {"Due": date(2026, 7, 10)})
    held = (await person.page(page_id))["properties"]["Due"]["date"]
    assert (held["start"], held["end"]) == ("2026-07-10", "2026-07-16")


async def test_deleting_is_moving_to_the_trash(side: Wired, person: Person, source: str) -> None:
    page_id = await person.make_page(source, Name=person.text("Paint"))
    page = await only(side)
    assert await side.is_gone(page_id) is False
    await side.delete(page)
    await side.delete(page)
    assert await listed(side) == []
    assert await side.is_gone(page_id) is True
    with pytest.raises(PreconditionError, match="moved to the trash while the sync ran"):
        await side.update(page, {"Effort": 1})
    await person.patch_page(page_id, {"in_trash": False})
    assert await side.is_gone(page_id) is False
    assert len(await listed(side)) == 1


async def test_rows_that_went_into_the_trash_with_their_database_are_not_gone(
    side: Wired, person: Person, source: str
) -> None:
    page_id = await person.make_page(source, Name=person.text("Paint"))
    page = await only(side)
    database = (await person.send("GET", f"data_sources/{source}"))["parent"]["database_id"]
    for path in (f"databases/{database}", f"data_sources/{source}"):
        await person.send("PATCH", path, {"in_trash": True})
        assert (await person.page(page_id))["in_trash"] is True
        assert await side.is_gone(page_id) is False
        with pytest.raises(SideError, match="is in the trash: restore it"):
            await side.learn()
        with pytest.raises(PreconditionError, match="trash"):
            await side.update(page, {"Effort": 1})
        await person.send("PATCH", path, {"in_trash": False})
    await side.delete(await only(side))
    assert await side.is_gone(page_id) is True


async def test_a_page_that_is_not_shared_any_more_is_not_gone(
    side: Wired, person: Person, source: str
) -> None:
    page_id = await person.make_page(source, Name=person.text("Paint"))
    page = await only(side)
    await person.arrange("POST", "erase", {"id": page_id})
    assert await listed(side) == []
    assert await side.is_gone(page_id) is False
    with pytest.raises(ItemError, match=f"page {page_id}: Could not find page"):
        await side.update(page, {"Effort": 1})


async def test_a_page_that_was_moved_is_not_gone_and_not_written(
    side: Wired, person: Person, source: str
) -> None:
    page_id = await person.make_page(source, Name=person.text("Paint"))
    page = await only(side)
    other = await person.make_data_source("Elsewhere", {"Name": {"title": {}}})
    parent = {"type": "data_source_id", "data_source_id": other}
    await person.send("POST", f"pages/{page_id}/move", {"parent": parent})
    assert await listed(side) == []
    assert await side.is_gone(page_id) is False
    for write in (side.update(page, {"Name": "x"}), side.delete(page)):
        with pytest.raises(PreconditionError, match="moved out of the data source"):
            await write
    assert (await person.page(page_id))["in_trash"] is False


async def test_an_archived_page_is_not_listed_and_not_gone(side: Wired, person: Person, source: str) -> None:
    page_id = await person.make_page(source, Name=person.text("Paint"))
    await person.patch_page(page_id, {"is_archived": True})
    assert await listed(side) == []
    assert await side.is_gone(page_id) is False
    await person.patch_page(page_id, {"is_archived": False})
    assert len(await listed(side)) == 1
