"""How often a task runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from tasks.errors import TaskDefinitionError


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
