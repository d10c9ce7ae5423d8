"""`lockstep run` and `lockstep plan`: one run of a task in this process."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from config import Settings, get_settings
from config.logging import configure_logging
from config.sentry import init_sentry
from tasks.engine.report import Order
from tasks.scheduled import Scheduled
from worker.cli.called import done_in_words
from worker.cli.context import find_task, labels_of, open_store
from worker.cli.runs.plan_view import plan_json, plan_summary, plan_table
from worker.lock import MemorySyncLock
from worker.machine.state_directory import node_lock
from worker.session.run import run_session
from worker.store import RunRecord, Store
from worker.telling.exit_codes import OF_RUN, ExitCode
from worker.telling.failures import CommandError
from worker.telling.outages import told
from worker.telling.screen import console, duration, print_json, printable, say, status_text

#: Loggers whose lines say what the command says itself when it ends.
TOLD_AT_THE_END = frozenset({"worker.session.run", "worker.telling.outages"})


def run(name: str, *, as_json: bool) -> ExitCode:
    """Run a task once, as a worker would, and tell how it ended."""
    settings, task = prepare(name)
    with open_store(settings) as store:
        return carry_out(task, settings, store, as_json=as_json)


def plan(name: str, *, ids: bool = False, as_json: bool) -> ExitCode:
    """Show what a run would write and why; nothing is written."""
    settings, task = prepare(name)
    with open_store(settings) as store:
        return foresee(task, store, ids=ids, as_json=as_json)


def carry_out(
    task: Scheduled,
    settings: Settings,
    store: Store,
    *,
    order: Order | None = None,
    kind: str | None = None,
    as_json: bool = False,
) -> ExitCode:
    """Run a task under its node's lock, and tell how it ended."""
    with told(f"task {task.name!r}"), node_lock(settings, task.name) as lock, _progress() as progress:
        record = in_loop(run_session(task, store=store, lock=lock, progress=progress, order=order, kind=kind))
    if as_json:
        print_json(record.to_json())
    else:
        _show(record.told())
    return OF_RUN[record.status]


def foresee(
    task: Scheduled, store: Store, *, order: Order | None = None, ids: bool = False, as_json: bool = False
) -> ExitCode:
    """Plan a run and show the plan. It takes no lock, so it may be made while the task runs."""
    with _progress() as progress:
        record = in_loop(
            run_session(
                task, store=store, lock=MemorySyncLock(), progress=progress, dry_run=True, order=order
            )
        )
    if record.plan is None:
        raise RuntimeError("a dry run ended without a plan")
    if as_json:
        print_json({**record.to_json(), "plan": plan_json(record.plan)})
    else:
        screen = console()
        if record.plan.actions:
            screen.print(plan_table(record.plan, ids=ids))
        for line in record.plan.told:
            say(line, screen, style="dim", indent=2)
        say(f"{task.name}: {plan_summary(record.plan)}", screen)
        if record.reason:
            say(f"A run would halt: {record.reason}", screen, style="red")
    return ExitCode.HALTED if record.reason else ExitCode.OK


def prepare(name: str) -> tuple[Settings, Scheduled]:
    """Settings and task, with logging and error reporting set up."""
    settings = get_settings()
    task = find_task(name)
    quiet_logging(settings)
    return settings, task


def quiet_logging(settings: Settings) -> None:
    """Set up logging and error reporting for a run whose outcome is told at the end.

    INFO lines, and the session's own words, would only repeat it.
    """
    quiet = settings.log_level == "INFO"
    handler = configure_logging(settings, level="WARNING" if quiet else None)
    if quiet:
        handler.addFilter(lambda record: record.name not in TOLD_AT_THE_END or bool(record.exc_info))
    init_sentry(settings)


def in_loop(session: Coroutine[Any, Any, RunRecord]) -> RunRecord:
    """Carry a session out in an event loop of its own; SIGTERM cancels it as Ctrl-C does.

    Raises:
        CommandError: it was cancelled; its end is in the history.
    """

    async def cancellable() -> RunRecord:
        work = asyncio.ensure_future(session)
        with suppress(NotImplementedError, RuntimeError):  # not in the main thread, or not on this system
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, work.cancel)
        return await work

    try:
        return asyncio.run(cancellable())
    except (asyncio.CancelledError, KeyboardInterrupt):
        raise CommandError("interrupted; what was done until then is kept", ExitCode.INTERRUPTED) from None


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """A bar on standard error where that is a screen; nothing elsewhere."""
    screen = console(stderr=True)
    if not screen.is_terminal:
        yield lambda phase, done, total: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=screen, transient=True) as bar:
        line = bar.add_task("start", total=None)

        def show(phase: str, done: int, total: int) -> None:
            bar.update(line, description=phase, completed=done, total=total or None)

        yield show


def _show(record: RunRecord) -> None:
    screen = console()
    line = Text(f"{printable(record.task)}: ") + status_text(record.status)
    line.append(f" in {duration(record.seconds)}" if record.seconds is not None else "")
    done = done_in_words(record.counts, labels_of(record.task))
    line.append(f": {done}" if done else "")
    say(line, screen)
    told = bool(record.notes) and record.reason.startswith(record.notes[0])
    for note in record.notes if told else (record.reason, *record.notes):
        if note:
            say(note, screen, indent=2)
