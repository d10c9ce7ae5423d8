"""Periods in words."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_PERIOD = re.compile(r"(\d+)\s*(s|m|h|d)(?:econd|ec|inute|in|our|ay)?s?")


def describe(period: timedelta) -> str:
    """A period in words as short as `1 h 30 min`."""
    seconds = period.total_seconds()
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    parts = [f"{hours:g} h"] if hours else []
    parts += [f"{minutes:g} min"] if minutes else []
    parts += [f"{seconds:g} s"] if seconds else []
    return " ".join(parts)


def read_period(value: Any) -> timedelta:
    """The period that a text such as `5m` or `1h 30m` says.

    Raises:
        ValueError: it says none.
    """
    text = str(value).strip().lower()
    parts = _PERIOD.findall(text)
    if not isinstance(value, str) or not parts or _PERIOD.sub("", text).strip():
        raise ValueError('give a period such as "30s", "5m" or "1h 30m"')
    units = [unit for _, unit in parts]
    if len(units) != len(set(units)):
        raise ValueError(f"{value!r} names a unit twice")
    try:
        period = timedelta(**{_UNITS[unit]: int(number) for number, unit in parts})
    except OverflowError:
        raise ValueError(f"{value!r} is too long") from None
    if not period:
        raise ValueError("a period must be longer than zero")
    return period
