"""Changes since the last listing: as good as another listing, for fewer requests."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tasks.errors import CursorExpiredError
from tasks.journal.state import State
from tasks.journal.state_journal import StateJournal
from tasks.services.notion.pages.page import Page
from tasks.services.notion.rows.watermark import Watermark
from tasks.sides import Attribute, Kind, Side
from tasks.two_way import TwoWay
from tests.tasks.services.notion.chores import COLUMNS
from tests.tasks.services.notion.person import Person
from tests.tasks.services.notion.wired import Wired

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.fixture
async def source(person: Person) -> str:
    return await person.make_data_source("Chores", COLUMNS)


async def opened(person: Person, source: str, **options: Any) -> Wired:
    rows = Wired(person.url, source, ["Name", "Effort"], **options)
    await rows.open()
    await rows.learn()
    return rows


def shown(pages: list[Page]) -> dict[str, Any]:
    return {page.id: dict(page.values) for page in pages}


@pytest.mark.parametrize("seed", range(4))
async def test_changes_put_on_the_last_listing_give_the_next_one(
    person: Person, source: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.services.notion.rows.listing.PAGE_SIZE", 2)
    chance = random.Random(seed)
    ids = [await person.make_page(source, Name=person.text(f"Row {n}")) for n in range(6)]
    rows = await opened(person, source)
    try:
        listing = await rows.list()
        known, cursor = shown(listing), listing.cursor
        for step in range(8):
            for _ in range(chance.randrange(3)):
                if chance.random() < 0.3:
                    ids.append(await person.make_page(source, Name=person.text(f"New {step}")))
                else:
                    await person.edit(chance.choice(ids), Effort={"number": chance.randrange(100)})
            changes = await rows.changes(cursor)
            assert changes.partial is None
            known, cursor = known | shown(list(changes.changed)), changes.cursor
            assert known == shown(await rows.list())
    finally:
        await rows.close()


async def test_a_listing_of_one_answer_needs_no_changes(person: Person, source: str) -> None:
    await person.make_page(source, Name=person.text("Paint"))
    rows = await opened(person, source)
    try:
        assert (await rows.list()).cursor is None
    finally:
        await rows.close()


async def test_a_poll_takes_three_requests_and_only_the_columns_of_the_task(
    person: Person, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.services.notion.rows.listing.PAGE_SIZE", 2)
    for n in range(3):
        await person.make_page(source, Name=person.text(f"Row {n}"))
    rows = await opened(person, source)
    try:
        listing = await rows.list()
        assert {len(page.properties) for page in listing} == {2}
        rows.wire.sent.clear()
        await rows.learn()
        await rows.changes(listing.cursor)
        assert [method for method, _ in rows.wire.sent] == ["GET", "POST", "POST"]
    finally:
        await rows.close()


async def test_a_filter_holds_for_listings_and_changes_and_names_the_scope(
    person: Person, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.services.notion.rows.listing.PAGE_SIZE", 1)
    for n in range(5):
        await person.make_page(source, Name=person.text(f"Row {n}"), Effort={"number": n})
    small = {"property": "Effort", "number": {"less_than": 2}}
    named = {
        "and": [
            {"property": "Effort", "number": {"equals": 4}},
            {"property": "Done", "checkbox": {"equals": False}},
        ]
    }
    rows = await opened(person, source, filter={"or": [small, named]})
    other = await opened(person, source)
    try:
        listing = await rows.list()
        assert sorted(page.values["Effort"] for page in listing) == [0, 1, 4]
        changes = await rows.changes(listing.cursor)
        assert sorted(page.values["Effort"] for page in changes.changed) == [0, 1, 4]
        with pytest.raises(CursorExpiredError):
            await other.changes(listing.cursor)
        for cursor in (None, 3, {}, {"since": "x"}):
            with pytest.raises(CursorExpiredError):
                await rows.changes(cursor)
    finally:
        await rows.close()
        await other.close()


async def test_one_row_by_its_id(person: Person, source: str) -> None:
    page_id = await person.make_page(source, Name=person.text("Paint"))
    elsewhere = await person.make_data_source("Other", COLUMNS)
    foreign = await person.make_page(elsewhere, Name=person.text("Foreign"))
    rows = await opened(person, source)
    try:
        found = await rows.get(page_id)
        assert found is not None
        assert found.title == "Paint"
        assert await rows.get(foreign) is None
        assert await rows.get("00000000-0000-4000-8000-000000000000") is None
        await person.patch_page(page_id, {"in_trash": True})
        assert await rows.get(page_id) is None
    finally:
        await rows.close()


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


async def test_a_renamed_option_is_told_and_all_rows_are_listed(
    person: Person, source: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It changes what rows show without an edit of any."""
    monkeypatch.setattr("tasks.services.notion.rows.listing.PAGE_SIZE", 1)
    for n in range(3):
        await person.make_page(source, Name=person.text(f"Row {n}"), Area={"select": {"name": "Home"}})
    rows = Wired(person.url, source, ["Name", "Area"])
    await rows.open()
    try:
        await rows.learn()
        cursor = (await rows.list()).cursor
        cursor = (await rows.changes(cursor)).cursor
        (option,) = rows._opened.reader.columns["Area"].option_names
        await person.patch_columns(
            source, {"Area": {"select": {"options": [{"id": option, "name": "House"}]}}}
        )
        await rows.learn()
        assert "option 'Home' of Notion property 'Area' is called 'House' now" in caplog.text
        with pytest.raises(CursorExpiredError, match="option was renamed"):
            await rows.changes(cursor)
        assert {page.values["Area"] for page in await rows.list()} == {"House"}
    finally:
        await rows.close()


