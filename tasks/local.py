"""Running a task in this process, without Celery, Redis or a database."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout

from config.private_files import FILE_MODE, private_directory
from tasks.engine.report import RunReport
from tasks.errors import StateError, TaskError
from tasks.journal.contract import Journal
from tasks.journal.file import FileJournal
from tasks.schedule import Schedule
from tasks.schedule.waiting import Started, wait_for_turn

log = logging.getLogger(__name__)


class InFiles(Protocol):
    """A task that keeps its state in files."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def state_path(self) -> Path:
        """Where its state is kept."""
        ...

    @property
    def plan_schedule(self) -> Schedule:
        """When it runs."""
        ...

    async def run(self, journal: Journal, *, dry_run: bool = False) -> RunReport:
        """Bring its sides together once."""
        ...


class RunFailedError(TaskError):
    """A run ended otherwise than in success; the message says why."""


async def run_as_scheduled(task: InFiles) -> None:
    """Run a task until its schedule ends, for ever if it has no total.

    Raises:
        TaskError: a run failed.
    """
    schedule = task.plan_schedule
    runs = 0
    last: Started | None = None
    while True:
        last = await wait_for_turn(schedule, last, task.name)
        report = await run_once(task)
        runs += 1
        log.info("Task %r: run %d %s, %s.", task.name, runs, report.status, dict(report.outcome.counts))
        if report.status == "incomplete":  # what could be done is done, and the next run looks again
            log.warning("Task %r: %s", task.name, report.reason)
        elif report.status != "succeeded":
            raise RunFailedError(f"task {task.name!r}: {report.reason}")
        if schedule.total is not None and runs >= schedule.total:
            return


async def run_once(task: InFiles, *, dry_run: bool = False) -> RunReport:
    """A single run with the state in `task.state_path`.

    Raises:
        StateError: another process runs this task now, or its state cannot be used.
        TaskError: the run failed.
    """
    with alone(task.name, task.state_path):
        journal = FileJournal(task.state_path)
        try:
            return await task.run(journal, dry_run=dry_run)
        finally:
            if not dry_run:
                await asyncio.to_thread(journal.compact)


@contextmanager
def alone(name: str, state_path: Path) -> Iterator[None]:
    """Keep a task's state files to this process.

    Raises:
        StateError: another process has them, or they cannot be locked.
    """
    lock = FileLock(state_path.with_suffix(".lock"), thread_local=False, mode=FILE_MODE)
    try:
        private_directory(state_path.parent)
        lock.acquire(timeout=0)
    except Timeout:
        raise StateError(f"task {name!r} is running in another process; wait for it to end") from None
    except OSError as error:
        raise StateError(f"state directory {state_path.parent}: {error.strerror}") from error
    try:
        yield
    finally:
        lock.release()
