"""When a to-do is due: its form stays, and its start goes along."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from tasks.errors import ItemError, UnfitError
from tasks.services.caldav.entries.todo import TODOS
from tasks.services.caldav.lines.content_lines import Component
from tests.tasks.services.caldav.texts import (
    BERLIN,
    NOW,
    RECURRING,
    VTIMEZONE,
    edited_lines,
    lines,
    read,
    resource,
)


@pytest.mark.parametrize(
    ("line", "due", "new", "written"),
    [
        # in a zone: stays in it
        (
            "DUE;TZID=Europe/Berlin:20260704T120000",
            datetime(2026, 7, 4, 10, tzinfo=UTC),
            datetime(2026, 12, 4, 10, tzinfo=UTC),
            "DUE;TZID=Europe/Berlin:20261204T110000",
        ),
        # the second 02:30 of the night when the clocks go back cannot be said in the zone
        (
            "DUE;TZID=Europe/Berlin:20260704T120000",
            datetime(2026, 7, 4, 10, tzinfo=UTC),
            datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
            "DUE:20261025T013000Z",
        ),
        # described in the resource only
        (
            "DUE;TZID=Office:20260704T120000",
            datetime(2026, 7, 4, 9, tzinfo=UTC),
            datetime(2026, 7, 5, 9, tzinfo=UTC),
            "DUE;TZID=Office:20260705T120000",
        ),
        (
            "DUE;TZID=W. Europe Standard Time:20260704T120000",
            datetime(2026, 7, 4, 10, tzinfo=UTC),
            datetime(2026, 7, 5, 10, tzinfo=UTC),
            "DUE;TZID=W. Europe Standard Time:20260705T120000",
        ),
        # floating: the configured zone, here Berlin
        (
            "DUE:20260704T120000",
            datetime(2026, 7, 4, 10, tzinfo=UTC),
            datetime(2026, 7, 5, 10, tzinfo=UTC),
            "DUE:20260705T120000",
        ),
        (
            "DUE:20260704T120000Z",
            datetime(2026, 7, 4, 12, tzinfo=UTC),
            datetime(2026, 7, 5, 14, 30, 59, tzinfo=timezone(timedelta(hours=2))),
            "DUE:20260705T123000Z",
        ),
        ("DUE;VALUE=DATE:20260704", date(2026, 7, 4), date(2026, 7, 5), "DUE;VALUE=DATE:20260705"),
        (
            "DUE;VALUE=DATE:20260704",
            date(2026, 7, 4),
            datetime(2026, 7, 5, 8, tzinfo=UTC),
            "DUE:20260705T080000Z",
        ),
        (
            "DUE:20260704T120000Z",
            datetime(2026, 7, 4, 12, tzinfo=UTC),
            date(2026, 7, 4),
            "DUE;VALUE=DATE:20260704",
        ),
    ],
)
def test_due_keeps_its_form(line: str, due: Any, new: Any, written: str) -> None:
    text = resource(line, before=VTIMEZONE)
    assert read(text, BERLIN).values["due"] == due
    edited = TODOS.edit(text, "1", {"due": new}, floating=BERLIN)
    assert edited is not None
    assert written in lines(edited)
    expected = new.astimezone(UTC).replace(second=0) if isinstance(new, datetime) else new
    assert read(edited, BERLIN).values["due"] == expected


def test_due_from_start_and_duration() -> None:
    text = resource("DTSTART:20260704T100000Z", "DURATION:PT2H")
    assert read(text).values["due"] == datetime(2026, 7, 4, 12, tzinfo=UTC)
    edited = TODOS.edit(text, "1", {"due": datetime(2026, 7, 4, 13, tzinfo=UTC)})
    assert edited is not None
    assert "DUE:20260704T130000Z" in lines(edited)
    assert not any(line.startswith("DURATION") for line in lines(edited))


def test_a_start_after_the_new_due_moves_along() -> None:
    text = resource("DTSTART;TZID=Europe/Berlin:20260704T100000", "DUE;TZID=Europe/Berlin:20260704T120000")
    edited = TODOS.edit(text, "1", {"due": datetime(2026, 7, 1, 10, tzinfo=UTC)})
    assert edited is not None
    assert "DTSTART;TZID=Europe/Berlin:20260701T100000" in lines(edited)


def test_a_start_takes_the_kind_of_the_new_due() -> None:
    text = resource("DTSTART;VALUE=DATE:20260701", "DUE;VALUE=DATE:20260704")
    edited = TODOS.edit(text, "1", {"due": datetime(2026, 7, 4, 10, tzinfo=UTC)})
    assert edited is not None
    assert "DTSTART:20260701T000000Z" in lines(edited)


def test_a_recurring_todo_keeps_rule_and_exceptions() -> None:
    assert read(RECURRING).values["summary"] == "the rule"
    edited = TODOS.edit(
        RECURRING, "1", {"summary": "renamed", "due": datetime(2026, 7, 4, 13, tzinfo=UTC)}, now=NOW
    )
    assert edited is not None
    exception, rule = Component.parse(edited).components("VTODO")
    assert exception == next(Component.parse(RECURRING).components("VTODO"))
    assert "RRULE:FREQ=WEEKLY" in rule.parts
    assert "SUMMARY:renamed" in rule.parts


@pytest.mark.parametrize("due", [date(2026, 7, 4), datetime(2026, 7, 4, 9, tzinfo=UTC)])
def test_a_recurring_todo_is_not_moved_off_its_start(due: date) -> None:
    with pytest.raises(ItemError, match="recurs from 20260704T100000Z"):
        TODOS.edit(RECURRING, "1", {"due": due})


def test_a_due_time_in_the_last_hours_of_the_calendar() -> None:
    last = datetime(9999, 12, 31, 23, tzinfo=UTC)
    text = resource("DUE;TZID=Asia/Tokyo:20260704T120000")
    assert "DUE:99991231T230000Z" in edited_lines(text, {"due": last})
    first = datetime(1, 1, 1, 1, tzinfo=UTC)
    assert "DUE:00010101T010000Z" in edited_lines(
        resource("DUE;TZID=America/Lima:20260704T120000"), {"due": first}
    )
    west = datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-5)))
    with pytest.raises(UnfitError, match="out of range"):
        TODOS.edit(text, "1", {"due": west})


@pytest.mark.parametrize(
    ("start", "due", "new", "written_start", "written_due"),
    [
        # a day, but due at a time: the start becomes a time too
        (
            "DTSTART;VALUE=DATE:20260701",
            "DUE:20260704T120000Z",
            datetime(2026, 7, 4, 9, tzinfo=UTC),
            "DTSTART:20260701T000000Z",
            "DUE:20260704T090000Z",
        ),
        (
            "DTSTART;VALUE=DATE:20260710",
            "DUE:20260704T120000Z",
            datetime(2026, 7, 4, 9, tzinfo=UTC),
            "DTSTART:20260704T090000Z",
            "DUE:20260704T090000Z",
        ),
        (
            "DTSTART:20260701T120000Z",
            "DUE;VALUE=DATE:20260704",
            date(2026, 7, 6),
            "DTSTART;VALUE=DATE:20260701",
            "DUE;VALUE=DATE:20260706",
        ),
        # the evening of the 4th in Chicago is the 5th in UTC
        (
            "DTSTART;TZID=America/Chicago:20260704T210000",
            "DUE;TZID=America/Chicago:20260704T220000",
            date(2026, 7, 5),
            "DTSTART;VALUE=DATE:20260704",
            "DUE;VALUE=DATE:20260705",
        ),
        (
            "DTSTART;TZID=America/Chicago:20260704T210000",
            "DUE;TZID=America/Chicago:20260704T220000",
            date(2026, 7, 4),
            "DTSTART;VALUE=DATE:20260704",
            "DUE;VALUE=DATE:20260704",
        ),
        (
            "DTSTART;VALUE=DATE:20260701",
            "DUE;VALUE=DATE:20260704",
            date(1, 1, 2),
            "DTSTART;VALUE=DATE:00010102",
            "DUE;VALUE=DATE:00010102",
        ),
    ],
)
def test_a_start_of_another_kind_than_the_due_time(
    start: str, due: str, new: date, written_start: str, written_due: str
) -> None:
    found = edited_lines(resource(start, due), {"due": new})
    assert [line for line in found if line.startswith("D") and not line.startswith("DTSTAMP")] == [
        written_start,
        written_due,
    ]


def test_a_due_time_that_does_not_fit_is_named_alone() -> None:
    with pytest.raises(UnfitError, match="recurs from 20260704T100000Z") as caught:
        TODOS.edit(RECURRING, "1", {"summary": "renamed", "due": date(2026, 7, 1), "priority": 3})
    assert caught.value.attributes == {"due"}
    odd = resource("DTSTART;TZID=Mars:20260704T100000", "DUE:20260704T100000Z")
    with pytest.raises(UnfitError, match="Mars") as caught:
        TODOS.edit(odd, "1", {"summary": "renamed", "due": date(2026, 7, 1), "status": "BLOCKED"})
    assert caught.value.attributes == {"due", "status"}
    assert "SUMMARY:renamed" in edited_lines(odd, {"summary": "renamed"})
    assert "DUE:20260704T100000Z" in edited_lines(odd, {"summary": "renamed"})


@pytest.mark.parametrize("due", [None, date(2026, 7, 6), datetime(2026, 7, 6, 10, tzinfo=UTC)])
def test_the_due_time_that_a_rule_starts_from_is_not_moved(due: date | None) -> None:
    text = resource("DUE:20260704T100000Z", "RRULE:FREQ=DAILY")
    with pytest.raises(UnfitError, match="recurs from its due date"):
        TODOS.edit(text, "1", {"due": due})
