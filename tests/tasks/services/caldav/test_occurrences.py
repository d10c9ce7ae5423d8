"""Which occurrence of a series is shown."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tasks.errors import UnfitError
from tasks.services.caldav.entries.codec import Entry
from tasks.services.caldav.entries.event import EventCodec
from tasks.values.date_range import DateRange
from tests.tasks.services.caldav.test_event import OVERRIDDEN, SERIES, ZONE, event
from tests.tasks.services.caldav.texts import BERLIN


def codec(now: datetime) -> EventCodec:
    return EventCodec(next_occurrence=True, now=lambda: now)


def read(text: str, now: datetime) -> Entry:
    (found,) = codec(now).read(text, href="/x.ics", etag='"1"', floating=BERLIN).entries
    return found


def hours(month: int, day: int, hour: int, length: int = 1) -> DateRange:
    start = datetime(2026, month, day, hour, tzinfo=UTC)
    return DateRange(start, start.replace(hour=hour + length))


@pytest.mark.parametrize(
    ("now", "when"),
    [
        (datetime(2020, 1, 1, tzinfo=UTC), hours(7, 4, 7)),
        (datetime(2026, 7, 4, 7, 30, tzinfo=UTC), hours(7, 4, 7)),  # it goes on
        (datetime(2026, 7, 4, 9, tzinfo=UTC), hours(7, 6, 7)),  # one more
        (datetime(2026, 7, 7, tzinfo=UTC), hours(7, 11, 9)),  # one that was moved
        (datetime(2026, 7, 12, tzinfo=UTC), hours(8, 8, 7)),  # three were taken out
        (datetime(2026, 10, 25, tzinfo=UTC), hours(10, 31, 8)),  # by the clock on the wall
        (datetime(2028, 1, 1, tzinfo=UTC), hours(12, 26, 8)),  # it is over
    ],
)
def test_the_next_occurrence_is_shown(now: datetime, when: DateRange) -> None:
    values = read(event("SUMMARY:tea", *SERIES, after=OVERRIDDEN), now).values
    assert (values["when"], values["start"], values["end"]) == (when, when.start, when.end)


@pytest.mark.parametrize(
    ("lines", "when"),
    [
        (("DTSTART;VALUE=DATE:20200704", "RRULE:FREQ=YEARLY"), DateRange(date(2026, 7, 4))),
        (
            ("DTSTART;VALUE=DATE:20260629", "DTEND;VALUE=DATE:20260701", "RRULE:FREQ=WEEKLY"),
            DateRange(date(2026, 7, 6), date(2026, 7, 7)),
        ),
        (("DTSTART:20260101T090000", "RRULE:FREQ=DAILY"), DateRange(datetime(2026, 7, 2, 7, tzinfo=UTC))),
        # Not followed: what its rule names takes long to find, or nobody can read it.
        (("DTSTART:20260101T080000Z", "RRULE:FREQ=SECONDLY"), DateRange(datetime(2026, 1, 1, 8, tzinfo=UTC))),
        (
            ("DTSTART:20260101T080000Z", "RRULE:FREQ=DAILY;COUNT=many"),
            DateRange(datetime(2026, 1, 1, 8, tzinfo=UTC)),
        ),
        (
            ("DTSTART:20260101T080000Z", "RRULE:FREQ=DAILY", "EXRULE:FREQ=WEEKLY"),
            DateRange(datetime(2026, 1, 1, 8, tzinfo=UTC)),
        ),
        (("DTSTART:20260101T080000Z",), DateRange(datetime(2026, 1, 1, 8, tzinfo=UTC))),
    ],
)
def test_other_kinds_of_series(lines: tuple[str, ...], when: DateRange) -> None:
    now = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)  # the next day in Berlin
    assert read(event("SUMMARY:tea", *lines), now).values["when"] == when


def test_a_cancelled_occurrence_is_passed_over() -> None:
    off = tuple(line.replace("X-ODD;A=b:c\\,d", "STATUS:CANCELLED") for line in OVERRIDDEN)
    now = datetime(2026, 7, 7, tzinfo=UTC)
    assert read(event("SUMMARY:tea", *SERIES, after=off), now).values["when"] == hours(8, 8, 7)


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY;BYSETPOS=5",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=7;BYDAY=TU",
        "FREQ=WEEKLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYDAY=XX",
        "FREQ=DAILY;BYHOUR=1,2,3;BYMINUTE=1,2,3;BYSECOND=1,2,3",
        "FREQ=MINUTELY",
        "FREQ=YEARLY;BYWEEKNO=99",
    ],
)
@pytest.mark.timeout(60)
def test_a_rule_that_names_nothing_takes_no_time(rule: str) -> None:
    found = read(event("SUMMARY:tea", "DTSTART:19900101T080000Z", f"RRULE:{rule}"), datetime.now(UTC))
    assert found.values["when"] == DateRange(datetime(1990, 1, 1, 8, tzinfo=UTC))


@pytest.mark.parametrize("new", [hours(7, 11, 10), hours(7, 4, 7), None])
def test_what_would_move_the_series_is_held(new: Any) -> None:
    now = datetime(2026, 7, 7, tzinfo=UTC)
    text = event("SUMMARY:tea", *SERIES, after=OVERRIDDEN)
    with pytest.raises(UnfitError) as caught:
        codec(now).edit(text, "1", {"when": new, "summary": "coffee"}, floating=BERLIN)
    assert caught.value.attributes == {"when"}
    shown = read(text, now).values["when"]
    after = codec(now).edit(text, "1", {"when": shown, "summary": "coffee"}, floating=BERLIN)
    assert after is not None
    assert f"DTSTART{ZONE}:20260704T090000" in after
