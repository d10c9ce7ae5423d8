"""The side of events, on real servers, and the page about both sides."""

from __future__ import annotations

import re
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pydantic import ValidationError

from tasks.errors import ItemError, PreconditionError, TaskDefinitionError, UnfitError
from tasks.services.caldav import (
    EVENTS_SERVICE,
    Entry,
    Events,
    Todos,
)
from tasks.services.caldav.entries.event import EVENTS
from tasks.services.caldav.events import EVENT
from tasks.services.caldav.radicale_server import RadicaleServer
from tasks.services.caldav.side import CalendarSide
from tasks.services.caldav.todos import TODO
from tasks.sides import Kind
from tasks.values.date_range import DateRange
from tests.docs.pages import block
from tests.tasks.services.caldav.conftest import Server
from tests.tasks.services.caldav.test_event import OVERRIDDEN, SERIES, event

VALUES = {
    "summary": "Tea; with, all",
    "description": "first line\nsecond — “line” 🏢",
    "location": "Kitchen, 2nd floor",
    "when": DateRange(datetime(2026, 7, 4, 9, tzinfo=UTC), datetime(2026, 7, 4, 10, tzinfo=UTC)),
    "status": "tentative",
    "categories": ("home", "office"),
    "url": "https://example.org/?a=1&b=2",
}


class Place:
    """An empty calendar and the ways to it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.url = server.make_calendar(f"events-{uuid4().hex[:8]}", "VTODO", "VEVENT")

    @asynccontextmanager
    async def run(self, side: type[CalendarSide] = Events, **options: Any) -> AsyncIterator[Any]:
        """A side as a run has it."""
        made = side(self.url, username=self.server.username, password=self.server.password, **options)
        await made.open()
        try:
            made.recall(None, {})
            await made.check(made.describe())
            yield made
        finally:
            await made.close()

    def put(self, name: str, text: str) -> None:
        """What another program does."""
        with self.server.http() as http:
            headers = {"Content-Type": "text/calendar"}
            http.put(f"{self.url}{name}.ics", content=text.encode(), headers=headers).raise_for_status()


@pytest.fixture
def each_place(server: Server) -> Place:
    """On each of the servers."""
    return Place(server)


async def only(side: CalendarSide) -> Entry:
    listing = await side.list()
    assert (listing.partial, listing.unreadable) == (None, {})
    (found,) = listing
    assert isinstance(found, Entry)
    return found


def test_what_it_says_of_its_attributes() -> None:
    assert tuple(Events("https://example.org/x/").describe()) == EVENTS.attributes
    assert EVENT["when"].kind is Kind.SPAN
    assert not any(EVENT[name].writable for name in ("all_day", "recurs", "organizer", "attendees"))


async def test_create_read_update_delete(each_place: Place) -> None:
    async with each_place.run() as side:
        made = await side.create("one", VALUES)
        listed = await only(side)
        assert side.id(made) == side.id(listed) == "one"
        assert {name: side.values(listed)[name] for name in VALUES} == VALUES
        assert side.values(made) == side.values(listed)
        changes = {"summary": "Tea", "when": DateRange(date(2026, 8, 1), date(2026, 8, 2)), "status": None}
        updated = await side.update(listed, changes)
        assert {name: side.values(updated)[name] for name in VALUES} == {**VALUES, **changes}
        assert side.values(await only(side)) == side.values(updated)
        with pytest.raises(PreconditionError):
            await side.update(listed, {"summary": "late"})
        assert not await side.is_gone("one")
        await side.delete(updated)
        assert await side.list() == []
        assert await side.is_gone("one")


async def test_a_series_is_one_object_and_keeps_its_rhythm(each_place: Place) -> None:
    stamp = "DTSTAMP:20260101T000000Z"
    exception = tuple(line.replace("SUMMARY", f"{stamp}\r\nSUMMARY") for line in OVERRIDDEN)
    each_place.put("series", event(stamp, "SUMMARY:tea", *SERIES, after=exception))
    async with each_place.run() as side:
        listed = await only(side)
        before = listed.text
        updated = await side.update(listed, {"summary": "coffee", "location": "kitchen"})
        assert "SUMMARY:coffee" in updated.text
        for name in ("RRULE", "EXDATE", "RDATE", "RECURRENCE-ID", "DTSTART", "DTEND", "X-ODD"):
            found = re.findall(rf"^{name}.*$", before, re.MULTILINE)
            assert found
            assert re.findall(rf"^{name}.*$", updated.text, re.MULTILINE) == found
        with pytest.raises(UnfitError, match="it recurs"):
            await side.update(updated, {"when": DateRange(date(2026, 8, 1))})
    async with each_place.run(series="next") as side:
        after = await side.update(await only(side), {"summary": "tea again"})
        assert side.values(after)["when"].start > datetime(2026, 7, 4, 7, tzinfo=UTC)
        assert side.values(after)["recurs"] is True
        # That time went on since is no doing of the server's.
        assert not {"when", "start", "end"} & side.calendar.late_changes.to_json()["written"]["1"][2].keys()


async def test_todos_and_events_of_one_calendar_do_not_see_each_other(radicale: RadicaleServer) -> None:
    place = Place(radicale)
    async with place.run() as events, place.run(Todos) as todos:
        await events.create("e", VALUES)
        await todos.create("t", {"summary": "buy tea"})
        assert ((await only(events)).uid, (await only(todos)).uid) == ("e", "t")
        assert await events.is_gone("t")
        assert not await todos.is_gone("t")
        with pytest.raises(ItemError):  # its address is taken
            await events.create("t", VALUES)
        assert [one.uid for one in await todos.list()] == ["t"]


async def test_an_event_needs_a_date(radicale: RadicaleServer) -> None:
    async with Place(radicale).run() as side:
        with pytest.raises(ItemError, match="an event needs a date"):
            await side.create("one", {"summary": "tea"})
        assert await side.list() == []
        with pytest.raises(TaskDefinitionError, match="an event has no due, only summary, "):
            await side.check(["summary", "due"])


def test_a_table_of_events() -> None:
    table = {"calendar": "https://example.org/x", "series": "last"}
    with pytest.raises(ValidationError):
        EVENTS_SERVICE.table.model_validate(table)
    with pytest.raises(TaskDefinitionError, match='series is "first" or "next"'):
        Events("https://example.org/x", series="last")  # type: ignore[arg-type]
    assert all(field.description for field in EVENTS_SERVICE.table.model_fields.values())


def test_the_side_on_the_page_is_made_alike_in_both_languages() -> None:
    text = re.sub(r"^# (\w+ = )", r"\1", block("caldav.md", "[sync.caldav_events]").text, flags=re.MULTILINE)
    table = tomllib.loads(text)["sync"]["caldav_events"]
    side = EVENTS_SERVICE.make(EVENTS_SERVICE.table.model_validate(table))
    names: dict[str, Any] = {}
    exec(block("caldav.md", "from tasks.services.caldav import Events").text, names)
    assert isinstance(side, Events)
    assert vars(side) == vars(names["appointments"])


def test_the_page_names_every_attribute_with_its_kind() -> None:
    page = (Path(__file__).parents[4] / "docs/caldav.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `(\w+)` \| ([\w/ ]+) \|", page, re.MULTILINE)
    both = [*TODO.items(), *EVENT.items()]
    assert told == [(name, attribute.kind.value) for name, attribute in both]
    only_read = re.findall(r"^\| `(\w+)` .*only read \|$", page, re.MULTILINE)
    assert only_read == [name for name, attribute in both if not attribute.writable]
