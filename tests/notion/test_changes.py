"""Changes since the last listing: as good as another listing, for fewer requests."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tasks.errors import CursorExpiredError
from tasks.notion import side
from tasks.notion.page import Page
from tasks.notion.watermark import Watermark
from tests.notion.person import Person
from tests.notion.test_side import COLUMNS, Rows

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.fixture
async def source(person: Person) -> str:
    return await person.make_data_source("Chores", COLUMNS)


async def opened(person: Person, source: str, **options: Any) -> Rows:
    task = Rows(person.url, source, {"Name": "name", "Effort": "effort"}, **options)
    await task.open()
    await task.check()
    return task


def shown(pages: list[Page]) -> dict[str, Any]:
    return {page.id: dict(page.values) for page in pages}


@pytest.mark.parametrize("seed", range(4))
async def test_changes_put_on_the_last_listing_give_the_next_one(
    person: Person, source: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(side, "PAGE_SIZE", 2)
    chance = random.Random(seed)
    ids = [await person.make_page(source, Name=person.text(f"Row {n}")) for n in range(6)]
    task = await opened(person, source)
    try:
        listing = await task.get_notion_objects()
        known, cursor = shown(listing), listing.cursor
        for step in range(8):
            for _ in range(chance.randrange(3)):
                if chance.random() < 0.3:
                    ids.append(await person.make_page(source, Name=person.text(f"New {step}")))
                else:
                    await person.edit(chance.choice(ids), Effort={"number": chance.randrange(100)})
            changes = await task.notion_changes(cursor)
            assert changes.partial is None
            known, cursor = known | shown(list(changes.changed)), changes.cursor
            assert known == shown(await task.get_notion_objects())
    finally:
        await task.close()


async def test_a_listing_of_one_answer_needs_no_changes(person: Person, source: str) -> None:
    await person.make_page(source, Name=person.text("Paint"))
    task = await opened(person, source)
    try:
        assert (await task.get_notion_objects()).cursor is None
    finally:
        await task.close()


async def test_a_poll_takes_two_requests_and_only_the_columns_of_the_task(
    person: Person, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(side, "PAGE_SIZE", 2)
    for n in range(3):
        await person.make_page(source, Name=person.text(f"Row {n}"))
    task = await opened(person, source)
    try:
        listing = await task.get_notion_objects()
        assert {len(page.properties) for page in listing} == {2}
        task.wire.sent.clear()
        await task.check()
        await task.notion_changes(listing.cursor)
        assert [method for method, _ in task.wire.sent] == ["GET", "POST"]
    finally:
        await task.close()


async def test_a_filter_holds_for_listings_and_changes_and_names_the_scope(
    person: Person, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(side, "PAGE_SIZE", 1)
    for n in range(5):
        await person.make_page(source, Name=person.text(f"Row {n}"), Effort={"number": n})
    small = {"property": "Effort", "number": {"less_than": 2}}
    named = {
        "and": [
            {"property": "Effort", "number": {"equals": 4}},
            {"property": "Done", "checkbox": {"equals": False}},
        ]
    }
    task = await opened(person, source, filter={"or": [small, named]})
    other = await opened(person, source)
    try:
        listing = await task.get_notion_objects()
        assert sorted(page.values["Effort"] for page in listing) == [0, 1, 4]
        changes = await task.notion_changes(listing.cursor)
        assert sorted(page.values["Effort"] for page in changes.changed) == [0, 1, 4]
        with pytest.raises(CursorExpiredError):
            await other.notion_changes(listing.cursor)
        for cursor in (None, 3, {}, {"since": "x"}):
            with pytest.raises(CursorExpiredError):
                await task.notion_changes(cursor)
    finally:
        await task.close()
        await other.close()


async def test_one_row_by_its_id(person: Person, source: str) -> None:
    page_id = await person.make_page(source, Name=person.text("Paint"))
    elsewhere = await person.make_data_source("Other", COLUMNS)
    foreign = await person.make_page(elsewhere, Name=person.text("Foreign"))
    task = await opened(person, source)
    try:
        found = await task.notion_get_obj(page_id)
        assert found is not None
        assert found.title == "Paint"
        assert await task.notion_get_obj(foreign) is None
        assert await task.notion_get_obj("00000000-0000-4000-8000-000000000000") is None
        await person.patch_page(page_id, {"in_trash": True})
        assert await task.notion_get_obj(page_id) is None
    finally:
        await task.close()


def test_the_mark_lies_before_all_that_can_have_been_missed() -> None:
    first = Watermark.of_walk("s", [NOON, NOON - timedelta(hours=1)], seconds=90, now=1000, before=None)
    assert datetime.fromisoformat(first.since) == NOON - timedelta(minutes=4)
    again = Watermark.of_walk("s", [NOON], seconds=1, now=1100, before=first)
    assert again == first


def test_a_minute_that_is_long_over_is_left_behind() -> None:
    """Otherwise what was imported in one go would be read again by every poll."""
    first = Watermark.of_walk("s", [NOON], seconds=1, now=1000, before=None)
    later = Watermark.of_walk("s", [NOON], seconds=1, now=1400, before=first)
    assert datetime.fromisoformat(later.since) == NOON + timedelta(minutes=1)
    assert Watermark.of_walk("s", [], seconds=1, now=1500, before=later) == later
    backwards = Watermark.of_walk("s", [NOON], seconds=1, now=10, before=first)
    assert datetime.fromisoformat(backwards.since) <= NOON - timedelta(minutes=2)
