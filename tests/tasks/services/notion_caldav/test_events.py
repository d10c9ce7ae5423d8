"""Events between a local Notion workspace and a real radicale."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr

from tasks.engine.report import RunReport
from tasks.journal.file import FileJournal
from tasks.services.caldav import (
    Entry,
    Events,
)
from tasks.services.caldav.radicale_server import RadicaleServer
from tasks.services.notion import DataSource, LocalThrottle
from tasks.two_way import TwoWay
from tasks.values.date_range import DateRange
from tests.tasks.services.caldav.test_event import OVERRIDDEN, SERIES, event
from tests.tasks.services.notion.person import Person

COLUMNS: dict[str, Any] = {
    "Name": {"title": {}},
    "Notes": {"rich_text": {}},
    "Place": {"rich_text": {}},
    "When": {"date": {}},
    "Status": {"select": {"options": [{"name": "confirmed"}, {"name": "tentative"}, {"name": "cancelled"}]}},
    "Tags": {"multi_select": {"options": []}},
    "Who": {"rich_text": {}},
    "By": {"email": {}},
}
MAPPING: dict[str, Any] = {
    "Name": "summary",
    "Notes": "description",
    "Place": "location",
    "When": "when",
    "Status": "status",
    "Tags": "categories",
    "Who": {"to": "attendees", "only_to": "left"},
    "By": {"to": "organizer", "only_to": "left"},
}


@dataclass
class Office:
    """One data source, one calendar of events, and the task between them."""

    person: Person
    radicale: RadicaleServer
    source: str
    calendar_url: str
    folder: Path

    def task(self, **calendar: Any) -> TwoWay:
        rows = DataSource(
            self.source,
            token=SecretStr("ntn_test"),
            base_url=self.person.url,
            throttle=LocalThrottle(1000, 1000),
            date_ranges=["When"],
        )
        return TwoWay("events", rows, self.events(**calendar), MAPPING)

    def events(self, **calendar: Any) -> Events:
        login = {"username": self.radicale.username, "password": self.radicale.password}
        return Events(self.calendar_url, **login, **calendar)

    async def run(self, **calendar: Any) -> RunReport:
        return await self.task(**calendar).run(FileJournal(self.folder / "events.json"))

    async def sync(self, **calendar: Any) -> dict[str, int]:
        """Run twice: the first does the work, the second must write nothing."""
        report = await self.run(**calendar)
        assert (report.status, report.reason) == ("succeeded", "")
        again = await self.run(**calendar)
        # What goes one way only is known of a new object when it was seen once.
        assert (again.status, +again.outcome.counts - Counter(agreed=10)) == ("succeeded", Counter())
        return dict(report.outcome.counts)

    @asynccontextmanager
    async def calendar(self) -> AsyncIterator[Events]:
        side = self.events()
        await side.open()
        try:
            yield side
        finally:
            await side.close()

    async def listed(self) -> dict[str, Entry]:
        async with self.calendar() as side:
            return {side.title(one): one for one in await side.list()}

    def put(self, name: str, text: str) -> None:
        """What another program does."""
        with self.radicale.http() as http:
            headers = {"Content-Type": "text/calendar"}
            http.put(
                f"{self.calendar_url}{name}.ics", content=text.encode(), headers=headers
            ).raise_for_status()

    async def rows(self) -> dict[str, dict[str, Any]]:
        found = await self.person.send("POST", f"data_sources/{self.source}/query", {})
        return {page["properties"]["Name"]["title"][0]["plain_text"]: page for page in found["results"]}


@pytest.fixture
async def office(person: Person, radicale: RadicaleServer, tmp_path: Path) -> Office:
    source = await person.make_data_source("Events", COLUMNS)
    calendar_url = radicale.make_calendar(f"events-{uuid4().hex[:8]}", "VEVENT")
    return Office(person, radicale, source, calendar_url, tmp_path)


def shown_date(row: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = row["properties"]["When"]["date"]
    return {name: found[name] for name in ("start", "end")}


async def test_rows_and_events_cross_with_all_their_values(office: Office) -> None:
    await office.person.make_page(
        office.source,
        Name=Person.text("holidays"),
        Notes={"rich_text": [{"text": {"content": "two\nlines"}}]},
        Place={"rich_text": [{"text": {"content": "the sea, south"}}]},
        When={"date": {"start": "2026-07-04", "end": "2026-07-18"}},
        Status={"select": {"name": "tentative"}},
        Tags={"multi_select": [{"name": "b"}, {"name": "a"}]},
    )
    office.put(
        "meeting",
        event(
            "DTSTAMP:20260101T000000Z",
            "SUMMARY:meeting",
            "DTSTART;TZID=Europe/Berlin:20260704T090000",
            "DURATION:PT90M",
            "ORGANIZER:mailto:ada@example.org",
            "ATTENDEE:mailto:bob@example.org",
        ),
    )
    assert await office.sync() == {"left_created": 1, "right_created": 1}
    events, rows = await office.listed(), await office.rows()
    assert set(events) == set(rows) == {"holidays", "meeting"}
    holidays = events["holidays"]
    assert holidays.values["when"] == DateRange(date(2026, 7, 4), date(2026, 7, 18))
    assert "DTEND;VALUE=DATE:20260719" in holidays.text
    assert [holidays.values[name] for name in ("location", "status", "categories")] == [
        "the sea, south",
        "tentative",
        ("a", "b"),
    ]
    meeting = rows["meeting"]["properties"]
    assert meeting["When"]["date"]["start"].startswith("2026-07-04T09:00")
    assert meeting["When"]["date"]["end"].startswith("2026-07-04T10:30")
    assert meeting["By"]["email"] == "ada@example.org"
    assert meeting["Who"]["rich_text"][0]["plain_text"] == "bob@example.org"


async def test_edits_and_deletions_cross(office: Office) -> None:
    async with office.calendar() as side:
        for number in range(4):
            await side.create(str(number), {"summary": f"event {number}", "when": date(2026, 7, 4 + number)})
    await office.sync()
    rows = await office.rows()
    moved = {"date": {"start": "2026-07-04T07:00:00Z", "end": "2026-07-04T08:00:00Z"}}
    await office.person.edit(rows["event 0"]["id"], When=moved)
    async with office.calendar() as side:
        for one in await side.list():
            if side.title(one) == "event 1":
                await side.update(one, {"when": DateRange(date(2026, 8, 1), date(2026, 8, 3))})
            if side.title(one) == "event 2":
                await side.delete(one)
    await office.person.patch_page(rows["event 3"]["id"], {"in_trash": True})
    assert await office.sync() == {
        "right_updated": 1,
        "left_updated": 1,
        "left_deleted": 1,
        "right_deleted": 1,
    }
    events, rows = await office.listed(), await office.rows()
    assert set(events) == set(rows) == {"event 0", "event 1"}
    seven = datetime(2026, 7, 4, 7, tzinfo=UTC)
    assert events["event 0"].values["when"] == DateRange(seven, seven.replace(hour=8))
    assert shown_date(rows["event 1"]) == {"start": "2026-08-01", "end": "2026-08-03"}


async def test_a_series_is_edited_whole_and_not_moved(office: Office) -> None:
    office.put("series", event("DTSTAMP:20260101T000000Z", "SUMMARY:tea", *SERIES, after=OVERRIDDEN))
    await office.sync()
    row = (await office.rows())["tea"]["id"]
    await office.person.edit(row, Name=Person.text("coffee"), When={"date": {"start": "2026-07-05"}})
    report = await office.run()
    assert report.status == "failed"
    assert "it recurs, so that another time would move all of the series" in report.reason
    text = (await office.listed())["coffee"].text.splitlines()
    for line in ("RRULE:FREQ=WEEKLY;UNTIL=20261231T080000Z;BYDAY=SA", *SERIES[3:], OVERRIDDEN[2]):
        assert line in text
    assert text.count("BEGIN:VEVENT") == 2
    await office.person.edit(
        row, When={"date": {"start": "2026-07-04T07:00:00Z", "end": "2026-07-04T08:00:00Z"}}
    )
    await office.sync()


async def test_a_row_without_a_date_waits_for_one(office: Office) -> None:
    row = await office.person.make_page(office.source, Name=Person.text("someday"))
    await office.person.make_page(
        office.source, Name=Person.text("soon"), When={"date": {"start": "2026-07-05"}}
    )
    report = await office.run()
    assert report.status == "failed"
    assert "an event needs a date" in report.reason
    assert set(await office.listed()) == {"soon"}
    await office.person.edit(row, When={"date": {"start": "2026-07-06"}})
    await office.run()
    assert set(await office.listed()) == {"soon", "someday"}
    assert not {"left_created", "right_created"} & (await office.sync()).keys()
