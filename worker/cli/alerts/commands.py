"""The command `alerts`."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.cli.options import AsJson, end

#: Alerts that are over which are listed unless asked otherwise.
PAST = 10


def alerts(
    test: Annotated[
        bool, typer.Option("--test", help="Send a test message to all who are told, and say how it went.")
    ] = False,
    limit: Annotated[int, typer.Option("--limit", min=0, help="How many that are over to list.")] = PAST,
    as_json: AsJson = False,
) -> None:
    """List the alerts that are open, and those that are over; the exit code is 1 while a critical one is open."""
    from worker.cli.alerts import alerts as command

    end(command.test(as_json=as_json) if test else command.list_alerts(limit, as_json=as_json))
