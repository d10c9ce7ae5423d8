"""`lockstep pause` and `lockstep resume`."""

from __future__ import annotations

import getpass
import socket
from datetime import UTC, datetime

from config import get_settings
from tasks.registry import load_tasks
from tasks.schedule import read_period
from worker.cli.context import known_task, open_store
from worker.store.tables.pauses import Pause
from worker.telling.exit_codes import ExitCode
from worker.telling.failures import CommandError
from worker.telling.screen import say


def pause(name: str, *, for_: str | None, why: str) -> ExitCode:
    """Pause a task, and say what that means."""
    settings = get_settings()
    now = datetime.now(UTC)
    until = None
    if for_ is not None:
        try:
            until = now + read_period(for_)
        except (ValueError, OverflowError) as error:
            raise CommandError(f"--for {for_!r}: {error}") from None
    with open_store(settings) as store:
        known_task(name, settings, store)
        made = Pause(task=name, since=now, by=whoever(), why=why.strip(), until=until)
        store.pauses.keep(made)
    end = "" if until is None else "by itself, or "
    say(f"{name}: {made}. Nothing is started by schedule until it ends, {end}with lockstep resume {name}")
    return ExitCode.OK


def resume(name: str) -> ExitCode:
    """End a task's pause."""
    settings = get_settings()
    with open_store(settings) as store:
        known_task(name, settings, store)
        ended = store.pauses.end(name)
    if ended is None:
        raise CommandError(f"{name!r} is not paused", ExitCode.SKIPPED)
    task = load_tasks(settings).get(name)
    missed = (
        ""
        if task is None or not task.plan_schedule.recurs
        else (
            "; what was due meanwhile is left out"
            if task.plan_schedule.catch_up == "skip"
            else "; if it was due meanwhile, it runs once now"
        )
    )
    say(f"{name}: goes on, it was {ended}{missed}.")
    return ExitCode.OK


def whoever() -> str:
    """Who calls this command, as others know them."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):  # no such user on this machine, as in some containers
        user = "somebody"
    return f"{user}@{socket.gethostname()}"
