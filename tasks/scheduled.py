"""What all tasks share: a name and a schedule."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Generator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

from tasks.engine.report import Order, RunReport
from tasks.engine.sync import Progress, silent
from tasks.errors import TaskDefinitionError
from tasks.journal.contract import Journal
from tasks.schedule import Schedule, checked

#: The run that drops what is old from the database has this name, and no task may have it.
PRUNE = "lockstep.prune"
#: Files and rows are named after a task.
MAX_NAME_BYTES = 200


class Scheduled(ABC):
    """A task that runs by a schedule.

    Raises:
        TaskDefinitionError: the name does not fit.
    """

    #: Where its base is kept when it runs without a database; `None`: its runs start from no base.
    state_path: Path | None = None

    def __init__(self, name: str) -> None:
        if (
            not name
            or not name.isprintable()
            or any(sign in name for sign in "/\\{}")
            or name.startswith(".")
        ):
            raise TaskDefinitionError(
                f"task name {name!r}: use letters, digits and signs such as - _ or a space, no slash or brace"
            )
        if len(name.encode()) > MAX_NAME_BYTES:
            raise TaskDefinitionError(
                f"task name {name[:40]!r}…: it is {len(name.encode())} bytes long, use {MAX_NAME_BYTES} at most"
            )
        self.name = name
        self._schedule = Schedule()
        #: Address of a check of Healthchecks that hears of each run; `None`: nobody is told.
        self.ping: str | None = None

    def run_every(self, hours: int = 0, minutes: int = 0, seconds: int = 0) -> Self:
        """Run again and again, with this period between the starts of two runs."""
        every = timedelta(hours=hours, minutes=minutes, seconds=seconds)
        total = self._schedule.total if self._limited else None
        self._schedule = replace(self._schedule, every=every, cron=None, total=total)
        return self

    def cron(self, expression: str, *, timezone: str | None = None) -> Self:
        """Run at times of the calendar, in the place of a period.

        Args:
            expression: minute, hour, day of the month, month and day of the week, such as `0 9 * * mon-fri`.
            timezone: in which it is read, such as `Europe/Berlin`; UTC unless given.
        """
        total = self._schedule.total if self._limited else None
        zone = self._zone(timezone)
        self._schedule = replace(self._schedule, every=None, cron=expression, total=total, timezone=zone)
        return self

    def quiet(self, *hours: str, timezone: str | None = None) -> Self:
        """Start nothing by schedule at these hours.

        Args:
            hours: such as `22:00-06:00`, `sat-sun` or `mon-fri 12:00-13:00`.
            timezone: in which they are read; that of `cron`, or else UTC, unless given.
        """
        self._schedule = replace(self._schedule, quiet=hours, timezone=self._zone(timezone))
        return self

    def jitter(self, hours: int = 0, minutes: int = 0, seconds: int = 0) -> Self:
        """Put each start off by a time of its own, up to this one, so that not all tasks begin at once."""
        late = timedelta(hours=hours, minutes=minutes, seconds=seconds)
        self._schedule = replace(self._schedule, jitter=late)
        return self

    def catch_up(self, how: str) -> Self:
        """Make up for turns that nobody could take: `once`, which is the default, or not at all: `skip`."""
        self._schedule = replace(self._schedule, catch_up=how)
        return self

    def pause_after(self, failures: int) -> Self:
        """Pause after so many failures in a row, until somebody resumes the task."""
        self._schedule = replace(self._schedule, pause_after=failures)
        return self

    def _zone(self, named: str | None) -> str:
        known = self._schedule.timezone
        if named is not None and known and named != known:
            raise TaskDefinitionError(f"timezone: a task has one, not both {known!r} and {named!r}")
        return known if named is None else named

    def in_total(self, times: int) -> Self:
        """End after so many runs that really ran."""
        self._schedule = replace(self._schedule, total=times)
        self._limited = True
        return self

    def run_once(self) -> Self:
        """Run a single time."""
        self._schedule = replace(self._schedule, every=None, cron=None, total=1)
        self._limited = True
        return self

    def runs(self, schedule: Schedule) -> Self:
        """Run by this schedule, whatever was said before."""
        self._schedule = schedule
        self._limited = schedule.total is not None
        return self

    def schedule(self) -> Self:
        """Put the task among `all_tasks`, which beat and `run_all_tasks` read.

        Raises:
            TaskDefinitionError: another task has this name, or the run that prunes the database; or the parts of its
                schedule do not go together.
        """
        try:
            checked(self._schedule)
        except TaskDefinitionError as error:
            raise TaskDefinitionError(f"task {self.name!r}: {error}") from None
        if self.name == PRUNE:
            raise TaskDefinitionError(f"task name {PRUNE!r}: the run that prunes the database has it")
        if any(task.name == self.name and task is not self for task in all_tasks):
            raise TaskDefinitionError(f"two tasks are named {self.name!r}: give one of them another name")
        all_tasks.add(self)
        return self

    @property
    def plan_schedule(self) -> Schedule:
        """The schedule as it stands."""
        return self._schedule

    _limited = False

    @abstractmethod
    async def run(
        self,
        journal: Journal,
        *,
        check_lock: Callable[[], None] = lambda: None,
        progress: Progress = silent,
        order: Order | None = None,
        dry_run: bool = False,
    ) -> RunReport:
        """Do once what the task is for.

        Args:
            journal: where it keeps what must outlive the run; one that only looks writes nothing there.
            check_lock: raises `LockLostError` when this run may not write any more.
            progress: told of phase, done and total.
            order: what else than an ordinary run is asked for.
            dry_run: only look, and say what would be done.

        Raises:
            TaskError: the run could not be carried to its end; all that was confirmed is kept.
        """

    @abstractmethod
    async def __call__(self) -> None:
        """Run as scheduled in this process, without Celery."""

    def __await__(self) -> Generator[Any, None, None]:
        return self().__await__()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}, {self.plan_schedule}>"


#: All tasks that were scheduled so far.
all_tasks: set[Scheduled] = set()


def run_all_tasks(*, debug: bool | None = None) -> None:
    """Run all scheduled tasks in this process until their schedules end.

    Raises:
        TaskError: a run failed; the other tasks were run on to their ends first.
    """

    async def gather() -> list[BaseException | None]:
        runs: list[Coroutine[Any, Any, None]] = [task() for task in sorted(all_tasks, key=lambda t: t.name)]
        return await asyncio.gather(*runs, return_exceptions=True)

    errors = [error for error in asyncio.run(gather(), debug=debug) if error is not None]
    if errors:
        raise errors[0]
