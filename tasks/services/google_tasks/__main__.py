"""`python -m tasks.services.google_tasks CLIENT_SECRET.json`: log in to Google Tasks."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from config import SettingsError
from tasks.errors import TaskError
from tasks.services.google_tasks.consent import PATIENCE, ask_consent
from tasks.services.google_tasks.side import usual_token_file


def main(
    client_secret: Annotated[
        Path,
        typer.Argument(help='The JSON of an OAuth client of the type "desktop app".', show_default=False),
    ],
    token_file: Annotated[
        Path | None,
        typer.Option("--token-file", help="Where the login is kept; by default where tasks look for it."),
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only tell the address.")] = False,
    wait: Annotated[float, typer.Option("--wait", min=1, help="Seconds to wait for the consent.")] = PATIENCE,
) -> None:
    """Log in to Google Tasks: ask for consent in the browser, and keep it for syncs."""
    try:
        where = token_file or usual_token_file()
        ask_consent(
            client_secret,
            where,
            tell=typer.echo,
            open_browser=None if no_browser else webbrowser.open,
            patience=wait,
        )
    except (TaskError, SettingsError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    typer.echo(f"Logged in: {where}")


if __name__ == "__main__":
    typer.run(main)
