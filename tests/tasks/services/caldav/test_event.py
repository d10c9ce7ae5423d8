"""An event as attributes, and what an edit of them writes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import ItemError, UnfitError
from tasks.services.caldav.entries.codec import Entry
from tasks.services.caldav.entries.event import EVENTS, STATUSES
from tasks.services.caldav.lines.content_lines import Component
from tasks.values.date_range import DateRange
from tasks.values.opaque import Opaque
from tests.tasks.services.caldav.texts import BERLIN, NOW

EMPTY = {
    "summary": "",
    "description": "",
    "location": "",
    "when": None,
    "start": None,
    "end": None,
    "all_day": None,
    "recurs": False,
    "status": None,
    "categories": (),
    "url": None,
    "organizer": None,
    "attendees": (),
}
ZONE = ";TZID=Europe/Berlin"
DAY = date(2026, 7, 4)


def at(hour: int, minute: int = 0, day: int = 4) -> datetime:
    return datetime(2026, 7, day, hour, minute, tzinfo=UTC)


def event(*lines: str, after: tuple[str, ...] = ()) -> str:
    return "\r\n".join(
        [
            *("BEGIN:VCALENDAR", "VERSION:2.0", "BEGIN:VEVENT", "UID:1", *lines, "END:VEVENT"),
            *(*after, "END:VCALENDAR", ""),
        ]
    )


def read(text: str, floating: Any = UTC) -> Entry:
    (found,) = EVENTS.read(text, href="/x.ics", etag='"1"', floating=floating).entries
    return found


def lines(text: str) -> list[str]:
    first, *_ = Component.parse(text).components("VEVENT")
    return [part for part in first.parts if isinstance(part, str)]


def edited(text: str, changes: dict[str, Any], floating: Any = UTC) -> str:
    after = EVENTS.edit(text, "1", changes, floating=floating, now=NOW)
    assert after is not None
    return after


def times(text: str) -> list[str]:
    return [line for line in lines(text) if line.startswith(("DTSTART", "DTEND", "DURATION"))]


# -- reading ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_lines", "when"),
    [
        (("DTSTART;VALUE=DATE:20260704", "DTEND;VALUE=DATE:20260705"), DateRange(DAY)),
        (("DTSTART;VALUE=DATE:20260704",), DateRange(DAY)),
        (("DTSTART;VALUE=DATE:20260704", "DTEND;VALUE=DATE:20260704"), DateRange(DAY)),
        (("DTSTART;VALUE=DATE:20260704", "DTEND;VALUE=DATE:20260707"), DateRange(DAY, date(2026, 7, 6))),
        (("DTSTART;VALUE=DATE:20260704", "DURATION:P3D"), DateRange(DAY, date(2026, 7, 6))),
        (("DTSTART:20260704T090000Z", "DTEND:20260704T093059Z"), DateRange(at(9), at(9, 30))),
        (("DTSTART:20260704T090000Z",), DateRange(at(9))),
        (("DTSTART:20260704T090000Z", "DTEND:20260704T090000Z"), DateRange(at(9))),
        (("DTSTART:20260704T090000Z", "DURATION:PT45M"), DateRange(at(9), at(9, 45))),
        ((f"DTSTART{ZONE}:20260704T090000", f"DTEND{ZONE}:20260704T100000"), DateRange(at(7), at(8))),
        (("DTSTART:20260704T090000", "DTEND:20260704T100000"), DateRange(at(7), at(8))),
        (
            (f"DTSTART{ZONE}:20260704T090000", "DTEND;TZID=America/New_York:20260704T120000"),
            DateRange(at(7), at(16)),
        ),
        # The night in which the clocks are put back has an hour more.
        (
            (f"DTSTART{ZONE}:20261024T120000", "DURATION:P1D"),
            DateRange(datetime(2026, 10, 24, 10, tzinfo=UTC), datetime(2026, 10, 25, 11, tzinfo=UTC)),
        ),
        (("SUMMARY:x",), None),
    ],
)
def test_when_it_takes_place(given_lines: tuple[str, ...], when: DateRange | None) -> None:
    values = read(event(*given_lines), BERLIN).values
    assert values["when"] == when
    if when is not None:
        assert (values["start"], values["end"], values["all_day"]) == (
            when.start,
            when.end,
            not when.has_time,
        )


def test_the_zone_goes_along() -> None:
    assert read(event(f"DTSTART{ZONE}:20260704T090000")).values["when"].zone == "Europe/Berlin"
    assert read(event("DTSTART:20260704T090000"), BERLIN).values["when"].zone == "Europe/Berlin"
    assert read(event("DTSTART:20260704T090000Z"), BERLIN).values["when"].zone is None


@pytest.mark.parametrize(
    ("attribute", "odd"),
    [
        ("when", ("DTSTART:soon",)),
        ("when", ("DTSTART;TZID=Mars:20260704T090000",)),
        ("when", ("DTSTART:20260704T090000Z", "DTEND;VALUE=DATE:20260705")),
        ("when", ("DTSTART;VALUE=DATE:20260704", "DTEND:20260704T100000Z")),
        ("when", ("DTSTART:20260704T090000Z", "DTEND:20260704T080000Z")),
        ("when", ("DTSTART:20260704T090000Z", "DURATION:long")),
        ("when", ("DTSTART:20260704T090000Z", "DURATION:-PT1H")),
        ("status", ("STATUS:MAYBE",)),
        ("categories", ("CATEGORIES:a", "CATEGORIES;b:")),
        ("url", ("URL;x:",)),
    ],
)
def test_an_odd_line_hides_its_attribute_and_no_other(attribute: str, odd: tuple[str, ...]) -> None:
    text = event("SUMMARY:tea", *odd)
    hidden = {name for name, value in read(text).values.items() if isinstance(value, Opaque)}
    assert hidden == ({"when", "start", "end", "all_day"} if attribute == "when" else {attribute})
    new = {"when": DateRange(DAY), "status": "tentative", "categories": ("x",), "url": "u:v"}[attribute]
    with pytest.raises(UnfitError) as caught:
        EVENTS.edit(text, "1", {attribute: new, "summary": "coffee"})
    assert caught.value.attributes == {attribute}
    after = edited(text, {"summary": "coffee"})
    assert set(odd) <= set(lines(after))


def test_people_are_read_by_their_mail_addresses() -> None:
    text = event(
        "DTSTART:20260704T090000Z",
        'ORGANIZER;CN="Doe, J":mailto:J.Doe@example.org',
        "ATTENDEE;PARTSTAT=ACCEPTED:MAILTO:b@example.org",
        "ATTENDEE;EMAIL=a@example.org:urn:uuid:1",
        "ATTENDEE;CN=Room 2:urn:uuid:2",
        "ATTENDEE:mailto:b@example.org",
    )
    values = read(text).values
    assert values["organizer"] == "j.doe@example.org"
    assert values["attendees"] == ("a@example.org", "b@example.org")
    for name, other in (
        ("organizer", "x@example.org"),
        ("attendees", ()),
        ("all_day", True),
        ("recurs", True),
    ):
        assert EVENTS.edit(text, "1", {name: values[name]}) is None
        with pytest.raises(UnfitError, match="in the calendar's app only"):
            EVENTS.edit(text, "1", {name: other})


# -- writing ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "new", "after"),
    [
        # The zone and the form stay.
        (
            (f"DTSTART{ZONE}:20260704T090000", f"DTEND{ZONE}:20260704T100000"),
            DateRange(at(8), at(9)),
            [f"DTSTART{ZONE}:20260704T100000", f"DTEND{ZONE}:20260704T110000"],
        ),
        (
            (f"DTSTART{ZONE}:20260704T090000", "DTEND;TZID=America/New_York:20260704T120000"),
            DateRange(at(7), at(17)),
            [f"DTSTART{ZONE}:20260704T090000", "DTEND;TZID=America/New_York:20260704T130000"],
        ),
        (
            ("DTSTART:20260704T090000", "DTEND:20260704T100000"),
            DateRange(at(8), at(9)),
            ["DTSTART:20260704T100000", "DTEND:20260704T110000"],
        ),
        # A length stays one, and stays as it is where the end moves along.
        (
            (f"DTSTART{ZONE}:20260704T090000", "DURATION:PT60M"),
            DateRange(at(8), at(9)),
            [f"DTSTART{ZONE}:20260704T100000", "DURATION:PT60M"],
        ),
        (
            (f"DTSTART{ZONE}:20260704T090000", "DURATION:PT60M"),
            DateRange(at(7), at(8, 30)),
            [f"DTSTART{ZONE}:20260704T090000", "DURATION:PT1H30M"],
        ),
        (
            ("DTSTART;VALUE=DATE:20260704", "DURATION:P1W"),
            DateRange(DAY, date(2026, 7, 5)),
            ["DTSTART;VALUE=DATE:20260704", "DURATION:P2D"],
        ),
        # Seconds of an edge that did not move stay.
        (
            ("DTSTART:20260704T090030Z", "DTEND:20260704T100000Z"),
            DateRange(at(9), at(11)),
            ["DTSTART:20260704T090030Z", "DTEND:20260704T110000Z"],
        ),
        # The last day and the day after it.
        (
            ("DTSTART;VALUE=DATE:20260704", "DTEND;VALUE=DATE:20260705"),
            DateRange(DAY, date(2026, 7, 6)),
            ["DTSTART;VALUE=DATE:20260704", "DTEND;VALUE=DATE:20260707"],
        ),
        (
            ("DTSTART;VALUE=DATE:20260704", "DTEND;VALUE=DATE:20260707"),
            DateRange(DAY),
            ["DTSTART;VALUE=DATE:20260704", "DTEND;VALUE=DATE:20260705"],
        ),
        # From days to times, and back.
        (
            ("DTSTART;VALUE=DATE:20260704", "DTEND;VALUE=DATE:20260705"),
            DateRange(at(9), at(10)),
            ["DTSTART:20260704T090000Z", "DTEND:20260704T100000Z"],
        ),
        (
            (f"DTSTART{ZONE}:20260704T090000", "DURATION:PT1H"),
            DateRange(DAY),
            ["DTSTART;VALUE=DATE:20260704", "DURATION:P1D"],
        ),
        # Without an end.
        (("DTSTART:20260704T090000Z", "DTEND:20260704T100000Z"), DateRange(at(9)), ["DTSTART:20260704T090000Z"]),
        # A start alone moves the span.
        (
            ("DTSTART:20260704T090000Z", "DTEND:20260704T100000Z"),
            at(11),
            ["DTSTART:20260704T110000Z", "DTEND:20260704T120000Z"],
        ),
        (
            ("DTSTART:20260704T090000Z", "DTEND:20260704T100000Z"),
            at(8),
            ["DTSTART:20260704T080000Z", "DTEND:20260704T100000Z"],
        ),
    ],
)  # fmt: skip
def test_another_time_keeps_its_form(before: tuple[str, ...], new: Any, after: list[str]) -> None:
    text = edited(event("SUMMARY:tea", *before), {"when": new}, BERLIN)
    assert times(text) == after
    if isinstance(new, DateRange):
        assert read(text, BERLIN).values["when"] == new
    assert EVENTS.edit(text, "1", {"when": read(text, BERLIN).values["when"]}, floating=BERLIN) is None


@pytest.mark.parametrize(
    ("changes", "after"),
    [
        ({"start": at(9, 30)}, DateRange(at(9, 30), at(10))),
        ({"start": at(12)}, DateRange(at(12), at(13))),
        ({"end": at(12)}, DateRange(at(9), at(12))),
        ({"end": None}, DateRange(at(9))),
        ({"start": at(12), "end": at(14)}, DateRange(at(12), at(14))),
        ({"start": DAY, "end": date(2026, 7, 6)}, DateRange(DAY, date(2026, 7, 6))),
        ({"start": DAY, "end": None}, DateRange(DAY)),
        ({"when": DateRange(at(1)), "end": at(2)}, DateRange(at(1), at(2))),
    ],
)
def test_edges_are_written_one_by_one_or_together(changes: dict[str, Any], after: DateRange) -> None:
    text = edited(event("DTSTART:20260704T090000Z", "DTEND:20260704T100000Z"), changes)
    assert read(text).values["when"] == after


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"when": None}, "needs a date"),
        ({"start": None}, "needs a date"),
        ({"end": at(8)}, "before its start"),
        ({"end": DAY}, "from day to day"),
        ({"start": at(9), "end": at(8)}, "before its start"),
        ({"when": "tomorrow"}, "neither a date nor a time"),
        ({"when": datetime(2026, 7, 4)}, "no time zone"),
        ({"when": DateRange(date.max)}, "out of range"),
        ({"status": "done"}, "unknown"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, Any], why: str) -> None:
    text = event("DTSTART:20260704T090000Z", "DTEND:20260704T100000Z")
    with pytest.raises(UnfitError, match=why) as caught:
        EVENTS.edit(text, "1", {**changes, "summary": "coffee"})
    assert caught.value.attributes == changes.keys()


def test_a_new_event_needs_a_date() -> None:
    with pytest.raises(ItemError, match="an event needs a date"):
        EVENTS.new("1", {"summary": "tea"})
    with pytest.raises(ItemError, match="an event needs a date"):
        EVENTS.new("1", {"summary": "tea", "when": None})
    assert times(EVENTS.new("1", {"start": DAY})) == [
        "DTSTART;VALUE=DATE:20260704",
        "DTEND;VALUE=DATE:20260705",
    ]


# -- round trips ------------------------------------------------------------------------------------------

_SAFE = st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff")
TEXT = st.text(_SAFE | st.sampled_from('\n,;:\\"'), max_size=60)
_ZONES = st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC"]).map(ZoneInfo)
_MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=_ZONES)


@st.composite
def spans(draw: st.DrawFn) -> DateRange:
    start: date = draw(st.dates(date(1, 1, 2), date(9999, 1, 1)) | _MOMENTS)
    length = draw(st.timedeltas(timedelta(0), timedelta(days=40)) | st.just(timedelta(0)))
    if not isinstance(start, datetime):
        return DateRange(start, start + length if length.days else None)
    end = start.astimezone(UTC) + length
    start = start.astimezone(UTC).replace(second=0, microsecond=0)
    end = end.replace(second=0, microsecond=0)
    return DateRange(start, end if end > start else None)


VALUES = st.fixed_dictionaries(
    {"when": spans()},
    optional={
        "summary": TEXT,
        "description": TEXT,
        "location": TEXT,
        "status": st.none() | st.sampled_from(STATUSES),
        "categories": st.lists(TEXT.map(str.strip).filter(bool), unique=True).map(lambda c: tuple(sorted(c))),
        "url": st.none() | TEXT.map(lambda text: text.replace("\n", "").strip() or None),
    },
)
FOREIGN = [
    'ORGANIZER;CN="Doe, J":mailto:j@example.org',
    "ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:k@example.org",
    "GEO:1.5;2.5",
    "TRANSP:OPAQUE",
    "X-APPLE-TRAVEL-ADVISORY-BEHAVIOR:AUTOMATIC",
    'X-ALT-DESC;FMTTYPE=text/html:<b>a</b>,b;c\\,d%2C\\n',
    "CONFERENCE;VALUE=URI;FEATURE=AUDIO:tel:+1-412-555-0123",
]  # fmt: skip


def shown(values: dict[str, Any]) -> dict[str, Any]:
    when = values["when"]
    return {
        **EMPTY,
        **values,
        "start": when.start,
        "end": when.end,
        "all_day": not when.has_time,
    }


@given(VALUES)
def test_what_is_written_is_read(values: dict[str, Any]) -> None:
    found = read(EVENTS.new("1", values, now=NOW))
    assert dict(found.values) == shown(values)
    assert found.timestamp == NOW


@given(VALUES, VALUES, st.sampled_from([UTC, BERLIN]), st.booleans())
def test_an_edit_changes_what_it_names_and_nothing_else(
    old: dict[str, Any], new: dict[str, Any], floating: Any, lasts: bool
) -> None:
    calendar = Component.parse(EVENTS.new("1", old, floating=floating, now=NOW))
    (made,) = calendar.components("VEVENT")
    if lasts and made.filled("DTEND") is not None and old["when"].has_time:  # the same with a length
        made.put("DTEND", None)
        minutes = int((old["when"].end - old["when"].start).total_seconds()) // 60
        made.parts.append(f"DURATION:PT{minutes}M")
    made.parts += [*FOREIGN, Component("VALARM", ["ACTION:DISPLAY", "TRIGGER:-PT15M", "X-A:b,c"])]
    before = calendar.to_text()
    people = {"organizer": "j@example.org", "attendees": ("k@example.org",)}
    text = EVENTS.edit(before, "1", new, floating=floating, now=NOW)
    expected = {**shown({**old, **new}), **people}
    assert dict(read(text or before, floating).values) == expected
    if text is None:
        return
    assert [line for line in lines(text) if line in FOREIGN] == FOREIGN
    (after,) = Component.parse(text).components("VEVENT")
    assert list(after.components()) == list(made.components())
    assert EVENTS.edit(text, "1", new, floating=floating, now=NOW) is None


# -- series -----------------------------------------------------------------------------------------------

OVERRIDDEN = (
    "BEGIN:VEVENT",
    "UID:1",
    f"RECURRENCE-ID{ZONE}:20260711T090000",
    f"DTSTART{ZONE}:20260711T110000",
    f"DTEND{ZONE}:20260711T120000",
    "SUMMARY:tea\\, later",
    "X-ODD;A=b:c\\,d",
    "END:VEVENT",
)
SERIES = (
    f"DTSTART{ZONE}:20260704T090000",
    f"DTEND{ZONE}:20260704T100000",
    "RRULE:FREQ=WEEKLY;UNTIL=20261231T080000Z;BYDAY=SA",
    f"EXDATE{ZONE}:20260718T090000",
    f"EXDATE{ZONE}:20260725T090000,20260801T090000",
    f"RDATE{ZONE}:20260706T090000",
)


def test_an_edit_of_a_series_leaves_its_rhythm_and_its_exceptions_as_they_are() -> None:
    text = event("SUMMARY:tea", *SERIES, after=OVERRIDDEN)
    assert read(text).values["recurs"] is True
    changes = {
        "summary": "coffee",
        "description": "d",
        "location": "kitchen",
        "status": "tentative",
        "categories": ("a",),
        "url": "https://example.org/",
    }
    after = edited(text, changes | {"when": read(text).values["when"]})
    assert "\r\n".join(SERIES) in after
    assert "\r\n".join(OVERRIDDEN) in after
    assert {name: read(after).values[name] for name in changes} == changes


@pytest.mark.parametrize(
    "changes",
    [{"when": DateRange(at(8), at(9))}, {"when": at(8)}, {"start": at(6)}, {"end": at(10)}, {"end": None}],
)
def test_what_would_move_a_series_is_held(changes: dict[str, Any]) -> None:
    text = event("SUMMARY:tea", *SERIES, after=OVERRIDDEN)
    with pytest.raises(UnfitError, match="would move all of the series") as caught:
        EVENTS.edit(text, "1", {**changes, "summary": "coffee"})
    assert caught.value.attributes == changes.keys()


def test_an_occurrence_by_itself_is_not_moved() -> None:
    text = "\r\n".join(["BEGIN:VCALENDAR", *OVERRIDDEN, "END:VCALENDAR", ""])
    assert read(text).values["when"] == DateRange(at(9, 0, 11), at(10, 0, 11))
    with pytest.raises(UnfitError, match="would move all of the series"):
        EVENTS.edit(text, "1", {"when": DateRange(DAY)})
    assert "SUMMARY:coffee" in edited(text, {"summary": "coffee"})


def test_a_deleted_series_takes_its_exceptions_along() -> None:
    assert EVENTS.without(event("SUMMARY:tea", *SERIES, after=OVERRIDDEN), "1") is None
