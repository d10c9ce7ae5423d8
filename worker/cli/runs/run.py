"""`lockstep run` and `lockstep plan`: one run of a task in this process."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from typing import Any

from rich.text import Text

from config import Settings, get_settings
from config.logging import configure_logging
from config.redaction import redacted
from config.sentry import init_sentry
from tasks.engine.report import Order
from tasks.errors import TaskError
from tasks.merge import Plan
from tasks.registry import load_tasks
from tasks.scheduled import Scheduled
from worker.alarms.pings import PINGER
from worker.cli.bars import bar
from worker.cli.context import HOW_TO_DEFINE, find_task, labels_of, open_store
from worker.cli.runs.plan_view import plan_json, plan_summary, plan_table
from worker.lock import MemorySyncLock
from worker.machine.state_directory import node_lock
from worker.session.run import run_session
from worker.store import RunRecord, Store
from worker.telling.done import done_in_words
from worker.telling.exit_codes import OF_RUN, ExitCode
from worker.telling.failures import CommandError
from worker.telling.outages import told
from worker.telling.screen import console, duration, print_json, printable, say, status_text

#: Loggers whose lines say what the command says itself when it ends.
TOLD_AT_THE_END = frozenset({"worker.session.run", "worker.telling.outages"})

#: Seconds that the end of the command waits for pings to be sent.
LAST_PINGS = 3.0


def run(name: str | None, *, as_json: bool) -> ExitCode:
    """Run a task once, or all one after the other, as a worker would, and tell how it ended."""
    settings, tasks = prepare_all(name)
    with open_store(settings) as store:
        for task in tasks:
            pause = store.pauses.of(task.name)
            if pause is not None:
                say(f"{task.name}: {pause}. It is run by hand all the same.", console(stderr=True))
        records = [_carried_out(task, settings, store) for task in tasks]
    if as_json:
        told = [record.to_json() for record in records]
        print_json(told if name is None else told[0])
    else:
        for record in records:
            _show(record)
    return _worst(OF_RUN[record.status] for record in records)


def plan(name: str | None, *, ids: bool = False, as_json: bool) -> ExitCode:
    """Show what a run would write and why, of one task or of all; nothing is written."""
    settings, tasks = prepare_all(name)
    with open_store(settings) as store:
        if name is not None:
            return foresee(tasks[0], store, ids=ids, as_json=as_json)
        return _foresee_all(tasks, store, ids=ids, as_json=as_json)


def _foresee_all(tasks: Iterable[Scheduled], store: Store, *, ids: bool, as_json: bool) -> ExitCode:
    """Show the plans of several tasks; one that cannot be made keeps none of the others from it."""
    told: list[dict[str, Any]] = []
    codes = []
    for task in tasks:
        try:
            record = _foreseen(task, store)
        except TaskError as error:
            codes.append(ExitCode.FAILED)
            told.append({"task": task.name, "status": "failed", "reason": redacted(str(error))})
            if not as_json:
                say(f"{task.name}: no plan can be made: {redacted(str(error))}", style="red")
            continue
        codes.append(_code_of_plan(record))
        told.append({**record.to_json(), "plan": _plan_json(record)})
        if not as_json:
            _show_plan(record, ids=ids)
    if as_json:
        print_json(told)
    return _worst(codes)


def _worst(codes: Iterable[ExitCode]) -> ExitCode:
    """The code of the worst; what was not run is worse than what was."""
    found = set(codes)
    order = (ExitCode.INTERRUPTED, ExitCode.UNAVAILABLE, ExitCode.FAILED, ExitCode.HALTED, ExitCode.SKIPPED)
    return next((code for code in order if code in found), ExitCode.OK)


def prepare_all(name: str | None) -> tuple[Settings, list[Scheduled]]:
    """Settings and the task of this name, or all, with logging and error reporting set up.

    Raises:
        CommandError: there is none.
    """
    if name is not None:
        settings, task = prepare(name)
        return settings, [task]
    settings = get_settings()
    tasks = list(load_tasks(settings).values())
    if not tasks:
        raise CommandError(f"no task is defined: {HOW_TO_DEFINE}")
    quiet_logging(settings)
    return settings, tasks


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
    record = _carried_out(task, settings, store, order=order, kind=kind)
    if as_json:
        print_json(record.to_json())
    else:
        _show(record)
    return OF_RUN[record.status]


def _carried_out(
    task: Scheduled,
    settings: Settings,
    store: Store,
    *,
    order: Order | None = None,
    kind: str | None = None,
) -> RunRecord:
    with told(f"task {task.name!r}"), node_lock(settings, task.name) as lock, bar(task.name) as progress:
        record = in_loop(run_session(task, store=store, lock=lock, progress=progress, order=order, kind=kind))
        PINGER.flush(LAST_PINGS)
        return record


def foresee(
    task: Scheduled, store: Store, *, order: Order | None = None, ids: bool = False, as_json: bool = False
) -> ExitCode:
    """Plan a run and show the plan. It takes no lock, so it may be made while the task runs."""
    record = _foreseen(task, store, order)
    if as_json:
        print_json({**record.to_json(), "plan": _plan_json(record)})
    else:
        _show_plan(record, ids=ids)
    return _code_of_plan(record)


def _foreseen(task: Scheduled, store: Store, order: Order | None = None) -> RunRecord:
    with bar(task.name) as progress:
        session = run_session(
            task, store=store, lock=MemorySyncLock(), progress=progress, dry_run=True, order=order
        )
        return in_loop(session)


def _show_plan(record: RunRecord, *, ids: bool) -> None:
    screen, plan = console(), _plan_of(record)
    if plan.actions:
        screen.print(plan_table(plan, ids=ids))
    for line in plan.told:
        say(line, screen, style="dim", indent=2)
    say(f"{record.task}: {plan_summary(plan)}", screen)
    if record.reason:
        say(f"A run would halt: {record.reason}", screen, style="red")


def _plan_of(record: RunRecord) -> Plan:
    if record.plan is None:
        raise RuntimeError("a dry run ended without a plan")
    return record.plan


def _plan_json(record: RunRecord) -> Any:
    return plan_json(_plan_of(record))


def _code_of_plan(record: RunRecord) -> ExitCode:
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


def _show(record: RunRecord) -> None:
    """Tell how a run ended, with the titles of the objects that it speaks of."""
    screen, record = console(), record.told()
    line = Text(f"{printable(record.task)}: ") + status_text(record.status)
    line.append(f" in {duration(record.seconds)}" if record.seconds is not None else "")
    done = done_in_words(record.counts, labels_of(record.task))
    line.append(f": {done}" if done else "")
    say(line, screen)
    told = bool(record.notes) and record.reason.startswith(record.notes[0])
    for note in record.notes if told else (record.reason, *record.notes):
        if note:
            say(note, screen, indent=2)
