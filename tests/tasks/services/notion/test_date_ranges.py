"""Dates with ends and zones: none of it is lost on the way to Notion and back, nor by a plainer service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import TaskDefinitionError
from tasks.journal.state import State
from tasks.journal.state_journal import StateJournal
from tasks.services.notion.columns.properties import Column, decode, encode
from tasks.services.notion.source.attributes import described
from tasks.values.canonical import same
from tasks.values.date_range import DateRange
from tests.tasks.services.notion.chores import listed
from tests.tasks.services.notion.person import Person
from tests.tasks.services.notion.plain_service import PlainService, PlainTask
from tests.tasks.services.notion.wired import Wired

WHEN = Column("When", "w", "date", as_range=True)
COLUMNS: dict[str, Any] = {"Name": {"title": {}}, "When": {"date": {}}, "Due": {"date": {}}}
ATTRS = ["Name", "When", "Due"]
BERLIN, WESTERN = ZoneInfo("Europe/Berlin"), timezone(timedelta(hours=-7))


def existing(moment: datetime) -> datetime:
    """The moment in its zone; one that the clocks skip becomes what they show instead."""
    return moment.astimezone(UTC).astimezone(moment.tzinfo)


def instant(edge: date) -> date:
    return edge.astimezone(UTC) if isinstance(edge, datetime) else edge


_moments = st.datetimes(
    datetime(1970, 1, 2), datetime(2900, 1, 1), timezones=st.sampled_from([UTC, BERLIN, WESTERN])
).map(lambda moment: existing(moment.replace(second=0, microsecond=0)))
_days = st.dates()


@st.composite
def ranges(draw: st.DrawFn) -> DateRange:
    kind = draw(st.sampled_from([_days, _moments]))
    edges = sorted([draw(kind), draw(kind)], key=instant)
    end = edges[1] if draw(st.booleans()) else None
    zone = getattr(edges[0], "tzinfo", None) is BERLIN and draw(st.booleans())
    return DateRange(edges[0], end, "Europe/Berlin" if zone else None)


@given(ranges())
def test_a_range_is_read_as_it_was_written(value: DateRange) -> None:
    back = decode(WHEN, encode(WHEN, value))
    assert same(back, value)
    assert back.has_time is value.has_time


@given(ranges())
def test_a_zone_is_kept_by_name_or_else_by_its_offset(value: DateRange) -> None:
    sent = encode(WHEN, value)["date"]
    back = decode(WHEN, {"date": sent})
    if value.zone is not None and "time_zone" in sent:
        assert back.zone == value.zone
    if isinstance(value.start, datetime):
        assert back.start.utcoffset() == value.start.utcoffset()


@pytest.fixture
async def source(person: Person) -> str:
    return await person.make_data_source("Plans", COLUMNS)


@pytest.fixture
async def side(person: Person, source: str) -> AsyncIterator[Wired]:
    rows = Wired(person.url, source, ATTRS, date_ranges=["When"])
    await rows.open()
    try:
        await rows.learn()
        yield rows
    finally:
        await rows.close()


@pytest.mark.parametrize(
    "value",
    [
        DateRange(date(2026, 7, 1)),
        DateRange(date(2026, 7, 1), date(2026, 7, 3)),
        DateRange(datetime(2026, 7, 1, 9, tzinfo=UTC)),
        DateRange(datetime(2026, 7, 1, 9, tzinfo=WESTERN), datetime(2026, 7, 2, 9, tzinfo=WESTERN)),
        DateRange(
            datetime(2026, 10, 25, 2, 40, tzinfo=BERLIN),
            datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=1),
            "Europe/Berlin",
        ),
        DateRange(
            datetime(2026, 7, 1, 9, tzinfo=BERLIN), datetime(2026, 7, 1, 9, tzinfo=BERLIN), "Europe/Berlin"
        ),
        None,
    ],
)
async def test_notion_takes_ranges_and_shows_them_again(side: Wired, value: DateRange | None) -> None:
    made = await side.make(Name="Fair", When=value)
    assert same(made.values["When"], value)
    assert [same(page.values["When"], value) for page in await listed(side)] == [True]
    if value is not None and isinstance(value.start, datetime):
        assert made.values["When"].start.utcoffset() == value.start.utcoffset()


async def test_a_service_that_knows_starts_only_leaves_end_and_zone(
    side: Wired, person: Person, source: str
) -> None:
    due = {"date": {"start": "2026-07-01T09:00:00+02:00", "end": "2026-07-01T11:00:00+02:00"}}
    page_id = await person.make_page(source, Name=person.text("Fair"), Due=due)
    (page,) = await listed(side)
    assert page.values["Due"] == datetime(2026, 7, 1, 7, tzinfo=UTC)
    await side.update(page, {"Due": datetime(2026, 7, 1, 8, tzinfo=UTC)})
    now = (await person.page(page_id))["properties"]["Due"]["date"]
    assert now["start"] == "2026-07-01T10:00:00.000+02:00"
    assert now["end"] == "2026-07-01T11:00:00.000+02:00"


async def test_only_the_end_was_edited_by_a_person(side: Wired, person: Person, source: str) -> None:
    await person.make_page(source, Name=person.text("Fair"), When={"date": {"start": "2026-07-01"}})
    await person.edit((await listed(side))[0].id, When={"date": {"start": "2026-07-01", "end": "2026-07-02"}})
    (page,) = await listed(side)
    assert page.values["When"] == DateRange(date(2026, 7, 1), date(2026, 7, 2))


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ("Name", "'Name' is of type title, but must be date"),
        ("Then", "date_ranges names Then, which Notion data source 'Plans' does not have"),
    ],
)
async def test_what_is_no_date_cannot_be_a_range(person: Person, source: str, named: str, words: str) -> None:
    rows = Wired(person.url, source, ATTRS, date_ranges=[named])
    await rows.open()
    try:
        with pytest.raises(TaskDefinitionError, match=words):
            await rows.learn()
    finally:
        await rows.close()


def test_declaring_a_range_later_is_no_edit() -> None:
    without, declared = (described({"When": WHEN}, {}, ranges, ())["When"] for ranges in ((), ("When",)))
    assert without.form != declared.form


async def test_runs_with_a_service_of_starts_leave_the_ends(person: Person, source: str) -> None:
    service, journal = PlainService(), StateJournal(State())
    when = {"date": {"start": "2026-07-01T09:00:00+02:00", "end": "2026-07-01T11:00:00+02:00"}}
    page_id = await person.make_page(source, Name=person.text("Fair"), When=when)

    async def run() -> dict[str, int]:
        task = PlainTask(person.url, source, {"Name": "key", "When": "when"}, service, date_ranges=["When"])
        report = await task.run(journal)
        assert report.status == "succeeded"
        return {kind: count for kind, count in report.outcome.counts.items() if count and kind != "agreed"}

    assert await run() == {"right_created": 1}
    (item,) = service.items.values()
    assert same(item.values["when"], datetime(2026, 7, 1, 7, tzinfo=UTC))
    await person.edit(page_id, When={"date": {**when["date"], "end": "2026-07-01T12:00:00+02:00"}})
    assert await run() == {}
    service.edit(item.id, {"when": datetime(2026, 7, 1, 8, tzinfo=UTC)})
    assert await run() == {"left_updated": 1}
    now = (await person.page(page_id))["properties"]["When"]["date"]
    assert (now["start"], now["end"]) == ("2026-07-01T10:00:00.000+02:00", "2026-07-01T12:00:00.000+02:00")
    assert await run() == {}