class Shelf(Side):
    """A dictionary as a side."""

    label = "the shelf"

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, Any]] = {}
        self.writes = 0

    def describe(self) -> dict[str, Attribute]:
        return {"name": Attribute(Kind.TEXT), "effort": Attribute(Kind.NUMBER)}

    def list(self) -> Any:
        return [*self.kept.items()]

    def id(self, obj: Any) -> str:
        return str(obj[0])

    def key(self, obj: Any) -> str:
        return str(obj[1]["name"]).casefold()

    def edited(self, obj: Any) -> datetime:
        return NOON

    def values(self, obj: Any) -> dict[str, Any]:
        return dict(obj[1])

    def create(self, key: str, values: dict[str, Any]) -> Any:
        self.writes += 1
        self.kept[f"k{self.writes}"] = values
        return f"k{self.writes}", values

    def update(self, obj: Any, changes: dict[str, Any]) -> Any:
        return NotImplemented

    def update_one(self, obj: Any, attribute: str, value: Any) -> None:
        self.writes += 1
        self.kept[obj[0]][attribute] = value

    def delete(self, obj: Any) -> None:
        self.writes += 1
        del self.kept[obj[0]]


async def test_runs_by_changes_carry_edits_both_ways_and_no_echo(
    person: Person, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.services.notion.rows.listing.PAGE_SIZE", 2)
    ids = [await person.make_page(source, Name=person.text(f"Row {n}")) for n in range(4)]
    attrs = {"Name": "name", "Effort": "effort"}
    rows, shelf, journal = Wired(person.url, source, attrs), Shelf(), StateJournal(State())
    task = TwoWay("rows", rows, shelf, attrs)

    async def run() -> list[str]:
        report = await task.run(journal)
        assert report.status == "succeeded"
        return [method for method, _ in rows.wire.sent]

    await run()
    assert shelf.writes == 4
    assert await run() == ["GET", "POST", "POST"]
    await person.edit(ids[1], Effort={"number": 7})
    assert await run() == ["GET", "POST", "POST"]
    assert shelf.writes == 5
    assert sorted(row["effort"] or 0 for row in shelf.kept.values()) == [0, 0, 0, 7]
    key = next(key for key, row in shelf.kept.items() if row["name"] == "Row 2")
    shelf.kept[key]["effort"] = 9
    shelf.kept["new"] = {"name": "Row 9", "effort": 1}
    sent = await run()
    # The write that comes second looks at its row by a query, as the first one said what time it is in Notion.
    look = "GET" if sent.count("GET") == 2 else "POST"
    assert sorted(sent) == sorted(["GET", "PATCH", "POST", "POST", "POST", look])
    assert (await person.page(ids[2]))["properties"]["Effort"]["number"] == 9
    before = dict(shelf.kept)
    assert await run() == ["GET", "POST", "POST"]
    assert (shelf.writes, shelf.kept) == (5, before)
    await person.patch_page(ids[0], {"in_trash": True})
    task.full_listing_every = timedelta(0)
    await run()
    assert len(shelf.kept) == 4
