"""When a task runs, and how often."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Self

from tasks.errors import TaskDefinitionError
from tasks.nearest import nearest
from tasks.schedule.cron import Cron, cron_of
from tasks.schedule.period import describe, read_period
from tasks.schedule.quiet import Quiet, quiet_of
from tasks.schedule.zones import zone_of

#: What becomes of a turn that nobody could take: it is made up for once, or left out.
CATCH_UPS = ("once", "skip")
#: The words of tables that say at what time; another period or expression may be put in the place of one.
TIMING = ("every", "cron", "timezone", "jitter", "quiet", "catch_up")


@dataclass(frozen=True)
class Schedule:
    """A period or times of the calendar, a total, or both; with none of them, a task runs once."""

    #: Time between the starts of two runs.
    every: timedelta | None = None
    #: How many runs there are in all; `None` is without end.
    total: int | None = None
    #: Times of the calendar, in five fields; in the place of a period.
    cron: str | None = None
    #: In which `cron` and `quiet` are read; empty is UTC.
    timezone: str = ""
    #: By how much a start is put off at most, so that not all begin at once.
    jitter: timedelta = timedelta(0)
    #: When nothing is started, such as `22:00-06:00`.
    quiet: tuple[str, ...] = ()
    #: One of `CATCH_UPS`.
    catch_up: str = "once"
    #: Failures in a row after which the task is paused.
    pause_after: int | None = None

    def __post_init__(self) -> None:
        if self.every is not None and self.every <= timedelta(0):
            raise TaskDefinitionError(
                f"run_every: a period must be longer than zero, this one is {self.every.total_seconds():g} s"
            )
        if self.total is not None and self.total < 1:
            raise TaskDefinitionError(f"in_total: a task runs at least once, not {self.total} times")
        if self.jitter < timedelta(0):
            raise TaskDefinitionError(f"jitter: {self.jitter.total_seconds():g} s is less than none")
        if self.pause_after is not None and self.pause_after < 1:
            raise TaskDefinitionError(f"pause_after: at least one failure, not {self.pause_after}")
        if self.catch_up not in CATCH_UPS:
            raise TaskDefinitionError(
                f"catch_up: {self.catch_up!r} is none, {nearest(self.catch_up, CATCH_UPS)}"
            )
        for word, read in (("timezone", self._zone), ("cron", self._cron), ("quiet", self._quiet)):
            try:
                read()
            except ValueError as error:
                raise TaskDefinitionError(f"{word}: {error}") from None
        if self.every is None and self.cron is None and self.total is None:
            object.__setattr__(self, "total", 1)

    def check(self) -> Self:
        """The schedule, if its parts go together.

        Raises:
            TaskDefinitionError: they do not.
        """
        if self.every is not None and self.cron is not None:
            raise TaskDefinitionError("every and cron do not go together: a task has a period, or times")
        if self.jitter and not self.recurs:
            raise TaskDefinitionError("jitter goes with every or cron only: other runs follow each other")
        if self.every is not None and self.jitter > self.every:
            raise TaskDefinitionError(
                f"jitter: {describe(self.jitter)} is longer than the period of {describe(self.every)}"
            )
        if self.catch_up == "skip" and not self.recurs:
            raise TaskDefinitionError(
                'catch_up = "skip" goes with every or cron only: another run would never come'
            )
        if self.timezone and self.cron is None and not self.quiet:
            raise TaskDefinitionError("timezone goes with cron or quiet: a period is the same in all of them")
        return self

    @property
    def recurs(self) -> bool:
        """Whether it says at what times, rather than only how often."""
        return self.every is not None or self.cron is not None

    @property
    def is_plain(self) -> bool:
        """Whether a period is all that decides when the next run is."""
        return self.cron is None and not self.jitter and not self.quiet and self.catch_up == "once"

    @property
    def calendar(self) -> Cron | None:
        """Its times of the calendar."""
        return self._cron()

    @property
    def quiet_hours(self) -> Quiet | None:
        """Its quiet hours."""
        return self._quiet()

    def _zone(self) -> None:
        zone_of(self.timezone)

    def _cron(self) -> Cron | None:
        return None if self.cron is None else cron_of(self.cron, self.timezone)

    def _quiet(self) -> Quiet | None:
        return quiet_of(self.quiet, self.timezone) if self.quiet else None

    def said(self) -> dict[str, Any]:
        """In the words of tables, those only that it needs."""
        words: dict[str, Any] = {
            "every": None if self.every is None else spell(self.every),
            "cron": self.cron,
            "timezone": self.timezone or None,
            "jitter": spell(self.jitter) if self.jitter else None,
            "quiet": list(self.quiet) or None,
            "catch_up": None if self.catch_up == "once" else self.catch_up,
            "pause_after": self.pause_after,
            "in_total": self.total,
        }
        return {word: value for word, value in words.items() if value is not None}

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Self:
        """The schedule that `said` gave.

        Raises:
            TaskDefinitionError: it is none.
        """
        return cls(total=said.get("in_total"), pause_after=said.get("pause_after"), **_times(said))

    def changed(self, said: Mapping[str, Any]) -> Self:
        """The same with other times, in words of `TIMING`. A period takes the place of an expression, and back.

        Raises:
            TaskDefinitionError: one of them cannot be read.
        """
        words = {word: value for word, value in self.said().items() if word in TIMING}
        if "every" in said or "cron" in said:
            words = {word: value for word, value in words.items() if word not in {"every", "cron"}}
        words |= said
        if words.get("cron") is None and not words.get("quiet"):
            words.pop("timezone", None)
        return replace(self, **_times(words))

    def __str__(self) -> str:
        return ", ".join(self._parts())

    def _parts(self) -> Iterable[str]:
        zone = f" ({self.timezone})" if self.timezone else ""
        if self.every is not None:
            yield f"every {describe(self.every)}"
        elif self.calendar is not None:
            yield f"{self.calendar}{zone or ' (UTC)'}"
        if self.total is not None:
            yield "once" if self.total == 1 and not self.recurs else f"{self.total} times"
        if self.jitter:
            yield f"up to {describe(self.jitter)} later"
        if self.quiet:
            yield f"not {' nor '.join(self.quiet)}" + (zone if self.cron is None else "")
        if self.catch_up == "skip":
            yield "left out if missed"


def _times(said: Mapping[str, Any]) -> dict[str, Any]:
    """What words of `TIMING` say, all of it."""
    every, jitter, quiet = said.get("every"), said.get("jitter"), said.get("quiet") or ()
    return {
        "every": None if every is None else _period("every", every),
        "cron": said.get("cron"),
        "timezone": str(said.get("timezone") or ""),
        "jitter": timedelta(0) if jitter is None else _period("jitter", jitter),
        "quiet": (quiet,) if isinstance(quiet, str) else tuple(quiet),
        "catch_up": str(said.get("catch_up") or "once"),
    }


def spell(period: timedelta) -> str:
    """A period as tables take it, such as `1h 30m`."""
    seconds = int(period.total_seconds())
    parts = []
    for unit, length in (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)):
        number, seconds = divmod(seconds, length)
        if number:
            parts.append(f"{number}{unit}")
    return " ".join(parts)


def _period(word: str, value: Any) -> timedelta:
    try:
        return read_period(value)
    except ValueError as error:
        raise TaskDefinitionError(f"{word}: {error}") from None
