"""What cannot be read is left alone, and hides no more than itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tasks.errors import ItemError, UnfitError
from tasks.services.caldav.entries.todo import TODOS
from tasks.values.opaque import Opaque
from tests.tasks.services.caldav.texts import EMPTY, NOW, lines, read, resource


@pytest.mark.parametrize(
    ("attribute", "line"),
    [
        ("due", "DUE:soon"),
        ("due", "DUE;TZID=Mars/Olympus:20260704T120000"),
        ("due", "DUE;TZID=America:20260704T120000"),
        ("due", "DUE;TZID=../../etc/passwd:20260704T120000"),
        ("due", "DUE;TZID=a\0b:20260704T120000"),
        ("due", "DUE;TZID=" + "x" * 5000 + ":20260704T120000"),
        ("due", "DUE;TZID=localtime:20260704T120000"),
        ("due", "DUE;TZID=Customized Time Zone:20260704T120000"),
        ("due", "DUE;TZID=GMT+2:20260704T120000"),
        ("due", "DUE;TZID=GMT+0275:20260704T120000"),
        ("due", "DUE;TZID=CEST:20260704T120000"),
        ("due", "DUE:20261399"),
        ("due", "DUE:00000101"),
        ("due", "DUE:00010101T000000\r\nX-A:1\r\nDUE;broken"),
        ("due", "DUE:٢٠٢٦٠٧٠٤"),
        ("due", "DUE;TZID=Asia/Tokyo:00010101T000000"),
        ("due", "DTSTART;VALUE=DATE:99991231\r\nDURATION:P1W"),
        ("due", "DTSTART:20260101T000000Z\r\nDURATION:P999999W"),
        ("due", "DTSTART:20260101T000000Z\r\nDURATION:P" + "9" * 5000 + "D"),
        ("due", "DTSTART:20260101T000000Z\r\nDURATION:-P1D"),
        ("due", "DTSTART:20260101T000000Z\r\nDURATION:P"),
        ("due", "DTSTART:nonsense\r\nDURATION:P1D"),
        ("start", "DTSTART:nonsense"),
        ("start", "DTSTART;TZID=Mars:20260704T120000"),
        ("percent_complete", "PERCENT-COMPLETE:half"),
        ("percent_complete", "PERCENT-COMPLETE:101"),
        ("percent_complete", "PERCENT-COMPLETE:-1"),
        ("parent", "RELATED-TO:a\r\nRELATED-TO;b"),
        ("description", "DESCRIPTION;broken"),
        ("status", "STATUS:WAITING"),
        ("priority", "PRIORITY:HIGH"),
        ("priority", "PRIORITY:10"),
        ("priority", "PRIORITY:٣"),
        ("priority", "PRIORITY:" + "1" * 5000),
        ("categories", "CATEGORIES:a\r\nCATEGORIES;b"),
        ("url", "URL;x"),
    ],
)
def test_an_odd_line_hides_its_attribute_and_no_other(attribute: str, line: str) -> None:
    text = resource("SUMMARY:tea", "X-A:1", line, "DTSTAMP:20260101T000000Z")
    if line.endswith(("broken", "CATEGORIES;b", "RELATED-TO;b", "URL;x")):
        text = text.replace(line, line + ":")  # parameters without a value
    todo = read(text)
    odd = {name for name, value in todo.values.items() if isinstance(value, Opaque)}
    also = {"status": {"completed"}, "due": {"start"} if "DTSTART:nonsense" in line else set()}
    assert odd == {attribute, *also.get(attribute, ())}
    with pytest.raises(UnfitError) as caught:
        TODOS.edit(text, "1", {attribute: EMPTY[attribute]})
    assert caught.value.attributes == {attribute}
    others = {"summary": "coffee", "description": "d", "priority": 3, "categories": ("x",), "url": "u:v"}
    others = {name: value for name, value in others.items() if name not in odd}
    edited = TODOS.edit(text, "1", others, now=NOW)
    assert edited is not None
    assert [each for each in lines(text) if each not in ("SUMMARY:tea", "DTSTAMP:20260101T000000Z")] == [
        each for each in lines(edited) if each in lines(text) and each != "SUMMARY:tea"
    ]
    assert {name: read(edited).values[name] for name in others} == others


@pytest.mark.parametrize(
    ("line", "attribute", "value"),
    [
        ("DUE:", "due", None),
        ("DUE;VALUE=DATE:", "due", None),
        ("DUE:\r\nDTSTART:20260101T000000Z\r\nDURATION:PT1H", "due", datetime(2026, 1, 1, 1, tzinfo=UTC)),
        (
            "DTSTART;TZID=Europe/Berlin:20260328T120000\r\nDURATION:P1D",
            "due",
            datetime(2026, 3, 29, 10, tzinfo=UTC),
        ),
        (
            "DTSTART;TZID=Europe/Berlin:20260328T120000\r\nDURATION:PT24H",
            "due",
            datetime(2026, 3, 29, 11, tzinfo=UTC),
        ),
        ("PRIORITY:", "priority", None),
        ("PRIORITY:+5", "priority", 5),
        ("STATUS:", "status", "NEEDS-ACTION"),
        ("COMPLETED:", "status", "NEEDS-ACTION"),
        ("PERCENT-COMPLETE:nonsense", "status", "NEEDS-ACTION"),
        ("PERCENT-COMPLETE:" + "1" * 5000, "status", "NEEDS-ACTION"),
        ("SEQUENCE:" + "1" * 5000, "priority", None),
    ],
)
def test_an_empty_or_idle_line_says_nothing(line: str, attribute: str, value: Any) -> None:
    text = resource(line)
    assert read(text).values[attribute] == value
    edited = TODOS.edit(text, "1", {"summary": "tea"}, now=NOW)
    assert edited is not None
    assert set(lines(text)) <= set(lines(edited))


def held(text: str) -> dict[str, str]:
    reading = TODOS.read(text, href="/x.ics", etag=None)
    assert reading.entries == []
    return dict(reading.unreadable)


DEEP = "BEGIN:X\r\n" * 5000 + "END:X\r\n" * 5000


@pytest.mark.parametrize(
    "text",
    [
        resource("SUMMARY;broken:tea"),
        resource("SUMMARY:tea").replace("END:VTODO\r\n", ""),
        resource("SUMMARY:tea").replace("END:VCALENDAR\r\n", ""),
        resource("SUMMARY:tea").replace("UID:1", "uid;X-A=b:1").replace("END:VTODO", "END:VEVENT"),
        resource("SUMMARY:tea") * 2,
        "garbage\r\n" + resource("SUMMARY:tea"),
        resource("SUMMARY:tea", DEEP.strip()),
        resource("SUMMARY:tea", "END:VTODO", "BEGIN:VTODO", "UID:1"),  # two that nothing tells apart
        resource("RECURRENCE-ID;broken:1"),
    ],
)
def test_what_cannot_be_read_is_held_by_its_uid(text: str) -> None:
    assert set(held(text)) == {"1"}
    with pytest.raises((ValueError, ItemError)):
        TODOS.edit(text, "1", {"summary": "x"})


def test_a_todo_without_a_uid_hides_no_other_one() -> None:
    text = resource("SUMMARY:tea", "END:VTODO", "BEGIN:VTODO", "SUMMARY:nameless", "UID:")
    reading = TODOS.read(text, href="/x.ics", etag=None)
    assert [todo.uid for todo in reading.entries] == ["1"]
    assert dict(reading.unreadable) == {"/x.ics": "a to-do has no UID"}
    edited = TODOS.edit(text, "1", {"summary": "coffee"})
    assert edited is not None
    assert "SUMMARY:nameless" in edited
    rest = TODOS.without(text, "1")
    assert rest is not None
    assert "SUMMARY:nameless" in rest


@pytest.mark.parametrize("text", ["", "<html>", resource("SUMMARY:tea").replace("UID:1", "X:1")])
def test_what_names_no_uid_is_no_resource(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        TODOS.read(text, href="/x.ics", etag=None)
