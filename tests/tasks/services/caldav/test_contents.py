"""What is open about resources that were named and not read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from xml.etree.ElementTree import Element

import pytest

from tasks.services.caldav.collection.contents import Contents, read_contents
from tasks.services.caldav.collection.versions import made_by_server, same_content, strong
from tasks.services.caldav.entries.todo import TODOS
from tasks.services.caldav.server.multistatus import DATA, ETAG, Resource

URL = "https://cal.example/anna/todos/"


def text(*lines: str, end: str = "END:VTODO\nEND:VCALENDAR\n") -> str:
    head = ["BEGIN:VCALENDAR", "VERSION:2.0", "BEGIN:VTODO", "DTSTAMP:20260101T000000Z"]
    return "\n".join([*head, *lines, end])


def resource(name: str, content: str | None = None, status: int = 200) -> Resource:
    found = {}
    for tag, value in ((ETAG, '"1"'), (DATA, content)):
        found[tag] = Element(tag)
        found[tag].text = value
    return Resource(URL + name, status, found)


def read(*resources: Resource, known: Mapping[str, Sequence[str]] | None = None) -> Contents:
    return read_contents(resources, codec=TODOS, calendar_url=URL, floating=UTC, known=known or {})


def test_a_text_that_cannot_be_read_is_known_by_the_uids_in_it() -> None:
    contents = read(
        resource("a.ics", text("UID;X=y:ab", "SUMMARY:Buy\\,", " milk", "END:VALARM")),
        resource("c.ics", text("UID:c", " d", "SUMMARY:bread", end="")),
    )
    assert set(contents.unreadable) == {"ab", "cd"}
    assert contents.open_about("ab") is not None
    assert contents.open_about("cd") is not None
    assert contents.open_about("another") is None
    titles = {
        title: [one.name for one in contents.unread if one.may_show(title)]
        for title in ("bUY,milk ", "bread", "x")
    }
    assert titles == {"bUY,milk ": ["a.ics"], "bread": ["c.ics"], "x": []}


@pytest.mark.parametrize(
    "content", [None, "", "  \n", "<html>", text("SUMMARY:s", end=""), "BEGIN:VCALENDAR"]
)
def test_a_text_without_an_end_may_hold_any_uid(content: str | None) -> None:
    contents = read(resource("a.ics", content))
    assert set(contents.unreadable) == {"a"}
    assert contents.open_about("another") is not None
    assert contents.unread[0].may_show("s")
    assert contents.unread[0].may_show("t") is (content != text("SUMMARY:s", end=""))


def test_a_whole_text_without_a_uid_holds_no_other() -> None:
    contents = read(resource("a.ics", "BEGIN:VCALENDAR\nBEGIN:VTODO\nSUMMARY:s\nEND:VEVENT\nEND:VCALENDAR"))
    assert contents.open_about("a") is not None
    assert contents.open_about("another") is None
    assert [contents.unread[0].may_show(title) for title in "st"] == [True, False]


def test_what_was_read_before_is_known() -> None:
    known = {"a.ics": ["x", "y"], "gone.ics": ["z"]}
    contents = read(resource("a.ics", status=404), resource("b.ics", text("UID:b")), known=known)
    assert set(contents.unreadable) == {"x", "y"}
    assert [contents.open_about(uid) is None for uid in ("x", "y", "a", "z")] == [False, False, True, True]
    assert not contents.unread[0].may_show("anything")
    assert contents.known == {"a.ics": ["x", "y"], "b.ics": ["b"]}


def test_a_todo_that_lost_its_uid_is_still_the_one_that_it_was() -> None:
    contents = read(resource("a.ics", "BEGIN:VCALENDAR\nBEGIN:VTODO\nEND:VCALENDAR"), known={"a.ics": ["x"]})
    assert contents.open_about("x") is not None


def test_a_uid_is_nobodys_also_where_one_of_its_files_cannot_be_read() -> None:
    contents = read(
        resource("b.ics", text("UID:x")),
        resource("deeper/b.ics", text("UID:x", "BEGIN:VALARM")),
        resource("x.ics", status=404),
        resource("y.ics", text("UID:y")),
    )
    assert [todo.uid for todo in contents.entries] == ["y"]
    assert contents.unreadable["x"].startswith("b.ics, deeper/b.ics and x.ics have the same UID")


def test_a_uid_that_two_todos_of_one_file_have_stands_for_neither() -> None:
    one, more = text("UID:x", "SUMMARY:one"), "UID:x\nSUMMARY:two\nEND:VTODO\n"
    y = "BEGIN:VTODO\nUID:y\nDTSTAMP:20260101T000000Z\nEND:VTODO\n"
    twice = one.replace("END:VCALENDAR", f"BEGIN:VTODO\n{more}{y}END:VCALENDAR")
    contents = read(resource("a.ics", twice))
    assert [todo.uid for todo in contents.entries] == ["y"]
    assert "several to-dos of this UID" in contents.unreadable["x"]
    exception = twice.replace("SUMMARY:two", "RECURRENCE-ID:20260101T000000Z")
    contents = read(resource("a.ics", exception))
    assert [todo.uid for todo in contents.entries] == ["x", "y"]
    assert not contents.unreadable


def test_a_list_that_was_cut_short_says_nothing_of_what_is_not_in_it() -> None:
    contents = read(resource("b.ics", text("UID:x")), resource("", status=507))
    assert contents.partial == "the server cut its answer short (status 507)"
    assert contents.open_about("z") is not None


@pytest.mark.parametrize(
    ("etag", "taken"),
    [
        ('"1"', '"1"'),
        (' "1"\n', '"1"'),
        ("abc", "abc"),
        ('W/"1"', None),
        ('w/"1"', None),
        ("“1”", None),
        ('"a b"', None),
        ("", None),
        (None, None),
    ],
)
def test_a_condition_is_made_of_a_strong_version_only(etag: str | None, taken: str | None) -> None:
    assert strong(etag) == taken


def test_an_edit_is_told_from_what_the_server_made_of_a_write() -> None:
    sent = text("UID:a", "SEQUENCE:1", "LAST-MODIFIED:20260101T000000Z", "SUMMARY:s")
    edited = sent.replace("SEQUENCE:1", "SEQUENCE:2").replace("0000Z", "0001Z")
    stamped = sent.replace("0000Z", "0001Z")
    cut = sent.replace("SUMMARY:s", "SUMMARY:")
    assert made_by_server("a", sent, cut, '"1"', '"1"')
    assert made_by_server("a", sent, edited, '"1"', '"1"')
    assert made_by_server("a", sent, cut, '"1"', '"2"')
    assert made_by_server("a", sent, cut, None, None)
    assert made_by_server("a", sent, stamped, None, '"2"')
    assert not made_by_server("a", sent, stamped, '"1"', '"2"')
    assert not made_by_server("a", sent, edited, '"1"', '"2"')
    assert not made_by_server("a", sent, edited, None, '"2"')


def test_a_stamp_of_the_reading_is_no_content() -> None:
    assert same_content(text("UID:a"), text("UID:a").replace("20260101", "20270101").replace("\n", "\r\n"))
    assert not same_content(text("UID:a"), text("UID:a", "SUMMARY:x"))
