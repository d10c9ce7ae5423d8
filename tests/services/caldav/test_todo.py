from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import ItemError
from tasks.services.caldav.content_lines import Component, clean
from tasks.services.caldav.todo import DONE, STATUSES, Todo, edit_todo, new_todo, read_resource, without_todo

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)

TEXT = st.text(max_size=300).map(clean)
ZONES = st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC"])
TIMES = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=ZONES.map(ZoneInfo)).map(
    lambda moment: moment.astimezone(UTC).replace(second=0, microsecond=0)
)
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "summary": TEXT,
        "description": TEXT,
        "due": st.none() | st.dates(date(1, 1, 2)) | TIMES,
        "status": st.sampled_from(STATUSES),
        "priority": st.none() | st.integers(1, 9),
        "categories": st.lists(TEXT.map(str.strip).filter(bool), unique=True).map(lambda c: tuple(sorted(c))),
        "url": st.none() | TEXT.map(lambda text: text.replace("\n", "").strip() or None),
    },
)
EMPTY = {
    "summary": "",
    "description": "",
    "due": None,
    "status": "NEEDS-ACTION",
    "completed": False,
    "priority": None,
    "categories": (),
    "url": None,
}
#: Lines that an edit of a mapped attribute has no business with, some of them broken.
FOREIGN = st.lists(
    st.sampled_from(
        [
            "X-APPLE-SORT-ORDER:12345",
            'X-FOO;A=b;C="d:e,f":a,b;c\\,d%2C\\n',
            "ATTACH;FMTTYPE=text/plain;ENCODING=BASE64;VALUE=BINARY:aGFsbG8=",
            "GEO:1.5;2.5",
            "RELATED-TO;RELTYPE=PARENT:other-uid",
            "COMMENT:one, not escaped; still kept",
            'ATTENDEE;CN="Doe, J":mailto:j@example.org',
            "X-EMPTY:",
            "LOCATION;LANGUAGE=de:Büro 🏢 " + "ü" * 90,
        ]
    ),
    unique=True,
)


def read(text: str, zone: ZoneInfo | Any = UTC) -> Todo:
    (todo,) = read_resource(text, href="/x.ics", etag='"1"', floating=zone).todos
    return todo


def resource(*lines: str, before: str = "") -> str:
    return "\r\n".join(
        [
            *("BEGIN:VCALENDAR", "VERSION:2.0", *([before] if before else [])),
            *("BEGIN:VTODO", "UID:1", *lines, "END:VTODO", "END:VCALENDAR", ""),
        ]
    )


def lines(text: str) -> list[str]:
    (todo,) = Component.parse(text).components("VTODO")
    return [part for part in todo.parts if isinstance(part, str)]


@given(VALUES)
def test_what_is_written_is_read(values: dict[str, Any]) -> None:
    expected = {**EMPTY, **values}
    expected["completed"] = expected["status"] in DONE
    todo = read(new_todo("1", values, now=NOW))
    assert dict(todo.values) == expected
    assert todo.timestamp == NOW


@given(VALUES, VALUES, FOREIGN)
def test_an_edit_changes_what_it_names_and_nothing_else(
    old: dict[str, Any], new: dict[str, Any], foreign: list[str]
) -> None:
    calendar = Component.parse(new_todo("1", old, now=NOW - timedelta(days=1)))
    (todo,) = calendar.components("VTODO")
    todo.parts += [*foreign, Component("VALARM", ["ACTION:DISPLAY", "DESCRIPTION:ring", "X-A:b,c"])]
    other = Component("VEVENT", ["UID:2", "SUMMARY:another", "DUE:nonsense"])
    calendar.parts += [other, "X-LATE:1"]
    before = calendar.to_text()
    text = edit_todo(before, "1", new, now=NOW)
    expected = {**EMPTY, **old, **new}
    expected["completed"] = expected["status"] in DONE
    if text is None:
        assert dict(read(before).values) == expected
        return
    assert dict(read(text).values) == expected
    after = Component.parse(text)
    (edited,) = after.components("VTODO")
    assert [part for part in edited.parts if part in foreign] == foreign
    assert list(edited.components()) == list(todo.components())
    assert [part for part in after.parts if part not in (edited,)] == [
        p for p in calendar.parts if p is not todo
    ]
    assert read(text).timestamp == NOW
    assert "SEQUENCE:1" in lines(text)
    assert edit_todo(text, "1", new, now=NOW) is None


