"""Whose doing it is that a listing shows another value than the write before."""

from __future__ import annotations

import json
from collections.abc import Collection

import pytest

from tasks.services.caldav.collection.late_changes import LateChanges
from tasks.services.caldav.entries.codec import Entry
from tasks.services.caldav.entries.todo import ATTRIBUTES, TODOS

LINES = ("UID:a", "DTSTAMP:20260101T000000Z", "SEQUENCE:1", "SUMMARY:Pay the rent", "DUE;VALUE=DATE:20260704")


def todo(*changes: tuple[str, str], etag: str | None = '"1"') -> Entry:
    text = "\n".join(["BEGIN:VCALENDAR", "BEGIN:VTODO", *LINES, "END:VTODO", "END:VCALENDAR"])
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (made,) = TODOS.read(text, href="https://cal.example/a.ics", etag=etag).entries
    return made


def listed(changes: LateChanges, shown: Entry, unread: Collection[str] = ()) -> Entry:
    (again,) = changes.undone([shown], unread)
    return again


CUT = ("Pay the rent", "Pay")
MOVED = ("20260704", "20260705")
EDITED = ("SEQUENCE:1", "SEQUENCE:2")


@pytest.mark.parametrize(
    ("shown", "by_server"),
    [
        (todo(CUT), True),
        (todo(MOVED), True),
        (todo(CUT, etag='"2"'), True),
        (todo(("SUMMARY:Pay the rent\n", ""), etag=None), True),
        (todo(MOVED, etag='"2"'), False),
        (todo(("Pay the rent", "Buy"), etag='"2"'), False),
        (todo(CUT, EDITED, etag='"2"'), False),
        (todo(CUT, EDITED, etag=None), False),
        (todo(CUT, EDITED, etag='W/"1"'), False),
    ],
)
def test_a_version_or_marks_that_stayed_show_that_nobody_edited_it(shown: Entry, by_server: bool) -> None:
    changes = LateChanges()
    changes.wrote(todo(), todo(), ATTRIBUTES)
    full = {name: todo().values[name] for name in ("summary", "due")}
    for _ in range(2):
        changes = LateChanges.from_json(json.loads(json.dumps(changes.to_json())))
        again = listed(changes, shown)
        assert {name: again.values[name] for name in full} == (
            full if by_server else {name: shown.values[name] for name in full}
        )


def test_the_fuller_value_is_given_as_long_as_what_is_left_of_it_is_shown() -> None:
    changes = LateChanges()
    changes.wrote(todo(), todo(), ATTRIBUTES)
    assert listed(changes, todo(CUT)).values["summary"] == "Pay the rent"
    assert listed(changes, todo(CUT, EDITED, MOVED, etag='"2"')).values["summary"] == "Pay the rent"
    assert list(changes.undone([], {"a"})) == []  # it could not be read this time
    assert listed(changes, todo(CUT)).values["summary"] == "Pay the rent"
    assert listed(changes, todo(("Pay the rent", "Buy"), EDITED)).values["summary"] == "Buy"
    assert listed(changes, todo(CUT)).values["summary"] == "Pay"


def test_without_a_write_before_a_change_is_an_edit() -> None:
    changes = LateChanges()
    listed(changes, todo())
    assert listed(changes, todo(CUT)).values["summary"] == "Pay"
