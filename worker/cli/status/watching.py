"""`lockstep status --watch`: the same picture, drawn anew every few seconds."""

from __future__ import annotations

import time

from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from config.redaction import redacted
from worker.cli.context import find_task
from worker.cli.status.detail import detail_of
from worker.cli.status.report import look, look_at
from worker.cli.status.view import drawn
from worker.telling.exit_codes import ExitCode
from worker.telling.failures import CommandError, explain
from worker.telling.screen import console, printable

#: Seconds between two looks.
EVERY = 2.0


def watch(name: str | None) -> ExitCode:
    """Show how all tasks stand, or one, until somebody ends it; what cannot be read is told and tried again.

    Raises:
        CommandError: standard output is no terminal, or there is no such task.
    """
    screen = console()
    if not screen.is_terminal:
        raise CommandError("--watch needs a terminal: a file or a pipe gets `lockstep status`")
    if name is not None:
        find_task(name)
    try:
        with Live(console=screen, auto_refresh=False, vertical_overflow="crop") as live:
            while True:
                live.update(_picture(name), refresh=True)
                time.sleep(EVERY)
    except KeyboardInterrupt:
        return ExitCode.OK


def _picture(name: str | None) -> RenderableType:
    try:
        picture = drawn(*look()) if name is None else detail_of(look_at(name))
    except Exception as error:
        told = explain(error)
        if told is None:
            raise
        picture = Text(printable(redacted(told[0])), style="red")
    return Group(
        Text(f"{time.strftime('%H:%M:%S')}, every {EVERY:g} s until Ctrl-C", style="dim"), Text(), picture
    )
