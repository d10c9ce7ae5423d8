"""The command `status`."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.cli.options import AsJson, end


def status(
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="One line and the exit code of a monitoring plugin (Nagios, Icinga): 0 to 3."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show scheduler, workers, and all tasks with last, next and present run; the exit code is that of the worst."""
    from worker.cli.status import report as command

    if check and as_json:
        raise typer.BadParameter(
            "prints one line, which is no JSON: leave one of them out", param_hint="--check"
        )
    end(command.check() if check else command.status(as_json=as_json))
