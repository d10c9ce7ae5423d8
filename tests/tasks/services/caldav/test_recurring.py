from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import recurring_ical_events
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from tasks.errors import UnfitError
from tasks.services.caldav.entries.codec import Entry
from tasks.services.caldav.entries.todo import TODOS, done_occurrence
from tasks.services.caldav.lines.content_lines import Component

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 7, 5, 3, 2, 1, tzinfo=UTC)
SHOWN = ("DTSTART", "DUE", "RRULE", "STATUS", "PERCENT-COMPLETE", "COMPLETED")


def resource(*lines: str, more: tuple[str, ...] = ()) -> str:
    todo = ("BEGIN:VTODO", "UID:1", "SUMMARY:water", *lines, "END:VTODO")
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", *todo, *more, "END:VCALENDAR", ""])


def exception(which: str) -> tuple[str, ...]:
    return ("BEGIN:VTODO", "UID:1", which, "SUMMARY:another", "END:VTODO")


def read(text: str, floating: Any = UTC) -> Entry:
    (todo,) = TODOS.read(text, href="/x.ics", etag=None, floating=floating).entries
    return todo


def shown(text: str) -> list[str]:
    (todo, *_) = Component.parse(text).components("VTODO")
    return [str(part) for part in todo.parts if str(part).startswith(SHOWN)]


def done(text: str, floating: Any = UTC, **changes: Any) -> str:
    edited = TODOS.edit(text, "1", {"status": "COMPLETED", **changes}, floating=floating, now=NOW)
    assert edited is not None
    return edited


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            ["DTSTART:20260704T090000Z", "DUE:20260704T100000Z", "RRULE:FREQ=DAILY", "STATUS:IN-PROCESS"],
            ["DTSTART:20260705T090000Z", "DUE:20260705T100000Z", "RRULE:FREQ=DAILY", "STATUS:NEEDS-ACTION"],
        ),
        # due and nothing else, as some apps write it
        (
            ["DUE;VALUE=DATE:20260731", "RRULE:FREQ=MONTHLY;BYMONTHDAY=-1", "PERCENT-COMPLETE:40"],
            ["DUE;VALUE=DATE:20260831", "RRULE:FREQ=MONTHLY;BYMONTHDAY=-1", "STATUS:NEEDS-ACTION"],
        ),
        # the clock on the wall stays when the clocks change
        (
            ["DTSTART;TZID=Europe/Berlin:20261024T090000", "DUE:20261024T080000Z", "RRULE:FREQ=DAILY"],
            ["DTSTART;TZID=Europe/Berlin:20261025T090000", "DUE:20261025T090000Z", "RRULE:FREQ=DAILY"],
        ),
        (
            ["DTSTART:20260704T090000", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=SA"],
            ["DTSTART:20260718T090000", "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=SA"],
        ),
        (
            ["DTSTART;VALUE=DATE:20260704", "RRULE:FREQ=DAILY;count=5;INTERVAL=1"],
            ["DTSTART;VALUE=DATE:20260705", "RRULE:FREQ=DAILY;COUNT=4;INTERVAL=1"],
        ),
        # days that were taken out are passed over, and count
        (
            [
                "DTSTART;VALUE=DATE:20260704",
                "RRULE:FREQ=DAILY;COUNT=5",
                "EXDATE;VALUE=DATE:20260705,20260706",
            ],
            ["DTSTART;VALUE=DATE:20260707", "RRULE:FREQ=DAILY;COUNT=2"],
        ),
        (
            ["DTSTART;TZID=Europe/Berlin:20260704T090000", "RRULE:FREQ=DAILY", "EXDATE:20260705T070000Z"],
            ["DTSTART;TZID=Europe/Berlin:20260706T090000", "RRULE:FREQ=DAILY"],
        ),
        (
            ["DTSTART;VALUE=DATE:20260704", "RRULE:FREQ=DAILY;UNTIL=20260705"],
            ["DTSTART;VALUE=DATE:20260705", "RRULE:FREQ=DAILY;UNTIL=20260705"],
        ),
        (
            ["DTSTART;VALUE=DATE:20260704", "RRULE:FREQ=DAILY;UNTIL=20260801T215959Z"],
            ["DTSTART;VALUE=DATE:20260705", "RRULE:FREQ=DAILY;UNTIL=20260801T215959Z"],
        ),
    ],
)
def test_the_next_occurrence_opens(before: list[str], after: list[str]) -> None:
    found = shown(done(resource(*before)))
    assert [line for line in found if line != "STATUS:NEEDS-ACTION"] == [
        line for line in after if line != "STATUS:NEEDS-ACTION"
    ]
    assert "STATUS:NEEDS-ACTION" in found


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY;COUNT=1",
        "FREQ=DAILY;UNTIL=20260704",
        "FREQ=WEEKLY;UNTIL=20260710",
        "FREQ=YEARLY;UNTIL=20260801T000000Z",
    ],
)
def test_the_last_occurrence_ends_it(rule: str) -> None:
    text = done(resource("DTSTART;VALUE=DATE:20260704", f"RRULE:{rule}"))
    assert read(text).values["status"] == "COMPLETED"
    assert shown(text)[:2] == ["DTSTART;VALUE=DATE:20260704", f"RRULE:{rule}"]


