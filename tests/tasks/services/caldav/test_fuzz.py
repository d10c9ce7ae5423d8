"""To-dos of real programs, damaged at random: only errors of the contract, and no line changes that was not edited."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tasks.errors import UnfitError
from tasks.services.caldav.entries.codec import Entry
from tasks.services.caldav.entries.todo import ATTRIBUTES, TODOS
from tasks.services.caldav.lines.content_lines import Component
from tasks.values.opaque import Opaque
from tests.tasks.services.caldav.samples import SAMPLES

NOW = datetime(2026, 7, 5, 3, 2, 1, tzinfo=UTC)
TOKYO = ZoneInfo("Asia/Tokyo")

#: Lines and values that programs, people and time zones bring about.
ODD_VALUES = [
    *("", " ", "٣", "-1", "0", "10", "9" * 5000, "NaN", "1e3", "\\", "a\\", ",", ";", "\x00", "\u2028", "\ud800"),
    *("ü" * 200, "00010101", "00000000", "99991231", "99991231T235959", "99991231T235959Z", "00010101T000000"),
    *("20261399", "20260230", "20260704T250000", "20260704T120060Z", "20260704T120000ZZ", "20260704", "soon"),
    *("P1W", "-P1D", "PT", "P", "PT0S", "P999999W", "P1Y", "PT1.5H", "20260704T1200", "VCALENDAR", "RDATE"),
    *("FREQ=SECONDLY", "FREQ=DAILY;INTERVAL=0", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=DAILY;COUNT=1"),
    *("FREQ=WEEKLY;BYDAY=XX", "FREQ=DAILY;UNTIL=", "FREQ=DAILY;UNTIL=20260704", "FREQ=MONTHLY;BYSETPOS=0;BYDAY=MO"),
    *("FREQ=YEARLY;INTERVAL=99999", "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "FREQ=YEARLY;BYWEEKNO=99"),
]  # fmt: skip
ODD_ZONES = [
    *("America", "../../etc/passwd", "a\x00", "x" * 5000, "GMT+2", "GMT+0200", "localtime", "", "Mars", "/"),
    *("+99:99", "Europe/Berlin", "/x/Europe/Berlin"),
]  # fmt: skip
NAMES = [
    *("DUE", "DTSTART", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID", "STATUS", "PRIORITY", "SEQUENCE"),
    *("UID", "PERCENT-COMPLETE", "COMPLETED", "LAST-MODIFIED", "DTSTAMP", "SUMMARY", "CATEGORIES", "URL"),
    *("DESCRIPTION", "RELATED-TO", "BEGIN", "END", "TZID", "TZOFFSETTO"),
]  # fmt: skip
SIGNS = [*'";:,=\\ \x08\x7fü\r', "\ud800", ""]


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A real to-do after a few accidents."""
    lines = draw(st.sampled_from(sorted(SAMPLES.values()))).splitlines()
    for _ in range(draw(st.integers(0, 4))):
        if not lines:
            break
        at = draw(st.integers(0, len(lines) - 1))
        match draw(
            st.sampled_from(["delete", "twice", "byte", "value", "zone", "new", "swap", "nest", "cut"])
        ):
            case "delete":
                del lines[at]
            case "twice":
                lines.insert(draw(st.integers(0, len(lines))), lines[at])
            case "byte" if lines[at]:
                place = draw(st.integers(0, len(lines[at]) - 1))
                sign = draw(st.sampled_from(SIGNS))
                lines[at] = lines[at][:place] + sign + lines[at][place + 1 :]
            case "value":
                lines[at] = lines[at].partition(":")[0] + ":" + draw(st.sampled_from(ODD_VALUES))
            case "zone":
                name, _, value = lines[at].partition(":")
                lines[at] = f"{name.partition(';')[0]};TZID={draw(st.sampled_from(ODD_ZONES))}:{value}"
            case "new":
                name = draw(st.sampled_from(NAMES))
                lines.insert(at, f"{name}:{draw(st.sampled_from(ODD_VALUES))}")
            case "swap":
                other = draw(st.integers(0, len(lines) - 1))
                lines[at], lines[other] = lines[other], lines[at]
            case "nest":
                lines[at:at] = ["BEGIN:X-DEEP"] * draw(st.sampled_from([1, 3, 3000]))
            case _:
                lines[at] = lines[at][: draw(st.integers(0, 20))]
    return draw(st.sampled_from(["\r\n", "\n"])).join(lines)


