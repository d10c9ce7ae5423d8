"""What the functions of formulas do with plain values: text, numbers, truth values, dates and lists."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from typing import Any

from sandbox.notion.parts import dates

_MOST_REPEATS = 10_000


@dataclass(frozen=True)
class Span:
    """A date, or a range of dates."""

    start: date | datetime
    end: date | datetime | None = None


def as_number(value: Any) -> float:
    """A number of anything; nothing counts as 0."""
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, int | float):
        return value
    if isinstance(value, Span):
        return dates.as_moment(value.start).timestamp() * 1000
    try:
        return float(value or 0)
    except (TypeError, ValueError):
        return 0.0


def as_text(value: Any) -> str:
    """A text of anything; nothing counts as empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, list):
        return ", ".join(as_text(item) for item in value)
    if isinstance(value, Span):
        shown = [_day_text(value.start), *([_day_text(value.end)] if value.end else [])]
        return " → ".join(shown)
    return str(value)


def _day_text(point: date | datetime) -> str:
    text = f"{point:%B} {point.day}, {point.year}"
    return f"{text} {point:%I:%M %p}".replace(" 0", " ") if isinstance(point, datetime) else text


def is_empty(value: Any) -> bool:
    """Nothing, no text, no element, 0 and false are empty."""
    return value is False or value in (None, "", [], 0)


def _moment(value: Any) -> datetime | None:
    return dates.as_moment(value.start) if isinstance(value, Span) else None


def _shift(value: Any, amount: Any, unit: Any, sign: int) -> Span | None:
    if not isinstance(value, Span):
        return None
    return Span(_shifted(value.start, int(as_number(amount)) * sign, as_text(unit)))


def _shifted(point: date | datetime, amount: int, unit: str) -> date | datetime:
    unit = unit.removesuffix("s")
    months = {"month": 1, "quarter": 3, "year": 12}.get(unit)
    if months is not None:
        year, month = divmod(point.year * 12 + point.month - 1 + amount * months, 12)
        last = (date(year + (month == 11), (month + 1) % 12 + 1, 1) - timedelta(days=1)).day
        return point.replace(year=year, month=month + 1, day=min(point.day, last))
    steps = {"week": timedelta(weeks=1), "day": timedelta(days=1), "hour": timedelta(hours=1)}
    step = steps.get(unit, timedelta(minutes=1))
    if step < timedelta(days=1) and not isinstance(point, datetime):
        point = dates.as_moment(point)
    return point + amount * step


def _between(later: Any, earlier: Any, unit: Any) -> float | None:
    one, other = _moment(later), _moment(earlier)
    if one is None or other is None:
        return None
    name = as_text(unit).removesuffix("s")
    months = {"month": 1, "quarter": 3, "year": 12}.get(name)
    if months is not None:
        full = (one.year - other.year) * 12 + one.month - other.month
        if full > 0 and (one.day, one.time()) < (other.day, other.time()):
            full -= 1
        elif full < 0 and (one.day, one.time()) > (other.day, other.time()):
            full += 1
        return math.trunc(full / months)
    seconds = {"week": 604_800, "day": 86_400, "hour": 3600, "minute": 60}.get(name, 60)
    return math.trunc((one - other).total_seconds() / seconds)


def _part(name: str) -> Callable[[Any], Any]:
    def part(value: Any) -> Any:
        point = _moment(value)
        if point is None:
            return None
        return {
            "minute": point.minute,
            "hour": point.hour,
            "day": point.isoweekday(),
            "date": point.day,
            "week": point.isocalendar().week,
            "month": point.month,
            "year": point.year,
        }[name]

    return part


def _numbers(values: tuple[Any, ...]) -> list[float]:
    flat = [item for value in values for item in (value if isinstance(value, list) else [value])]
    return [as_number(item) for item in flat if item is not None]


def _from_timestamp(value: Any) -> Span | None:
    return Span(datetime.fromtimestamp(as_number(value) / 1000, UTC)) if value not in (None, "") else None


def _parse_date(value: Any) -> Span | None:
    point = dates.parse(as_text(value))
    return None if point is None else Span(point)


def _round(value: Any, places: Any = 0) -> float:
    scale: float = 10 ** int(as_number(places))
    return math.floor(as_number(value) * scale + 0.5) / scale


def _slice(value: Any, start: Any, end: Any = None) -> Any:
    items = value if isinstance(value, list) else as_text(value)
    return items[int(as_number(start)) : None if end is None else int(as_number(end))]


def _includes(value: Any, item: Any) -> bool:
    return item in value if isinstance(value, list) else as_text(item) in as_text(value)


def _at(value: Any, index: Any) -> Any:
    items, place = value if isinstance(value, list) else as_text(value), int(as_number(index))
    return items[place] if -len(items) <= place < len(items) else None