START = "DTSTART:20260704T090000Z"
DAILY = "RRULE:FREQ=DAILY"


@pytest.mark.parametrize(
    ("lines", "more"),
    [
        ([DAILY], ()),
        ([START, "RDATE:20260710T090000Z"], ()),
        ([START, DAILY, "RDATE:20260710T090000Z"], ()),
        ([START, DAILY, "RRULE:FREQ=WEEKLY"], ()),
        ([START, DAILY, "EXRULE:FREQ=WEEKLY"], ()),
        ([START, "RRULE:FREQ=HOURLY"], ()),
        ([START, "RRULE:FREQ=DAILY;BYHOUR=9,17"], ()),
        ([START, "RRULE:FREQ=DAILY;INTERVAL=0"], ()),
        ([START, "RRULE:FREQ=DAILY;COUNT=0"], ()),
        ([START, "RRULE:FREQ=DAILY;COUNT=" + "9" * 5000], ()),
        ([START, "RRULE:FREQ=DAILY;FREQ=WEEKLY"], ()),
        ([START, "RRULE:FREQ=DAILY;RSCALE=CHINESE"], ()),
        ([START, "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"], ()),
        ([START, "RRULE:nonsense"], ()),
        ([START, "RRULE;broken"], ()),
        ([START, "RRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=3"], ()),  # the start is no Monday
        ([START, "RRULE:FREQ=DAILY;UNTIL=20260705"], ()),
        ([START, "RRULE:FREQ=DAILY;UNTIL=soon"], ()),
        ([START, DAILY, "EXDATE;VALUE=DATE:20260705"], ()),
        ([START, DAILY, "EXDATE:soon"], ()),
        ([START, "DUE;VALUE=DATE:20260705", DAILY], ()),
        (["DTSTART;TZID=Mars:20260704T090000", DAILY], ()),
        (["DTSTART;VALUE=DATE:99991231", DAILY], ()),
        # half past two is not there in the night when the clocks go forward, and twice in that when they go back
        (["DTSTART;TZID=Europe/Berlin:20260328T023000", DAILY], ()),
        (["DTSTART;TZID=Europe/Berlin:20261024T023000", "DUE;TZID=Europe/Berlin:20261025T023000", DAILY], ()),
        ([START, DAILY], exception("RECURRENCE-ID:20260704T090000Z")),
        ([START, DAILY], exception("RECURRENCE-ID:20260708T090000Z")),
        ([START, DAILY], exception("RECURRENCE-ID;VALUE=DATE:20260704")),
        ([START, DAILY], exception("RECURRENCE-ID;RANGE=THISANDFUTURE:20260701T090000Z")),
        ([START, DAILY], exception("RECURRENCE-ID:soon")),
    ],
)
def test_where_the_next_one_is_not_certain_nothing_is_written(
    lines: list[str], more: tuple[str, ...]
) -> None:
    if lines[-1].endswith("broken"):
        lines = [*lines[:-1], "RRULE;broken:FREQ=DAILY"]
    text = resource(*lines, more=more)
    for changes in ({"status": "COMPLETED"}, {"completed": True}):
        with pytest.raises(UnfitError, match="it recurs") as caught:
            TODOS.edit(text, "1", changes, now=NOW)
        assert caught.value.attributes == set(changes)
    assert TODOS.edit(text, "1", {"summary": "water all"}, now=NOW) is not None


ALARM = "BEGIN:VALARM|TRIGGER;VALUE=DATE-TIME:20261024T060000Z|TRIGGER:-PT15M|END:VALARM"


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYMONTH=4;BYMONTHDAY=31",
        "FREQ=DAILY;INTERVAL=7;BYDAY=WE",  # from a Saturday on
        "FREQ=DAILY;INTERVAL=14;BYMONTHDAY=31;BYMONTH=2",
    ],
)
def test_a_rule_that_names_no_other_day_is_told_and_not_looked_through_to_the_end_of_time(rule: str) -> None:
    with pytest.raises(UnfitError, match="its rule names no"):
        done(resource(START, f"RRULE:{rule}"))


