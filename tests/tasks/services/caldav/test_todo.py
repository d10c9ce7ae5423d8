"""Texts to attributes and back."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import ItemError
from tasks.services.caldav.content_lines import Component, clean
from tasks.services.caldav.todo import DONE, STATUSES, edit_todo, new_todo, read_resource, without_todo
from tests.tasks.services.caldav.texts import EMPTY, NOW, RECURRING, lines, read, resource

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


def test_timestamps() -> None:
    assert read(resource()).timestamp == datetime(1970, 1, 1, tzinfo=UTC)
    assert read(resource("DTSTAMP:20260101T000000Z")).timestamp == datetime(2026, 1, 1, tzinfo=UTC)
    both = resource("DTSTAMP:20260101T000000Z", "LAST-MODIFIED:20260102T000000Z")
    assert read(both).timestamp == datetime(2026, 1, 2, tzinfo=UTC)
    for odd in (
        "LAST-MODIFIED:",
        "LAST-MODIFIED:soon",
        "LAST-MODIFIED;broken:",
        "LAST-MODIFIED;TZID=M:20260102T000000",
    ):
        text = resource("DTSTAMP:20260101T000000Z", odd)
        assert read(text).timestamp == datetime(2026, 1, 1, tzinfo=UTC)
        edited = edit_todo(text, "1", {"summary": "x"}, now=NOW)
        assert edited is not None
        assert read(edited).timestamp == NOW
    assert read(resource("DTSTAMP:", "CREATED:20250101T000000Z")).timestamp == datetime(
        2025, 1, 1, tzinfo=UTC
    )
