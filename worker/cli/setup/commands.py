"""Commands that set a sync up."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from worker.cli.options import AsJson, end


def init(
    left: Annotated[
        str,
        typer.Option("--from", metavar="SERVICE", help="The one service; `lockstep services` lists them."),
    ] = "notion",
    right: Annotated[
        str | None, typer.Option("--to", metavar="SERVICE", help="The other service.", show_default=False)
    ] = None,
    left_place: Annotated[
        str | None,
        typer.Option("--from-place", metavar="TITLE", help="The database there, by its title or id."),
    ] = None,
    right_place: Annotated[
        str | None,
        typer.Option(
            "--to-place", metavar="TITLE", help="The calendar, table or the like, by its title or address."
        ),
    ] = None,
    said: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="SERVICE.NAME=VALUE",
            help="Answers any other question, such as caldav.url=…; a value @FILE is read from a file. Again for more. "
            "What is secret comes from a file, the environment or .env.",
        ),
    ] = None,
    pairs: Annotated[
        list[str] | None,
        typer.Option(
            "--map", metavar="NAME = NAME", help="Keep two attributes in step besides. Again for more."
        ),
    ] = None,
    drops: Annotated[
        list[str] | None,
        typer.Option("--drop", metavar="NAME", help="Leave a proposed attribute out. Again for more."),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="What the task is called.")
    ] = None,
    every: Annotated[
        str | None,
        typer.Option("--every", metavar="PERIOD", help="How often it runs, such as 30s, 5m or 1h."),
    ] = None,
    apply: Annotated[
        bool | None,
        typer.Option(
            "--apply/--no-apply", help="Carry the first plan out, or only show it.", show_default=False
        ),
    ] = None,
    no_input: Annotated[bool, typer.Option("--no-input", help="Ask nothing.")] = False,
) -> None:
    """Set up a sync: asks for two services and what goes where, and writes lockstep.toml and .env."""
    from tasks.sides import End
    from worker.cli.setup.init import init as command
    from worker.cli.setup.told import Told

    places = {End.LEFT: left_place, End.RIGHT: right_place}
    interactive = not no_input and sys.stdin.isatty()
    end(
        command(
            Told(left, right, places, said or (), pairs or (), drops or (), name, every, apply, interactive)
        )
    )


def doctor(
    timeout: Annotated[
        float,
        typer.Option(
            "--timeout",
            metavar="SECONDS",
            min=0.1,
            help="How long all of it may take; what is slower is not known.",
        ),
    ] = 30.0,
    as_json: AsJson = False,
) -> None:
    """Look at all that an installation needs, and tell what is not well, with the mend; nothing is changed."""
    from worker.cli.doctor.view import doctor as command

    end(command(as_json=as_json, timeout=timeout))


def schema() -> None:
    """Print the JSON Schema of lockstep.toml, with the tables of all services, for editors."""
    from worker.cli.setup.schema import print_schema

    end(print_schema())
