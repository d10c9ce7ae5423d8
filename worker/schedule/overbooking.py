"""Runs that are due faster than they are made: by how much, and who is told of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tasks.scheduled import Scheduled
from worker.schedule.claims import Claims
from worker.telling.numbers import some

log = logging.getLogger(__name__)

#: Seconds from the first turn that was left out until it is told; what a restart of a worker delays is over then.
TELL_AFTER = 10.0
#: Times that pass between two lines while it lasts.
REPEAT = 6


@dataclass(frozen=True, slots=True)
class Overbooking:
    """By how much the schedule is overbooked."""

    #: Runs a second that are due, and that are made.
    due: float
    made: float
    #: Tasks that get less than their period says, of all that have a period.
    late: int
    tasks: int
    #: The one that was left out most often in a row, and how often.
    longest: str
    left_out: int

    def __str__(self) -> str:
        return (
            f"The schedule is overbooked: {_rate(self.due)} are due and about {_rate(self.made)} are made. "
            f"{self.late} of {some(self.tasks, 'task')} still waited in the queue when due again, "
            f"{self.longest!r} {some(self.left_out, 'time')} in a row. Each gets its turn, but later than its period "
            "says, until there are more workers, or longer periods."
        )


def periods_of(tasks: Iterable[Scheduled]) -> dict[str, float]:
    """The seconds between two runs of each task that has a period."""
    everies = {task.name: task.plan_schedule.every for task in tasks}
    return {name: every.total_seconds() for name, every in everies.items() if every}


def measure(left_out: Mapping[str, int], periods: Mapping[str, float]) -> Overbooking | None:
    """By how much it is overbooked; `None` where it is not.

    Args:
        left_out: how many turns of each entry were left out in a row, as Redis has it.
        periods: the seconds between two runs of each task that has a period.
    """
    turns = {name: left_out.get(name, 0) for name in periods}
    late = [name for name, count in turns.items() if count]
    if not late:
        return None
    longest = max(late, key=lambda name: (turns[name] * periods[name], name))
    return Overbooking(
        due=sum(1 / every for every in periods.values()),
        made=sum(1 / (every * (1 + turns[name])) for name, every in periods.items()),
        late=len(late),
        tasks=len(periods),
        longest=longest,
        left_out=turns[longest],
    )


def _rate(runs: float) -> str:
    """Runs a second, or in the unit that makes a number of it which can be read."""
    for unit, seconds in (("second", 1), ("minute", 60), ("hour", 3600)):
        if runs * seconds >= 1:
            return f"{runs * seconds:,.1f} runs a {unit}"
    return f"{runs * 86_400:,.1f} runs a day"


class OverbookingLog:
    """Tells at WARNING that the schedule is overbooked: soon, then now and then while it lasts, and its end."""

    def __init__(self, claims: Claims, periods: Mapping[str, float], *, tell_after: float) -> None:
        self._claims = claims
        self._periods = periods
        self._tell_after = tell_after
        self._next: float | None = None
        self._told = False

    def left_out(self) -> None:
        """A turn of an entry was left out."""
        if self._next is None:
            self._next = time.monotonic() + self._tell_after

    def tell(self) -> None:
        """Tell it, if it is time.

        Raises:
            redis.RedisError: Redis does not answer.
        """
        now = time.monotonic()
        if self._next is None or now < self._next:
            return
        found = measure(self._claims.left_out(), self._periods)
        if found is not None:
            log.warning("%s", found)
            self._next, self._told = now + REPEAT * self._tell_after, True
            return
        if self._told:
            log.info("The schedule is not overbooked any more.")
        self._next, self._told = None, False
