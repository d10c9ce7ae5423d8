"""Conditions on dates: comparisons floored to the minute, or by day where only a day is given; relative words."""

from __future__ import annotations

import calendar
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sandbox.notion.parts import dates
from sandbox.notion.requests import errors

Point = date | datetime
Test = Callable[[Point | None], bool]
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "equals": lambda value, operand: bool(value == operand),
    "before": lambda value, operand: bool(value < operand),
    "after": lambda value, operand: bool(value > operand),
    "on_or_before": lambda value, operand: bool(value <= operand),
    "on_or_after": lambda value, operand: bool(value >= operand),
}
_SPANS = ("this_week", "past_week", "past_month", "past_year", "next_week", "next_month", "next_year")
CONDITIONS = frozenset({*_COMPARE, *_SPANS, "is_empty", "is_not_empty"})


def date_test(condition: str, operand: Any, now: datetime, path: str) -> Test:
    """A test of a day or moment; `ApiError` for an operand that is no date."""
    if condition in ("is_empty", "is_not_empty"):
        if operand is not True:
            raise errors.bad_body(f"{path}.{condition}", "`true`", operand)
        return lambda value: (value is None) == (condition == "is_empty")
    if condition in _SPANS:
        if operand != {}:
            raise errors.bad_body(f"{path}.{condition}", "an empty object", operand)
        first, last = _span(condition, now.date())
        return lambda value: value is not None and first <= _day(value) <= last
    wanted = _operand(operand, now)
    if wanted is None:
        raise errors.bad_body(f"{path}.{condition}", "a valid ISO 8601 date string", operand)
    compare = _COMPARE[condition]
    if not isinstance(wanted, datetime):
        return lambda value: value is not None and compare(_day(value), wanted)
    moment = _minute(wanted)
    return lambda value: value is not None and compare(_minute(value), moment)


def _operand(operand: Any, now: datetime) -> Point | None:
    today = now.date()
    words = {
        "today": today,
        "tomorrow": today + timedelta(days=1),
        "yesterday": today - timedelta(days=1),
        "one_week_ago": today - timedelta(days=7),
        "one_week_from_now": today + timedelta(days=7),
        "one_month_ago": _months(today, -1),
        "one_month_from_now": _months(today, 1),
    }
    return words[operand] if isinstance(operand, str) and operand in words else dates.parse(operand)


def _span(word: str, today: date) -> tuple[date, date]:
    """First and last day of a span; the past ones end today and the next ones start today."""
    if word == "this_week":
        sunday = today - timedelta(days=(today.weekday() + 1) % 7)
        return sunday, sunday + timedelta(days=6)
    direction, _, unit = word.partition("_")
    sign = -1 if direction == "past" else 1
    if unit == "week":
        other = today + timedelta(days=7 * sign)
    else:
        other = _months(today, sign * (1 if unit == "month" else 12))
    return min(today, other), max(today, other)


def _months(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _day(value: Point) -> date:
    return value.astimezone(UTC).date() if isinstance(value, datetime) else value


def _minute(value: Point) -> datetime:
    return dates.as_moment(value).replace(second=0, microsecond=0)
