"""Calendar resources for tests, and what is read of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tasks.services.caldav.entries.codec import Entry
from tasks.services.caldav.entries.todo import TODOS
from tasks.services.caldav.lines.content_lines import Component

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
#: What a to-do shows that says nothing.
EMPTY = {
    "summary": "",
    "description": "",
    "start": None,
    "due": None,
    "status": "NEEDS-ACTION",
    "completed": False,
    "percent_complete": None,
    "priority": None,
    "categories": (),
    "url": None,
    "parent": (),
}
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


def read(text: str, zone: ZoneInfo | Any = UTC) -> Entry:
    (todo,) = TODOS.read(text, href="/x.ics", etag='"1"', floating=zone).entries
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


def edited_lines(text: str, changes: dict[str, Any], floating: Any = UTC) -> list[str]:
    edited = TODOS.edit(text, "1", changes, floating=floating, now=NOW)
    assert edited is not None
    return lines(edited)
