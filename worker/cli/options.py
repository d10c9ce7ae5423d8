"""Arguments and options that several commands have, and how a command ends."""

from __future__ import annotations

from typing import Annotated, NoReturn

import typer

from worker.telling.exit_codes import ExitCode

Name = Annotated[str, typer.Argument(metavar="NAME", help="The task's name; `lockstep tasks` lists them.")]
OfTask = Annotated[str | None, typer.Option("--task", metavar="NAME", help="Only a plan of this task.")]
Ids = Annotated[bool, typer.Option("--ids", help="Show ids and addresses as well.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def end(code: ExitCode | int) -> NoReturn:
    """End the command.

    Raises:
        typer.Exit: always, with this code.
    """
    raise typer.Exit(int(code))