def _format_date(value: Any, pattern: Any = "MMMM D, Y") -> str:
    point = _moment(value)
    if point is None:
        return ""
    words = {
        "YYYY": f"{point:%Y}", "YY": f"{point:%y}", "Y": f"{point.year}", "MMMM": f"{point:%B}",
        "MMM": f"{point:%b}", "MM": f"{point:%m}", "M": f"{point.month}", "DD": f"{point:%d}",
        "D": f"{point.day}", "dddd": f"{point:%A}", "ddd": f"{point:%a}", "HH": f"{point:%H}",
        "H": f"{point.hour}", "hh": f"{point:%I}", "h": f"{int(f'{point:%I}')}", "mm": f"{point:%M}",
        "A": f"{point:%p}", "W": f"{point.isocalendar().week}",
    }  # fmt: skip
    return re.sub("|".join(sorted(words, key=len, reverse=True)), lambda m: words[m[0]], as_text(pattern))


TEXT: dict[str, Callable[..., Any]] = {
    "format": as_text,
    "concat": lambda *values: (
        list(chain(*values)) if isinstance(values[0], list) else "".join(map(as_text, values))
    ),
    "join": lambda *values: (
        as_text(values[1]).join(map(as_text, values[0]))
        if isinstance(values[0], list)
        else as_text(values[0]).join(map(as_text, values[1:]))
    ),
    "substring": _slice,
    "replace": lambda text, old, new: re.sub(as_text(old), as_text(new), as_text(text), count=1),
    "replaceAll": lambda text, old, new: re.sub(as_text(old), as_text(new), as_text(text)),
    "lower": lambda text: as_text(text).lower(),
    "upper": lambda text: as_text(text).upper(),
    "trim": lambda text: as_text(text).strip(),
    "repeat": lambda text, times: as_text(text) * min(int(as_number(times)), _MOST_REPEATS),
    "formatDate": _format_date,
    "style": lambda text, *_: as_text(text),
    "unstyle": lambda text, *_: as_text(text),
    "link": lambda text, *_: as_text(text),
    "name": as_text,
    "email": as_text,
}
NUMBER: dict[str, Callable[..., Any]] = {
    "length": lambda value: len(value) if isinstance(value, list) else len(as_text(value)),
    "toNumber": lambda value: as_number(value) if value not in (None, "") else None,
    "add": lambda one, other: as_number(one) + as_number(other),
    "subtract": lambda one, other: as_number(one) - as_number(other),
    "multiply": lambda one, other: as_number(one) * as_number(other),
    "divide": lambda one, other: as_number(one) / as_number(other) if as_number(other) else None,
    "mod": lambda one, other: math.fmod(as_number(one), as_number(other)) if as_number(other) else None,
    "pow": lambda one, other: math.pow(as_number(one), as_number(other)),
    "abs": lambda value: abs(as_number(value)),
    "round": _round,
    "ceil": lambda value: math.ceil(as_number(value)),
    "floor": lambda value: math.floor(as_number(value)),
    "sqrt": lambda value: math.sqrt(as_number(value)) if as_number(value) >= 0 else None,
    "sign": lambda value: (as_number(value) > 0) - (as_number(value) < 0),
    "exp": lambda value: math.exp(as_number(value)),
    "ln": lambda value: math.log(as_number(value)) if as_number(value) > 0 else None,
    "log10": lambda value: math.log10(as_number(value)) if as_number(value) > 0 else None,
    "min": lambda *values: min(_numbers(values), default=None),
    "max": lambda *values: max(_numbers(values), default=None),
    "sum": lambda *values: sum(_numbers(values)),
    "mean": lambda *values: statistics.fmean(_numbers(values)) if _numbers(values) else None,
    "median": lambda *values: statistics.median(_numbers(values)) if _numbers(values) else None,
    "pi": lambda: math.pi,
    "e": lambda: math.e,
    "dateBetween": _between,
    "timestamp": lambda value: as_number(value) if isinstance(value, Span) else None,
    **{name: _part(name) for name in ("minute", "hour", "day", "date", "week", "month", "year")},
}
BOOLEAN: dict[str, Callable[..., Any]] = {
    "empty": is_empty,
    "not": lambda value: not value,
    "and": lambda *values: all(values),
    "or": lambda *values: any(values),
    "contains": _includes,
    "includes": _includes,
    "test": lambda text, pattern: re.search(as_text(pattern), as_text(text)) is not None,
    "equal": lambda one, other: one == other,
    "unequal": lambda one, other: one != other,
}
DATE: dict[str, Callable[..., Any]] = {
    "dateAdd": lambda value, amount, unit: _shift(value, amount, unit, 1),
    "dateSubtract": lambda value, amount, unit: _shift(value, amount, unit, -1),
    "dateStart": lambda value: Span(value.start) if isinstance(value, Span) else None,
    "dateEnd": lambda value: Span(value.end or value.start) if isinstance(value, Span) else None,
    "dateRange": lambda one, other: Span(one.start, other.start) if one and other else None,
    "fromTimestamp": _from_timestamp,
    "parseDate": _parse_date,
}
LIST: dict[str, Callable[..., Any]] = {
    "split": lambda text, by=" ": as_text(text).split(as_text(by)),
    "slice": _slice,
    "sort": lambda items: sorted(items, key=lambda item: (is_empty(item), as_text(item))),
    "reverse": lambda items: items[::-1],
    "unique": lambda items: list(dict.fromkeys(items)),
    "flat": lambda items: [part for item in items for part in (item if isinstance(item, list) else [item])],
}
ITEM: dict[str, Callable[..., Any]] = {
    "at": _at,
    "first": lambda value: _at(value, 0),
    "last": lambda value: _at(value, -1),
}
