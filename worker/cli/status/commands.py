"""The command `status`."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.cli.options import AsJson, NameOrNone, end


def status(
    name: NameOrNone = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="One line and the exit code of a monitoring plugin (Nagios, Icinga): 0 to 3."
        ),
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Look again every few seconds, until Ctrl-C.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show scheduler, workers, and all tasks with last, next and present run; the exit code is that of the worst."""
    from worker.cli.status import report as command

    if check and as_json:
        raise typer.BadParameter(
            "prints one line, which is no JSON: leave one of them out", param_hint="--check"
        )
    if check and name is not None:
        raise typer.BadParameter("is about all tasks: leave the name out", param_hint="--check")
    if watch and (check or as_json):
        raise typer.BadParameter("is for eyes: leave --check and --json out", param_hint="--watch")
    if watch:
        from worker.cli.status.watching import watch as look_on

        end(look_on(name))
    end(command.check() if check else command.status(name, as_json=as_json))
