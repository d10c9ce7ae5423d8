from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import ItemError, UnfitError
from tasks.services.caldav.content_lines import Component, clean, escape, split_list
from tasks.services.caldav.todo import DONE, STATUSES, Todo, edit_todo, new_todo, read_resource, without_todo
from tasks.values.opaque import Opaque

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
    if line.endswith(("broken", "CATEGORIES;b", "URL;x")):
        text = text.replace(line, line + ":")  # parameters without a value
    todo = read(text)
    odd = {name for name, value in todo.values.items() if isinstance(value, Opaque)}
    assert odd == ({"status", "completed"} if attribute == "status" else {attribute})
    with pytest.raises(UnfitError) as caught:
        edit_todo(text, "1", {attribute: EMPTY[attribute]})
    assert caught.value.attributes == {attribute}
    others = {"summary": "coffee", "description": "d", "priority": 3, "categories": ("x",), "url": "u:v"}
    others = {name: value for name, value in others.items() if name not in odd}
    edited = edit_todo(text, "1", others, now=NOW)
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
    edited = edit_todo(text, "1", {"summary": "tea"}, now=NOW)
    assert edited is not None
    assert set(lines(text)) <= set(lines(edited))


@pytest.mark.parametrize(
    ("tzid", "hour"),
    [
        ("GMT+0200", 10),
        ("GMT+02:00", 10),
        ("UTC+2", 10),
        ("UTC-02:30", 14),
        ("GMT+0", 12),
        ("+02:00", 10),
        ("Etc/GMT+2", 14),
        ("/freeassociation.sourceforge.net/Europe/Berlin", 10),
        ("/freeassociation.sourceforge.net/Tzfile/Europe/Berlin", 10),
        ("/softwarestudio.org/Olson_20011030_5/America/Argentina/Buenos_Aires", 15),
        ("/citadel.org/20190914_1/UTC", 12),
        ("W. Europe Standard Time", 10),
        ("tzone://Microsoft/Utc", 12),
    ],
)
def test_zones_by_the_names_of_programs(tzid: str, hour: int) -> None:
    text = resource(
        f"DUE;TZID={tzid}:20260704T120000" if ":" not in tzid else f'DUE;TZID="{tzid}":20260704T120000'
    )
    todo = read(text)
    minute = 30 if tzid.endswith("30") else 0
    assert todo.values["due"] == datetime(2026, 7, 4, hour, minute, tzinfo=UTC)
    edited = edit_todo(text, "1", {"due": datetime(2026, 7, 5, hour, minute, tzinfo=UTC)})
    assert edited is not None
    assert next(line for line in lines(edited) if line.startswith("DUE")).endswith("20260705T120000")


EMPTY_VTIMEZONE = "BEGIN:VTIMEZONE\r\nTZID:Office\r\nEND:VTIMEZONE"


@pytest.mark.parametrize(
    ("described", "tzid", "hour"),
    [
        (VTIMEZONE.replace("Office", "Customized Time Zone"), "Customized Time Zone", 9),
        (VTIMEZONE.replace("Office", "GMT+3"), "GMT+3", 9),
        (VTIMEZONE.replace("Office", "GMT+0300"), "GMT+0300", 9),
        (VTIMEZONE.replace("Office", "Etc/GMT+3"), "Etc/GMT+3", None),  # says west, described as east
        (VTIMEZONE.replace("TZID:Office", "TZID:Etc/GMT-3"), "Etc/GMT-3", 9),
        (VTIMEZONE.replace("Office", "America"), "America", 9),
        (EMPTY_VTIMEZONE, "Office", None),
        (EMPTY_VTIMEZONE.replace("Office", "Europe/Berlin"), "Europe/Berlin", 10),
        (VTIMEZONE.replace("+0300", "+9900"), "Office", None),
        (VTIMEZONE.replace("TZOFFSETTO:+0300\r\n", ""), "Office", None),
        (VTIMEZONE.replace("END:STANDARD", "RRULE:FREQ=SECONDLY\r\nEND:STANDARD"), "Office", None),
    ],
)
def test_described_zones(described: str, tzid: str, hour: int | None) -> None:
    todo = read(resource(f"DUE;TZID={tzid}:20260704T120000", before=described))
    if hour is None:
        assert isinstance(todo.values["due"], Opaque)
    else:
        assert todo.values["due"] == datetime(2026, 7, 4, hour, tzinfo=UTC)


def test_a_zone_is_the_one_described_beside_it() -> None:
    line = "DUE;TZID=Office:20260704T120000"
    assert read(resource(line, before=VTIMEZONE)).values["due"].hour == 9
    other = VTIMEZONE.replace("+0300", "+0500")
    assert read(resource(line, before=other)).values["due"].hour == 7


def held(text: str) -> dict[str, str]:
    reading = read_resource(text, href="/x.ics", etag=None)
    assert reading.todos == []
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
        edit_todo(text, "1", {"summary": "x"})


def test_a_todo_without_a_uid_hides_no_other_one() -> None:
    text = resource("SUMMARY:tea", "END:VTODO", "BEGIN:VTODO", "SUMMARY:nameless", "UID:")
    reading = read_resource(text, href="/x.ics", etag=None)
    assert [todo.uid for todo in reading.todos] == ["1"]
    assert dict(reading.unreadable) == {"/x.ics": "a to-do has no UID"}
    edited = edit_todo(text, "1", {"summary": "coffee"})
    assert edited is not None
    assert "SUMMARY:nameless" in edited
    rest = without_todo(text, "1")
    assert rest is not None
    assert "SUMMARY:nameless" in rest