def test_equal_values_keep_their_form() -> None:
    text = resource(
        "DUE;TZID=Europe/Berlin:20260704T120030",
        "PRIORITY:0",
        "CATEGORIES:b",
        "CATEGORIES;LANGUAGE=en:a,b",
        "COMPLETED:20260101T000000Z",
        "SUMMARY;LANGUAGE=de:a\\, b",
    )
    values = dict(read(text).values)
    assert values["due"] == datetime(2026, 7, 4, 10, 0, tzinfo=UTC)
    assert values["status"] == "COMPLETED"
    assert values["categories"] == ("a", "b")
    assert edit_todo(text, "1", values) is None


def test_parameters_stay_but_not_the_other_form_of_a_text() -> None:
    text = resource('DESCRIPTION;LANGUAGE=de;ALTREP="data:text/html,old":old')
    edited = edit_todo(text, "1", {"description": "new"})
    assert edited is not None
    assert "DESCRIPTION;LANGUAGE=de:new" in lines(edited)


VTIMEZONE = "\r\n".join(
    [
        "BEGIN:VTIMEZONE",
        "TZID:Office",
        "BEGIN:STANDARD",
        "DTSTART:19700101T000000",
        "TZOFFSETFROM:+0300",
        "TZOFFSETTO:+0300",
        "END:STANDARD",
        "END:VTIMEZONE",
    ]
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
    edited = edit_todo(text, "1", {"due": new}, floating=BERLIN)
    assert edited is not None
    assert written in lines(edited)
    expected = new.astimezone(UTC).replace(second=0) if isinstance(new, datetime) else new
    assert read(edited, BERLIN).values["due"] == expected


def test_due_from_start_and_duration() -> None:
    text = resource("DTSTART:20260704T100000Z", "DURATION:PT2H")
    assert read(text).values["due"] == datetime(2026, 7, 4, 12, tzinfo=UTC)
    edited = edit_todo(text, "1", {"due": datetime(2026, 7, 4, 13, tzinfo=UTC)})
    assert edited is not None
    assert "DUE:20260704T130000Z" in lines(edited)
    assert not any(line.startswith("DURATION") for line in lines(edited))


def test_a_start_after_the_new_due_moves_along() -> None:
    text = resource("DTSTART;TZID=Europe/Berlin:20260704T100000", "DUE;TZID=Europe/Berlin:20260704T120000")
    edited = edit_todo(text, "1", {"due": datetime(2026, 7, 1, 10, tzinfo=UTC)})
    assert edited is not None
    assert "DTSTART;TZID=Europe/Berlin:20260701T100000" in lines(edited)


def test_a_start_takes_the_kind_of_the_new_due() -> None:
    text = resource("DTSTART;VALUE=DATE:20260701", "DUE;VALUE=DATE:20260704")
    edited = edit_todo(text, "1", {"due": datetime(2026, 7, 4, 10, tzinfo=UTC)})
    assert edited is not None
    assert "DTSTART:20260701T000000Z" in lines(edited)


RECURRING = "\r\n".join(
    [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "BEGIN:VTODO",
        "UID:1",
        "RECURRENCE-ID:20260711T100000Z",
        "SUMMARY:an exception",
        "END:VTODO",
        "BEGIN:VTODO",
        "UID:1",
        "DTSTART:20260704T100000Z",
        "DUE:20260704T120000Z",
        "RRULE:FREQ=WEEKLY",
        "SUMMARY:the rule",
        "END:VTODO",
        "END:VCALENDAR",
        "",
    ]
)


def test_a_recurring_todo_keeps_rule_and_exceptions() -> None:
    assert read(RECURRING).values["summary"] == "the rule"
    edited = edit_todo(
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
        edit_todo(RECURRING, "1", {"due": due})


def test_several_todos_share_a_resource() -> None:
    text = RECURRING.replace(
        "END:VCALENDAR", "BEGIN:VTODO\r\nUID:2\r\nSUMMARY:two\r\nEND:VTODO\r\nEND:VCALENDAR"
    )
    todos = read_resource(text, href="/x.ics", etag=None).todos
    assert {todo.uid: todo.values["summary"] for todo in todos} == {"1": "the rule", "2": "two"}
    rest = without_todo(text, "1")
    assert rest is not None
    assert [todo.uid for todo in read_resource(rest, href="/x.ics", etag=None).todos] == ["2"]
    assert without_todo(rest, "2") is None


@pytest.mark.parametrize(
    ("before", "changes", "after"),
    [
        (
            [],
            {"status": "COMPLETED"},
            ["STATUS:COMPLETED", "PERCENT-COMPLETE:100", "COMPLETED:20260504T030201Z"],
        ),
        ([], {"completed": True}, ["STATUS:COMPLETED", "PERCENT-COMPLETE:100", "COMPLETED:20260504T030201Z"]),
        (
            ["STATUS:COMPLETED", "PERCENT-COMPLETE:100", "COMPLETED:20260101T000000Z"],
            {"status": "NEEDS-ACTION"},
            ["STATUS:NEEDS-ACTION"],
        ),
        (["STATUS:COMPLETED", "PERCENT-COMPLETE:100"], {"completed": False}, ["STATUS:NEEDS-ACTION"]),
        (["STATUS:NEEDS-ACTION"], {"status": "IN-PROCESS"}, ["STATUS:IN-PROCESS"]),
        (["PERCENT-COMPLETE:40"], {"status": "CANCELLED"}, ["PERCENT-COMPLETE:40", "STATUS:CANCELLED"]),
        ([], {"status": "IN-PROCESS", "completed": True}, None),
        ([], {"status": "CANCELLED", "completed": False}, ["STATUS:CANCELLED"]),
    ],
)
def test_status_percent_and_completed_agree(
    before: list[str], changes: dict[str, Any], after: list[str] | None
) -> None:
    edited = edit_todo(resource(*before), "1", changes, now=NOW)
    assert edited is not None
    told = ("STATUS", "PERCENT-COMPLETE", "COMPLETED")
    found = [line for line in lines(edited) if line.partition(":")[0] in told]
    if after is None:
        after = ["STATUS:COMPLETED", "PERCENT-COMPLETE:100", "COMPLETED:20260504T030201Z"]
    assert sorted(found) == sorted(after)


@pytest.mark.parametrize("completed", [True, False])
@pytest.mark.parametrize("status", STATUSES)
def test_a_tick_that_fits_leaves_the_status(status: str, completed: bool) -> None:
    text = resource(f"STATUS:{status}")
    fits = completed == (status in DONE)
    assert (edit_todo(text, "1", {"completed": completed}) is None) == fits


@pytest.mark.parametrize(
    "bad",
    [
        {"priority": 10},
        {"priority": 2.5},
        {"priority": True},
        {"status": "BLOCKED"},
        {"due": "tomorrow"},
        {"due": datetime(2026, 1, 1)},
        {"colour": "red"},
    ],
)
def test_values_that_no_todo_has_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ItemError):
        new_todo("1", bad)


@pytest.mark.parametrize(
    "line",
    ["DUE:soon", "DUE;TZID=Mars/Olympus:20260704T120000", "DUE:20261399", "SUMMARY;broken", "DUE:00000101"],
)
def test_an_attribute_that_cannot_be_read_makes_the_resource_unreadable(line: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read(resource(line))


def test_timestamps() -> None:
    assert read(resource()).timestamp == datetime(1970, 1, 1, tzinfo=UTC)
    assert read(resource("DTSTAMP:20260101T000000Z")).timestamp == datetime(2026, 1, 1, tzinfo=UTC)
    both = resource("DTSTAMP:20260101T000000Z", "LAST-MODIFIED:20260102T000000Z")
    assert read(both).timestamp == datetime(2026, 1, 2, tzinfo=UTC)