@pytest.mark.parametrize(
    ("start", "rings"),
    [
        ("DTSTART;TZID=Europe/Berlin:20261024T090000", "20261025T070000Z"),
        ("DTSTART:20261024T070000Z", "20261025T060000Z"),
        ("DTSTART;VALUE=DATE:20261024", "20261025T060000Z"),
    ],
)
def test_alarms_at_a_moment_ring_for_the_next_one(start: str, rings: str) -> None:
    alarm = ALARM.split("|")
    edited = done(resource(start, DAILY, *alarm))
    assert [*alarm[:1], f"TRIGGER;VALUE=DATE-TIME:{rings}", *alarm[2:]] == edited.split("\r\n")[-7:-3]


def test_past_exceptions_stay_and_do_not_matter() -> None:
    more = exception("RECURRENCE-ID:20260701T090000Z")
    text = done(resource(START, DAILY, more=more))
    assert shown(text)[0] == "DTSTART:20260705T090000Z"
    assert list(Component.parse(text).components("VTODO"))[1].parts == list(more[1:-1])


def test_to_cancel_one_is_left_to_the_app() -> None:
    with pytest.raises(UnfitError, match="cancel"):
        TODOS.edit(resource(START, DAILY), "1", {"status": "CANCELLED"})


def test_one_that_ended_is_opened_and_done_like_any_other() -> None:
    text = resource(START, "RRULE:FREQ=DAILY;COUNT=1", "STATUS:COMPLETED")
    opened = TODOS.edit(text, "1", {"status": "NEEDS-ACTION"}, now=NOW)
    assert opened is not None
    assert read(opened).values["status"] == "NEEDS-ACTION"
    assert TODOS.edit(text, "1", {"status": "COMPLETED"}, now=NOW) is None


def test_what_is_said_of_a_done_one_is_the_occurrence_that_was_done() -> None:
    text = resource(START, "DUE:20260704T100000Z", DAILY)
    before = read(text)
    wanted = {"status": "COMPLETED", "due": date(2026, 7, 9), "summary": "water all"}
    after = read(done(text, **{name: value for name, value in wanted.items() if name != "status"}))
    assert after.values["due"] == datetime(
        2026, 7, 5, 10, tzinfo=UTC
    )  # the due time was that of the one done
    shown_by = done_occurrence(before, wanted, after)
    assert {name: shown_by.values[name] for name in wanted} == wanted
    assert shown_by.text == after.text
    plain = read(resource())
    assert done_occurrence(plain, {"status": "COMPLETED"}, plain) is plain


RULES = st.builds(
    lambda freq, interval, by, end: ";".join(filter(None, [f"FREQ={freq}", f"INTERVAL={interval}", by, end])),
    st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]),
    st.integers(1, 3),
    st.sampled_from(["", "", "BYDAY=MO,TH", "BYMONTHDAY=1,15,31", "BYMONTH=3,10", "BYMONTHDAY=-1"]),
    st.sampled_from(["", "COUNT=4", "UNTIL=20281231T000000Z"]),
)


@settings(max_examples=150, deadline=None)
@given(RULES, st.datetimes(datetime(2026, 1, 1, 4), datetime(2027, 12, 31)), st.sets(st.integers(1, 6)))
def test_all_occurrences_come_one_after_the_other(rule: str, start: datetime, without: set[int]) -> None:
    start = start.replace(hour=start.hour % 12 + 4, minute=0, second=0, microsecond=0, tzinfo=BERLIN)
    digits = f"{start:%Y%m%dT%H%M%S}"
    excluded = [f"EXDATE;TZID=Europe/Berlin:{start + timedelta(days=days):%Y%m%dT%H%M%S}" for days in without]
    text = resource(f"DTSTART;TZID=Europe/Berlin:{digits}", f"RRULE:{rule}", *excluded)
    found = [component["DTSTART"].dt for component in _first(text, 6)]
    expected = [moment for moment in found if moment > start][:4]
    for moment in expected:
        # What counts from a start that is no occurrence is left alone; the library counts that start too.
        if "COUNT" in rule and "BY" in rule and not _may_be_done(text):
            return
        text = done(text)
        (line,) = [line for line in shown(text) if line.startswith("DTSTART")]
        assert line == f"DTSTART;TZID=Europe/Berlin:{moment.astimezone(BERLIN):%Y%m%dT%H%M%S}"
        assert read(text).values["status"] == "NEEDS-ACTION"


def _may_be_done(text: str) -> bool:
    try:
        done(text)
    except UnfitError:
        return False
    return True


def _first(text: str, number: int) -> list[Any]:
    """The first occurrences by an independent library, which adds a start that the rule does not name."""
    query = recurring_ical_events.of(Calendar.from_ical(text), components=["VTODO"])
    found = []
    for component in query.after(datetime(2025, 1, 1, tzinfo=UTC)):
        found.append(component)
        if len(found) == number:
            break
    return found