@pytest.mark.parametrize("text", ["", "<html>", resource("SUMMARY:tea").replace("UID:1", "X:1")])
def test_what_names_no_uid_is_no_resource(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_resource(text, href="/x.ics", etag=None)


def edited_lines(text: str, changes: dict[str, Any], floating: Any = UTC) -> list[str]:
    edited = edit_todo(text, "1", changes, floating=floating, now=NOW)
    assert edited is not None
    return lines(edited)


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
        edit_todo(text, "1", {"due": west})


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
        edit_todo(RECURRING, "1", {"summary": "renamed", "due": date(2026, 7, 1), "priority": 3})
    assert caught.value.attributes == {"due"}
    odd = resource("DTSTART;TZID=Mars:20260704T100000", "DUE:20260704T100000Z")
    with pytest.raises(UnfitError, match="Mars") as caught:
        edit_todo(odd, "1", {"summary": "renamed", "due": date(2026, 7, 1), "status": "BLOCKED"})
    assert caught.value.attributes == {"due", "status"}
    assert "SUMMARY:renamed" in edited_lines(odd, {"summary": "renamed"})
    assert "DUE:20260704T100000Z" in edited_lines(odd, {"summary": "renamed"})


@pytest.mark.parametrize("due", [None, date(2026, 7, 6), datetime(2026, 7, 6, 10, tzinfo=UTC)])
def test_the_due_time_that_a_rule_starts_from_is_not_moved(due: date | None) -> None:
    text = resource("DUE:20260704T100000Z", "RRULE:FREQ=DAILY")
    with pytest.raises(UnfitError, match="recurs from its due date"):
        edit_todo(text, "1", {"due": due})


@pytest.mark.parametrize(
    ("before", "new", "after"),
    [
        (["new\\,1,new\\;1"], ("new,1", "new;1", "c"), ["CATEGORIES:new\\,1,new\\;1,c"]),
        (["a", ";LANGUAGE=de:b,c"], ("a", "b", "c", "d"), ["CATEGORIES:a,d", "CATEGORIES;LANGUAGE=de:b,c"]),
        (["a", ";LANGUAGE=de:b,c"], ("a", "c"), ["CATEGORIES:a", "CATEGORIES;LANGUAGE=de:c"]),
        (["a", ";LANGUAGE=de:b,c"], ("b", "c"), ["CATEGORIES;LANGUAGE=de:b,c"]),
        ([";LANGUAGE=de:b"], ("b", "d"), ["CATEGORIES;LANGUAGE=de:b", "CATEGORIES:d"]),
        (["a", "X", "b"], (), []),
        ([" a , b"], (" a", "c"), ["CATEGORIES: a ,c"]),
    ],
)
def test_tags_stay_in_their_lines(before: list[str], new: tuple[str, ...], after: list[str]) -> None:
    written = ["CATEGORIES" + (line if line.startswith(";") else f":{line}") for line in before]
    found = edited_lines(resource(*written), {"categories": new})
    assert [line for line in found if line.startswith("CATEGORIES")] == after


TAG = st.text(st.sampled_from("ab,;\\ ü"), min_size=1, max_size=4).map(str.strip).filter(bool)
TAG_LINES = st.lists(
    st.tuples(st.sampled_from(["", ";LANGUAGE=de", ";X-A=b"]), st.lists(TAG, min_size=1, max_size=3)),
    max_size=4,
)


@given(TAG_LINES, st.sets(TAG, max_size=4), st.data())
def test_any_edit_of_tags_touches_only_the_lines_that_it_means(
    tag_lines: list[tuple[str, list[str]]], extra: set[str], data: st.DataObject
) -> None:
    old = {tag for _, tags in tag_lines for tag in tags}
    new = {tag for tag in old if data.draw(st.booleans())} | extra
    text = resource(*(f"CATEGORIES{params}:{','.join(map(escape, tags))}" for params, tags in tag_lines))
    assert read(text).values["categories"] == tuple(sorted(old))
    edited = edit_todo(text, "1", {"categories": tuple(new)}, now=NOW)
    assert (edited is None) == (new == old)
    if edited is None:
        return
    assert set(read(edited).values["categories"]) == new
    left = [(params, [tag for tag in tags if tag in new]) for params, tags in tag_lines]
    expected = [[params, tags] for params, tags in left if tags]
    added = sorted(new - old)
    found = []
    for prop in Component.parse(edited).components("VTODO").__next__().properties("CATEGORIES"):
        params = "".join(f";{key}={value}" for key, value in prop.params)
        found.append([params, split_list(prop.value)])
    plain = next((index for index, (params, _) in enumerate(expected) if not params), None)
    if added and plain is None:
        expected.append(["", []])
        plain = len(expected) - 1
    if added and plain is not None:
        assert sorted(found[plain][1][len(expected[plain][1]) :]) == added
        found[plain][1] = found[plain][1][: len(expected[plain][1])]
    assert found == expected


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
