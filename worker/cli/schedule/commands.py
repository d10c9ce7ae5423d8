"""The commands `pause`, `resume` and `schedule`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from worker.cli.options import AsJson, Name, end

Period = Annotated[str | None, typer.Option("--every", metavar="PERIOD", help='A period, such as "10m".')]
Cron = Annotated[
    str | None, typer.Option("--cron", metavar="TIMES", help='Five fields, such as "0 9 * * mon-fri".')
]
Zone = Annotated[
    str | None,
    typer.Option("--timezone", metavar="ZONE", help="Of --cron and --quiet-hours, such as Europe/Berlin."),
]
Jitter = Annotated[
    str | None, typer.Option("--jitter", metavar="PERIOD", help="By how much a start is put off at most.")
]
Quiet = Annotated[
    list[str] | None,
    typer.Option(
        "--quiet-hours", metavar="HOURS", help='When nothing is started, such as "22:00-06:00"; or "none".'
    ),
]
CatchUp = Annotated[
    str | None, typer.Option("--catch-up", metavar="HOW", help="What becomes of missed turns: once, or skip.")
]


def pause(
    name: Name,
    for_: Annotated[
        str | None,
        typer.Option("--for", metavar="PERIOD", help='End it by itself after so long, such as "2h".'),
    ] = None,
    why: Annotated[str, typer.Option("--why", metavar="WORDS", help="What others are to know of it.")] = "",
) -> None:
    """Start a task by schedule no more, until it is resumed. A run that goes on ends; `lockstep run` works still."""
    from worker.cli.schedule import pausing as command

    end(command.pause(name, for_=for_, why=why))


def resume(name: Name) -> None:
    """Start a task that is paused by its schedule again."""
    from worker.cli.schedule import pausing as command

    end(command.resume(name))


def schedule(context: typer.Context, as_json: AsJson = False) -> None:
    """List when tasks run, where that is said, and which are paused."""
    from worker.cli.schedule import times as command

    if context.invoked_subcommand is None:
        end(command.show(as_json=as_json))


def set_(
    name: Name,
    every: Period = None,
    cron: Cron = None,
    timezone: Zone = None,
    jitter: Jitter = None,
    quiet: Quiet = None,
    catch_up: CatchUp = None,
) -> None:
    """Let a task run at other times than its definition says, until `reset`. Beat takes it over by itself."""
    from worker.cli.schedule import times as command

    said = {
        "every": every,
        "cron": cron,
        "timezone": timezone,
        "jitter": jitter,
        "quiet": quiet,
        "catch_up": catch_up,
    }
    end(command.set_times(name, {word: value for word, value in said.items() if value is not None}))


def reset(name: Name) -> None:
    """Let a task run as its definition says again."""
    from worker.cli.schedule import times as command

    end(command.reset(name))


def add(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="Has the tables [[sync]] or [[node]] to add; - reads them here."),
    ],
) -> None:
    """Add tasks to lockstep.toml, after all of it was checked. Beat and workers take them over by themselves."""
    from worker.cli.schedule import defined as command

    end(command.add(file))


def remove(name: Name) -> None:
    """Take a task's table out of lockstep.toml; what is remembered of it stays in the database."""
    from worker.cli.schedule import defined as command

    end(command.remove(name))
