"""How often a task runs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tasks.errors import TaskDefinitionError

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_PERIOD = re.compile(r"(\d+)\s*(s|m|h|d)(?:econd|ec|inute|in|our|ay)?s?")


@dataclass(frozen=True)
class Schedule:
    """A period, a total, or both; with neither, a task runs once."""

    #: Time between the starts of two runs.
    every: timedelta | None = None
    #: How many runs there are in all; `None` is without end.
    total: int | None = None

    def __post_init__(self) -> None:
        if self.every is not None and self.every <= timedelta(0):
            raise TaskDefinitionError(
                f"run_every: a period must be longer than zero, this one is {self.every.total_seconds():g} s"
            )
        if self.total is not None and self.total < 1:
            raise TaskDefinitionError(f"in_total: a task runs at least once, not {self.total} times")
        if self.every is None and self.total is None:
            object.__setattr__(self, "total", 1)

    def __str__(self) -> str:
        if self.every is None:
            return "once" if self.total == 1 else f"{self.total} times"
        period = f"every {describe(self.every)}"
        return period if self.total is None else f"{period}, {self.total} times"


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