MOMENTS = [
    datetime(9999, 12, 31, 23, tzinfo=UTC),
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(2026, 7, 8, 9, tzinfo=UTC),
]
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "summary": st.sampled_from(["tea", "", "a,b;c\nd"]),
        "description": st.sampled_from(["", "text"]),
        "due": st.sampled_from([None, date(2026, 7, 8), date(1, 1, 1), date(9999, 12, 31), *MOMENTS]),
        "status": st.sampled_from(["NEEDS-ACTION", "IN-PROCESS", "COMPLETED", "CANCELLED"]),
        "completed": st.booleans(),
        "priority": st.sampled_from([None, 1, 9]),
        "categories": st.sampled_from([(), ("home",), ("new,1", "x"), ("Garten", "y;z")]),
        "url": st.sampled_from([None, "https://example.org/"]),
        "start": st.sampled_from([None, date(2026, 7, 4), date(1, 1, 1), *MOMENTS]),
        "percent_complete": st.sampled_from([None, 0, 40, 100]),
        "parent": st.sampled_from([(), ("nc-0",), ("a,b", "x")]),
    },
)
#: Lines that say an attribute, and those that every edit renews.
LINES = {
    "summary": {"SUMMARY"},
    "description": {"DESCRIPTION"},
    "due": {"DUE", "DTSTART", "DURATION"},
    "status": {"STATUS", "PERCENT-COMPLETE", "COMPLETED", "DUE", "DTSTART", "RRULE"},
    "completed": {"STATUS", "PERCENT-COMPLETE", "COMPLETED", "DUE", "DTSTART", "RRULE"},
    "priority": {"PRIORITY"},
    "categories": {"CATEGORIES"},
    "url": {"URL"},
    "start": {"DTSTART", "DUE", "DURATION"},
    "percent_complete": {"PERCENT-COMPLETE", "STATUS"},
    "parent": {"RELATED-TO"},
}
STAMPS = {"SEQUENCE", "LAST-MODIFIED", "DTSTAMP"}


def name_of(line: str) -> str:
    return line.partition(":")[0].partition(";")[0].upper()


def flat(component: Component, depth: int = 0) -> list[str]:
    """All lines of a calendar, those of parts of to-dos marked by their depth."""
    found = [f"{depth}BEGIN:{component.name}"]
    for part in component.parts:
        found += flat(part, depth + 1) if isinstance(part, Component) else [f"{depth}{part}"]
    return found


def edited(todo: Entry, changes: dict[str, Any], floating: Any, reached: Counter[str]) -> None:
    """An edit either is of the contract's errors, or changes what it names and leaves every other line."""
    unfit: frozenset[str] = frozenset()
    try:
        text = TODOS.edit(todo.text, todo.uid, changes, floating=floating, now=NOW)
    except UnfitError as error:
        unfit = error.attributes
    if unfit:
        reached["unfit"] += 1
        assert unfit <= changes.keys()
        rest = {name: value for name, value in changes.items() if name not in unfit}
        if rest:
            reached["the rest of an unfit one"] += 1
            edited(todo, rest, floating, reached)
        return
    if text is None:
        return
    reached["edited"] += 1
    before, after = Component.parse(todo.text), Component.parse(text)
    touched = STAMPS.union(*(LINES[name] for name in changes))

    def untouched(calendar: Component) -> list[str]:
        names = {f"1{name}" for name in touched}
        if todo.recurs and not {"status", "completed"}.isdisjoint(changes):
            names.add("2TRIGGER")  # alarms ring for the next occurrence then
        return [line for line in flat(calendar) if line[0] + name_of(line[1:]) not in names]

    assert untouched(after) == untouched(before)
    again = {one.uid: one for one in TODOS.read(text, href="/x.ics", etag=None, floating=floating).entries}
    shown = again[todo.uid]
    for name in ATTRIBUTES:
        old = todo.values[name]
        if isinstance(old, Opaque):
            reached["left opaque"] += 1
            assert shown.values[name] == old
    if todo.recurs and shown.values["due"] != todo.values["due"] and "due" not in changes:
        reached["next occurrence"] += 1
        assert shown.values["status"] == "NEEDS-ACTION"


@pytest.fixture(scope="module")
def reached() -> Counter[str]:
    return Counter()


@settings(max_examples=400, suppress_health_check=list(HealthCheck), deadline=None)
@example(text=SAMPLES["korganizer"], changes={"status": "COMPLETED"}, floating=UTC)
@example(text=SAMPLES["korganizer"], changes={"status": "CANCELLED", "summary": "tea"}, floating=UTC)
@given(text=damaged(), changes=CHANGES, floating=st.sampled_from([UTC, TOKYO]))
def test_damaged_todos(reached: Counter[str], text: str, changes: dict[str, Any], floating: Any) -> None:
    try:
        reading = TODOS.read(text, href="/x.ics", etag=None, floating=floating)
    except ValueError:
        reached["nothing read"] += 1
        return
    reached["read"] += len(reading.entries)
    reached["unreadable"] += len(reading.unreadable)
    for todo in reading.entries:
        assert todo.timestamp.tzinfo is not None
        assert set(todo.values) == set(ATTRIBUTES)
        reached["opaque"] += any(isinstance(value, Opaque) for value in todo.values.values())
        try:
            edited(todo, changes, floating, reached)
            TODOS.without(text, todo.uid)
        except UnicodeEncodeError:
            assert "\ud800" in text  # half a character, which no server can send


def test_all_of_it_was_met(reached: Counter[str]) -> None:
    wanted = ["read", "unreadable", "nothing read", "opaque", "edited", "unfit", "the rest of an unfit one"]
    wanted += ["left opaque", "next occurrence"]
    assert {name for name in wanted if not reached[name]} == set()


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_every_sample_is_read_in_full(name: str) -> None:
    reading = TODOS.read(SAMPLES[name], href="/x.ics", etag=None)
    assert not reading.unreadable
    assert reading.entries
    assert not any(isinstance(value, Opaque) for todo in reading.entries for value in todo.values.values())
