"""`lockstep reset`: a task forgets its links, after it was shown what that means."""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path

import typer

from config import Settings
from worker.cli.context import find_sync_task, open_store
from worker.cli.keeping.locked import locked
from worker.cli.runs.run import foresee, prepare
from worker.store import Store
from worker.store.forgetting import forget, forgotten_of
from worker.telling.exit_codes import ExitCode
from worker.telling.failures import CommandError
from worker.telling.screen import say


def reset(name: str, *, yes: bool) -> ExitCode:
    """Show what the next run would do if the task had never run; then forget its state, if a person wants that.

    Raises:
        CommandError: there is nothing to forget, or the task runs.
        TaskError: a side cannot be read, so that nobody knows what it would mean.
    """
    find_sync_task(name)
    settings, _ = prepare(name)
    with open_store(settings) as store:
        kept = forgotten_of(store, name)
        if not kept:
            raise CommandError(
                f"nothing is remembered of {name!r}: there is nothing to forget", ExitCode.SKIPPED
            )
        if not yes and not _agreed(name, kept):
            return ExitCode.SKIPPED
        with locked(store, settings, name, why="reset") as fences:
            forget(store, name, fences[name])
    say(f"{name}: forgot {_in_words(kept)}. Its history and the ledger stay. lockstep plan {name}")
    return ExitCode.OK


def _agreed(name: str, kept: Counter[str]) -> bool:
    """Show what it would mean, and ask."""
    settings, _ = prepare(name)
    say(
        f"{name} would forget {_in_words(kept)}. The next run matches both sides by their content again, as a first "
        "one does: what was deleted on one side since the last run comes back, and what differs is a conflict. This is "
        "what it would do now:"
    )
    if _foresee_blank(name, settings) is ExitCode.FAILED:
        raise CommandError(
            f"what a reset of {name!r} would mean is not known, since its plan cannot be made; nothing was forgotten",
            ExitCode.FAILED,
        )
    if not sys.stdin.isatty():
        say(f"Nothing was forgotten: lockstep reset {name} --yes does it.")
        return False
    if not typer.confirm(f"Forget the state of {name}?"):
        say("Nothing was forgotten.")
        return False
    return True


def _foresee_blank(name: str, settings: Settings) -> ExitCode:
    """The plan of a task that knows nothing; nothing is written but to a database that is thrown away.

    That one does not have the links of other tasks either, so references to their objects are not in this plan.
    """
    _, task = prepare(name)
    with tempfile.TemporaryDirectory(dir=settings.state_dir) as folder:
        blank = Store(f"sqlite:///{Path(folder) / 'blank.db'}")
        try:
            blank.migrate()
            return foresee(task, blank)
        finally:
            blank.close()


def _in_words(kept: Counter[str]) -> str:
    return ", ".join(
        f"{number} {'rows' if number != 1 else 'row'} of {name}" for name, number in kept.items()
    )
