"""Texts to attributes and back."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import ItemError
from tasks.services.caldav.entries.todo import DONE, STATUSES, TODOS
from tasks.services.caldav.lines.content_lines import Component, clean
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
        "percent_complete": st.none() | st.integers(0, 100),
        "parent": st.lists(TEXT.map(str.strip).filter(bool), unique=True).map(lambda c: tuple(sorted(c))),
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
            "RELATED-TO;RELTYPE=CHILD:other-uid",
            "RELATED-TO;RELTYPE=SIBLING;X-A=b:yet another",
            "COMMENT:one, not escaped; still kept",
            'ATTENDEE;CN="Doe, J":mailto:j@example.org',
            "X-EMPTY:",
            "LOCATION;LANGUAGE=de:Büro 🏢 " + "ü" * 90,
        ]
    ),
    unique=True,
)


def followed(before: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """What a to-do shows after changes: its percentage follows its status, unless it is given."""
    after = {**before, **changes}
    if after["status"] != before["status"] and "percent_complete" not in changes:
        if after["status"] == "COMPLETED":
            after["percent_complete"] = 100
        elif after["status"] == "NEEDS-ACTION" or before["percent_complete"] == 100:
            after["percent_complete"] = None
    return after | {"completed": after["status"] in DONE}


def made(values: dict[str, Any]) -> dict[str, Any]:
    """What a new to-do shows."""
    percent = values.get("percent_complete")
    if percent and "status" not in values:
        values = {**values, "status": "COMPLETED" if percent == 100 else "IN-PROCESS"}
    return followed(EMPTY, values)


@given(VALUES)
def test_what_is_written_is_read(values: dict[str, Any]) -> None:
    todo = read(TODOS.new("1", values, now=NOW))
    assert dict(todo.values) == made(values)
    assert todo.timestamp == NOW


@given(VALUES, VALUES, FOREIGN)
def test_an_edit_changes_what_it_names_and_nothing_else(
    old: dict[str, Any], new: dict[str, Any], foreign: list[str]
) -> None:
    calendar = Component.parse(TODOS.new("1", old, now=NOW - timedelta(days=1)))
    (todo,) = calendar.components("VTODO")
    todo.parts += [*foreign, Component("VALARM", ["ACTION:DISPLAY", "DESCRIPTION:ring", "X-A:b,c"])]
    other = Component("VEVENT", ["UID:2", "SUMMARY:another", "DUE:nonsense"])
    calendar.parts += [other, "X-LATE:1"]
    before = calendar.to_text()
    text = TODOS.edit(before, "1", new, now=NOW)
    expected = followed(made(old), new)
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
    assert TODOS.edit(text, "1", new, now=NOW) is None


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
    assert TODOS.edit(text, "1", values) is None


def test_parameters_stay_but_not_the_other_form_of_a_text() -> None:
    text = resource('DESCRIPTION;LANGUAGE=de;ALTREP="data:text/html,old":old')
    edited = TODOS.edit(text, "1", {"description": "new"})
    assert edited is not None
    assert "DESCRIPTION;LANGUAGE=de:new" in lines(edited)


def test_several_todos_share_a_resource() -> None:
    text = RECURRING.replace(
        "END:VCALENDAR", "BEGIN:VTODO\r\nUID:2\r\nSUMMARY:two\r\nEND:VTODO\r\nEND:VCALENDAR"
    )
    todos = TODOS.read(text, href="/x.ics", etag=None).entries
    assert {todo.uid: todo.values["summary"] for todo in todos} == {"1": "the rule", "2": "two"}
    rest = TODOS.without(text, "1")
    assert rest is not None
    assert [todo.uid for todo in TODOS.read(rest, href="/x.ics", etag=None).entries] == ["2"]
    assert TODOS.without(rest, "2") is None


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
    edited = TODOS.edit(resource(*before), "1", changes, now=NOW)
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
    assert (TODOS.edit(text, "1", {"completed": completed}) is None) == fits


@pytest.mark.parametrize(
    "bad",
    [
        {"priority": 10},
        {"priority": 2.5},
        {"priority": True},
        {"percent_complete": 101},
        {"percent_complete": -1},
        {"percent_complete": 2.5},
        {"percent_complete": True},
        {"parent": "another"},
        {"parent": ("1",)},
        {"start": datetime(2026, 7, 4)},
        {"start": "soon"},
        {"status": "BLOCKED"},
        {"due": "tomorrow"},
        {"due": datetime(2026, 1, 1)},
        {"colour": "red"},
    ],
)
def test_values_that_no_todo_has_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ItemError):
        TODOS.new("1", bad)


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
        edited = TODOS.edit(text, "1", {"summary": "x"}, now=NOW)
        assert edited is not None
        assert read(edited).timestamp == NOW
    assert read(resource("DTSTAMP:", "CREATED:20250101T000000Z")).timestamp == datetime(
        2025, 1, 1, tzinfo=UTC
    )
