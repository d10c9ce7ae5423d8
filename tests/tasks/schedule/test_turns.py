"""Turns against a clock that is looked at minute by minute."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.errors import TaskDefinitionError
from tasks.schedule import MISSED, Schedule, next_turn
from tasks.schedule.quiet import quiet_of
from tasks.schedule.turns import delay_of

EXAMPLES = int(os.environ.get("SCHEDULE_EXAMPLES", "150"))
MINUTE = timedelta(minutes=1)
#: Zones whose clocks are set at other hours, by other steps, to both sides, at midnight, or never.
ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Havana",
    "Africa/Cairo",
    "Africa/Casablanca",
    "America/Santiago",
    "Pacific/Chatham",
    "Asia/Kolkata",
    "UTC",
)
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_NAMES = {name: number for names in (DAYS, _MONTHS) for number, name in enumerate(names, start=1)} | {
    "sun": 0
}

# -- the oracle: what a person with a clock and a list would do ------------------------------------------------


def numbers(field: str, low: int, high: int) -> frozenset[int]:
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        if first == "*":
            begin, end = low, high
        else:
            begin = _NAMES[first] if first in _NAMES else int(first)
            end = (_NAMES[last] if last in _NAMES else int(last)) if last else (high if step else begin)
        found |= set(range(begin, end + 1, int(step or 1)))
    return frozenset(found)


class ByHand:
    """A cron expression as its page describes it."""

    def __init__(self, expression: str) -> None:
        minute, hour, day, month, weekday = expression.split()
        self.minutes, self.hours = numbers(minute, 0, 59), numbers(hour, 0, 23)
        self.days, self.months = numbers(day, 1, 31), numbers(month, 1, 12)
        self.weekdays = frozenset(each % 7 for each in numbers(weekday, 0, 7 if weekday != "*" else 6))
        self.both = day.startswith("*") or weekday.startswith("*")
        self.by_the_clock = minute.startswith("*") or hour.startswith("*")

    def has_day(self, day: date) -> bool:
        in_month, in_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        fits = (in_month and in_week) if self.both else (in_month or in_week)
        return day.month in self.months and fits

    def shows(self, wall: datetime) -> bool:
        return self.has_day(wall.date()) and wall.hour in self.hours and wall.minute in self.minutes


@cache
def clock(zone: str, begin: datetime, days: int) -> list[tuple[datetime, datetime]]:
    """Each minute of some days, and what the clock shows then."""
    moments = (begin + number * MINUTE for number in range(days * 24 * 60))
    return [(moment, moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)) for moment in moments]


def times(expression: str, minutes: list[tuple[datetime, datetime]]) -> Iterator[datetime]:
    """The times of an expression among these minutes; the first ones may lack what was before."""
    hand = ByHand(expression)
    latest = minutes[0][1]
    for moment, wall in minutes:
        if hand.by_the_clock:
            if hand.shows(wall):
                yield moment
            continue
        # Only a time that the clock has not shown yet counts, and one that it passed over counts now.
        passed = latest
        due = False
        while passed < wall:
            passed += MINUTE
            due = due or hand.shows(passed)
        latest = max(latest, wall)
        if due:
            yield moment


# -- what is asked ---------------------------------------------------------------------------------------------


def changes(zone: str, year: int) -> list[datetime]:
    """When the clock of a zone is set in a year."""
    at = datetime(year, 1, 1, tzinfo=UTC)
    hours = [at + timedelta(hours=number) for number in range(366 * 24)]
    offsets = [hour.astimezone(ZoneInfo(zone)).utcoffset() for hour in hours]
    return [later for later, one, two in zip(hours[1:], offsets, offsets[1:], strict=False) if one != two]


@cache
def interesting(zone: str) -> list[datetime]:
    """Midnights, in UTC, before clocks are set, before leap days, and others."""
    leap = [
        datetime(2024, 2, 27, tzinfo=UTC),
        datetime(2023, 2, 27, tzinfo=UTC),
        datetime(2024, 12, 30, tzinfo=UTC),
    ]
    set_on = [
        each.replace(hour=0) - timedelta(days=1) for year in (2024, 2025) for each in changes(zone, year)
    ]
    return leap + set_on


def _span(two: tuple[int, int]) -> str:
    low, high = sorted(two)
    return f"{low}-{high}" if low < high else str(low)


def _field(low: int, high: int, names: list[str] | None = None) -> st.SearchStrategy[str]:
    number = st.integers(low, high).map(str) if names is None else st.sampled_from(names)
    span = st.tuples(st.integers(low, high), st.integers(low, high)).map(_span)
    step = st.tuples(st.one_of(st.just("*"), span), st.integers(1, max(high // 2, 2))).map(
        lambda two: "/".join(map(str, two))
    )
    one = st.one_of(number, number, span, step)
    return st.one_of(st.just("*"), one, st.lists(one, min_size=1, max_size=3).map(",".join))


expressions = st.tuples(
    _field(0, 59),
    st.one_of(_field(0, 4), _field(0, 23)),
    st.one_of(st.just("*"), _field(1, 31)),
    st.one_of(st.just("*"), _field(1, 12), _field(1, 12, ["feb", "mar", "oct", "nov"])),
    st.one_of(st.just("*"), _field(0, 7), _field(0, 6, ["mon", "sun", "wed"])),
).map(" ".join)

reached: Counter[str] = Counter()


@settings(max_examples=EXAMPLES, deadline=None)
@given(data=st.data(), zone=st.sampled_from(ZONES), expression=expressions)
def test_times_of_the_calendar_are_those_of_a_clock_on_the_wall(
    data: st.DataObject, zone: str, expression: str
) -> None:
    begin = data.draw(st.sampled_from(interesting(zone)))
    minutes = clock(zone, begin, 3)
    expected = list(times(expression, minutes))
    after = begin + timedelta(days=1, seconds=data.draw(st.integers(0, 2 * 24 * 3600)))
    try:
        schedule = Schedule(cron=expression, timezone=zone)
    except TaskDefinitionError:
        assert not expected
        reached["never"] += 1
        return
    found = next_turn(schedule, after, "milk")
    later = [moment for moment in expected if moment > after]
    reached["some" if later else "none"] += 1
    if later:
        assert found is not None
        assert found.at == later[0]
    else:
        assert found is None or found.at > minutes[-1][0]


def quiet_by_hand(quiet: tuple[str, ...]) -> Callable[[datetime], bool]:
    """Whether a time on the wall is in one of these ranges, each written as `days begin-end`."""
    ranges = []
    for each in quiet:
        days, hours = each.split(" ")
        begin, end = ((int(part[:2]), int(part[3:])) for part in hours.split("-"))
        ranges.append((days.split(","), begin, end))

    def is_quiet(wall: datetime) -> bool:
        today, before = (f"{each:%a}".lower() for each in (wall, wall - timedelta(days=1)))
        now = (wall.hour, wall.minute)
        return any(
            (today in days and begin <= now < end)
            if begin < end
            else (today in days and now >= begin) or (before in days and now < end)
            for days, begin, end in ranges
        )

    return is_quiet


_times = st.tuples(st.integers(0, 23), st.sampled_from((0, 0, 30, 59))).map(
    lambda two: f"{two[0]:02}:{two[1]:02}"
)
_ranges = st.tuples(
    st.lists(st.sampled_from(DAYS), min_size=1, max_size=7, unique=True).map(",".join),
    st.tuples(_times, _times).filter(lambda two: two[0] != two[1]).map("-".join),
).map(" ".join)


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    data=st.data(),
    zone=st.sampled_from(ZONES),
    quiet=st.one_of(st.just(("mon 03:00-03:30",)), st.lists(_ranges, min_size=1, max_size=3).map(tuple)),
    catch_up=st.sampled_from(("once", "skip")),
    every=st.sampled_from((None, 7, 60, 1000)),
    jitter=st.sampled_from((0, 0, 300)),
)
def test_nothing_is_due_in_quiet_hours(
    data: st.DataObject, zone: str, quiet: tuple[str, ...], catch_up: str, every: int | None, jitter: int
) -> None:
    """What falls into them is due right at their end, or where it is left out, at its next time outside of them."""
    begin = data.draw(st.sampled_from(interesting(zone)))
    after = begin + timedelta(days=1) + data.draw(st.integers(0, 24 * 60)) * MINUTE
    cron = None if every else data.draw(st.sampled_from(("*/20 * * * *", "*/30 2-3 * * *", "15 * * * *")))
    period = None if every is None else every * MINUTE
    late = timedelta(seconds=jitter if every != 7 else 0)
    try:
        schedule = Schedule(
            period, cron=cron, timezone=zone, quiet=quiet, catch_up=catch_up, jitter=late
        ).check()
    except TaskDefinitionError:  # all of the week is quiet
        reached["no time"] += 1
        return
    is_quiet = quiet_by_hand(quiet)
    minutes = clock(zone, begin, 10)
    if period is not None:
        nominal = [
            after + number * period
            for number in range(1, 1 + (minutes[-1][0] - timedelta(hours=1) - after) // period)
        ]
    else:
        nominal = [moment for moment in times(str(cron), minutes[:-60]) if moment > after]
    shown = dict(minutes)
    found = next_turn(schedule, after, "milk")
    due = [
        moment for moment in nominal if not is_quiet(shown[_minute(moment + delay_of(late, "milk", moment))])
    ]
    if catch_up == "skip":
        if due:
            at = due[0] + delay_of(late, "milk", due[0])
            assert found is not None
            assert (found.at, found.until) == (at, at + MISSED)
        else:
            assert found is None or found.at > nominal[-1]
        reached["left out" if due != nominal else "skip"] += 1
        return
    assert found is not None
    assert found.until is None
    delay = delay_of(late, "milk", nominal[0])
    expected = nominal[0] + delay
    if is_quiet(shown[_minute(expected)]):
        end = next(
            (moment for moment, wall in minutes if moment > expected and not is_quiet(wall)), minutes[-1][0]
        )
        reached["moved"] += 1
        if is_quiet(shown[_minute(end + delay)]):
            reached["squeezed"] += 1
            assert not is_quiet(found.at.astimezone(ZoneInfo(zone)))
            return
        expected = end + delay
    assert found.at == expected


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def test_all_of_that_was_met() -> None:
    assert {"some", "none", "left out", "skip", "moved"} <= {name for name, count in reached.items() if count}


@pytest.mark.parametrize(
    ("zone", "expression", "after", "at"),
    [
        # 02:30 is left out by the clock: it comes when the clock goes on.
        ("Europe/Berlin", "30 2 * * *", "2025-03-29T12:00Z", "2025-03-30T01:00Z"),
        # 02:30 is shown twice: the first one counts, also for who looks after that.
        ("Europe/Berlin", "30 2 * * *", "2025-10-25T12:00Z", "2025-10-26T00:30Z"),
        ("Europe/Berlin", "30 2 * * *", "2025-10-26T01:10Z", "2025-10-27T01:30Z"),
        # Every ten minutes is every ten minutes.
        ("Europe/Berlin", "*/10 * * * *", "2025-10-26T00:50Z", "2025-10-26T01:00Z"),
        ("Europe/Berlin", "*/10 * * * *", "2025-03-30T00:50Z", "2025-03-30T01:00Z"),
        # Midnight is left out in Cairo.
        ("Africa/Cairo", "0 0 * * *", "2025-04-24T12:00Z", "2025-04-24T22:00Z"),
        ("UTC", "0 0 29 2 *", "2025-01-01T00:00Z", "2028-02-29T00:00Z"),
        ("UTC", "0 0 29 2 *", "2096-03-01T00:00Z", "2104-02-29T00:00Z"),
    ],
)
def test_times_on_days_when_clocks_are_set(zone: str, expression: str, after: str, at: str) -> None:
    found = next_turn(Schedule(cron=expression, timezone=zone), datetime.fromisoformat(after), "milk")
    assert found is not None
    assert found.at == datetime.fromisoformat(at)


def test_a_delay_is_that_of_task_and_turn_alone() -> None:
    moments = [datetime(2025, 1, 1, tzinfo=UTC) + number * MINUTE for number in range(300)]
    delays = [delay_of(10 * MINUTE, "milk", moment) for moment in moments]
    assert delays == [delay_of(10 * MINUTE, "milk", moment) for moment in moments]
    assert delays != [delay_of(10 * MINUTE, "eggs", moment) for moment in moments]
    assert timedelta(0) <= min(delays) < 2 * MINUTE
    assert 8 * MINUTE < max(delays) <= 10 * MINUTE


@pytest.mark.parametrize(
    ("zone", "quiet", "moment", "end"),
    [
        # 02:30 is left out by the clock: they end when it goes on at 03:00.
        ("Europe/Berlin", "01:00-02:30", "2025-03-30T00:30Z", "2025-03-30T01:00Z"),
        # 02:30 is shown twice, and what follows the first one is quiet again until the second.
        ("Europe/Berlin", "01:00-02:30", "2025-10-26T00:10Z", "2025-10-26T00:30Z"),
        ("Europe/Berlin", "01:00-02:30", "2025-10-26T01:10Z", "2025-10-26T01:30Z"),
        # Midnight is left out in Cairo.
        ("Africa/Cairo", "22:00-00:30", "2025-04-24T21:00Z", "2025-04-24T22:00Z"),
    ],
)
def test_quiet_hours_that_end_when_clocks_are_set(zone: str, quiet: str, moment: str, end: str) -> None:
    assert quiet_of((quiet,), zone).end(datetime.fromisoformat(moment)) == datetime.fromisoformat(end)
