"""Arguments and options that several commands have, and how a command ends."""

from __future__ import annotations

from typing import Annotated, NoReturn

import typer

from worker.cli.completion import task_names
from worker.telling.exit_codes import ExitCode

_NAME = "The task's name; `lockstep tasks` lists them."
Name = Annotated[str, typer.Argument(metavar="NAME", help=_NAME, autocompletion=task_names)]
NameOrAll = Annotated[str | None, typer.Argument(metavar="NAME", help=_NAME, autocompletion=task_names)]
NameOrNone = Annotated[
    str | None,
    typer.Argument(metavar="NAME", help="Only what is of this task.", autocompletion=task_names),
]
All = Annotated[bool, typer.Option("--all", help="All tasks, one after the other; the worst end counts.")]
OfTask = Annotated[
    str | None,
    typer.Option("--task", metavar="NAME", help="Only a plan of this task.", autocompletion=task_names),
]
Ids = Annotated[bool, typer.Option("--ids", help="Show ids and addresses as well.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def one_or_all(name: str | None, *, all_: bool) -> str | None:
    """The name of one task, or `None` for all.

    Raises:
        typer.BadParameter: neither was asked for, or both.
    """
    if all_ == (name is not None):
        raise typer.BadParameter("give the name of one task, or --all", param_hint="NAME")
    return name


def end(code: ExitCode | int) -> NoReturn:
    """End the command.

    Raises:
        typer.Exit: always, with this code.
    """
    raise typer.Exit(int(code))
