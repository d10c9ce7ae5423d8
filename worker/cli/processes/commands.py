"""Commands that start processes or let others in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from worker.cli.options import AsJson, NameOrNone, end


def up(
    flower: Annotated[bool, typer.Option(help="Start Flower as well.")] = True,
    flower_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Flower's port; 0 takes a free one.")
    ] = 5555,
    flower_address: Annotated[
        str,
        typer.Option(
            help="The address Flower listens on. Set FLOWER_BASIC_AUTH before you open it to others."
        ),
    ] = "127.0.0.1",
    web: Annotated[
        bool,
        typer.Option(
            help="Start the web process as well: the dashboard, webhooks, database nodes and /healthz."
        ),
    ] = True,
    web_port: Annotated[
        int, typer.Option(min=0, max=65535, help="The web process's port; 0 takes a free one.")
    ] = 8000,
    web_address: Annotated[
        str,
        typer.Option(
            help="The address the web process listens on. Set WEB_PASSWORD before you open it to others."
        ),
    ] = "127.0.0.1",
    redis_port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Port of the Redis started here; by default a free one."),
    ] = None,
    concurrency: Annotated[int | None, typer.Option(min=1, help="Runs at once in the worker.")] = None,
) -> None:
    """Start everything on this machine: Redis unless REDIS_URL is set, worker, beat, the dashboard and Flower."""
    from worker.cli.processes import up as command

    end(
        command.up(
            flower=command.Listener(flower_address, flower_port) if flower else None,
            web=command.Listener(web_address, web_port) if web else None,
            redis_port=redis_port,
            concurrency=concurrency,
        )
    )


def webhooks_open(minutes: Annotated[int, typer.Option(min=1, max=60, help="How long.")] = 15) -> None:
    """Take the token of the next subscription that is made in Notion."""
    from worker.cli.processes import webhooks as command

    end(command.open_window(minutes))


def webhooks_show(as_json: AsJson = False) -> None:
    """Show whether the window is open, and the token that came."""
    from worker.cli.processes import webhooks as command

    end(command.show(as_json=as_json))


def webhooks_close() -> None:
    """Take no token any more, and forget the last one."""
    from worker.cli.processes import webhooks as command

    end(command.close())


def logs(
    name: NameOrNone = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="PERIOD", help="Only those of the last 2d, 6h, …")
    ] = None,
    follow: Annotated[
        bool, typer.Option("-f", "--follow", help="Show what comes as well, until Ctrl-C.")
    ] = False,
    level: Annotated[
        str | None,
        typer.Option(
            "--level", metavar="LEVEL", help="Only those of this level, such as WARNING, and above."
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many lines to show, the newest.")] = 200,
    as_json: AsJson = False,
) -> None:
    """Show what the processes of `lockstep up` have said, or say where else that is."""
    from worker.cli.processes import logs as command

    if follow and as_json:
        raise typer.BadParameter(
            "has no end, and JSON is one document: leave one of them out", param_hint="--follow"
        )
    end(command.logs(name, since=since, follow=follow, level=level, limit=limit, as_json=as_json))


def sandbox_notion(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")
    ] = 8081,
    data: Annotated[
        Path | None, typer.Option(help="SQLite file that keeps the workspace; by default it is in memory.")
    ] = None,
    rate_limit: Annotated[
        float | None,
        typer.Option(min=0.001, help="Requests per second of each token, 3 at Notion; none by default."),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A further host name (name or name:port) to answer under."),
    ] = None,
) -> None:
    """Serve a local Notion workspace; point NOTION_BASE_URL to it and use any token."""
    from worker.cli.processes import sandbox as command

    end(command.notion(port, data, rate_limit, allow_host or ()))
