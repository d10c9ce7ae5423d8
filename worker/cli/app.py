"""All commands of `lockstep`. What they do is imported when they are called."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.cli.keeping import commands as keeping
from worker.cli.nodes import commands as of_nodes
from worker.cli.options import AsJson, end
from worker.cli.processes import commands as processes
from worker.cli.runs import commands as runs
from worker.cli.status import commands as standing
from worker.telling.exit_codes import EXIT_CODES

app = typer.Typer(
    name="lockstep",
    help="Keep Notion and other services in step.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"lockstep {version('lockstep-sync')}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Keep Notion and other services in step."""


def services(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Show this one whole.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the services that a sync may have at its ends, or show one with its options and attributes."""
    from worker.cli import services as command

    end(
        command.list_services(as_json=as_json)
        if name is None
        else command.show_service(name, as_json=as_json)
    )


def demo(
    stay: Annotated[
        bool, typer.Option("--stay", help="Keep everything running and print the addresses.")
    ] = False,
) -> None:
    """See a sync at work: local Notion and CalDAV servers, edits on both sides, a conflict, a busy lock."""
    from worker.demo import main as start

    end(start(stay))


# In the order in which `lockstep --help` lists them.
for command in (
    processes.up,
    runs.run,
    runs.plan,
    runs.plans,
    runs.apply,
    runs.undo,
    keeping.conflicts,
    keeping.held,
    keeping.retry,
    keeping.rename,
    keeping.prune,
    standing.status,
    runs.history,
    runs.tasks,
    services,
    runs.verify,
    demo,
):
    app.command()(command)

sandbox = typer.Typer(help="Local stand-ins for services, to try things out.", no_args_is_help=True)
sandbox.command("notion")(processes.sandbox_notion)
app.add_typer(sandbox, name="sandbox")

webhooks = typer.Typer(help="Notion's webhooks.", no_args_is_help=True)
webhooks.command("open")(processes.webhooks_open)
webhooks.command("show")(processes.webhooks_show)
webhooks.command("close")(processes.webhooks_close)
app.add_typer(webhooks, name="webhooks")

nodes = typer.Typer(help="Database nodes, which replicate tables with each other.", no_args_is_help=True)
nodes.command("list")(of_nodes.nodes_list)
nodes.command("status")(of_nodes.nodes_status)
nodes.command("compare")(of_nodes.nodes_compare)
nodes.command("resync")(of_nodes.nodes_resync)
nodes.command("restamp")(of_nodes.nodes_restamp)
nodes.command("capture")(of_nodes.nodes_capture)
app.add_typer(nodes, name="nodes")
