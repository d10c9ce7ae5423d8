"""All commands of `lockstep`. What they do is imported when they are called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from worker.cli.alerts import commands as of_alerts
from worker.cli.everywhere import Config, Directory, Quiet, Verbose, everywhere, heed
from worker.cli.keeping import commands as keeping
from worker.cli.nodes import commands as of_nodes
from worker.cli.options import AsJson, end
from worker.cli.processes import commands as processes
from worker.cli.runs import commands as runs
from worker.cli.schedule import commands as schedules
from worker.cli.setup import commands as setup
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
    directory: Directory = None,
    config: Config = None,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Keep Notion and other services in step."""
    heed(directory=directory, config=config, verbose=verbose, quiet=quiet)


def services(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Show this one whole.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the services that a sync may have at its ends, or show one with its options and attributes."""
    from worker.cli import services as command

    end(
        command.list_services(as_json=as_json)
        if name is None
        else command.show_service(name, as_json=as_json)
    )


def new(
    name: Annotated[str, typer.Argument(help="What tables of lockstep.toml are to call it, such as shelf.")],
    folder: Annotated[
        Path | None, typer.Option("--dir", help="Where to write it; lockstep-NAME by default.")
    ] = None,
) -> None:
    """Write a package with a service of your own: its side, its table and the test of its contract."""
    from worker.cli.new.new import new_service

    end(new_service(name, folder))


def demo(
    stay: Annotated[
        bool, typer.Option("--stay", help="Keep everything running and print the addresses.")
    ] = False,
    show: Annotated[
        bool | None,
        typer.Option(
            "--open/--no-open", help="With --stay: open the dashboard in a browser; by default on a desktop."
        ),
    ] = None,
) -> None:
    """See a sync at work: local Notion and CalDAV servers, edits on both sides, a conflict, a busy lock."""
    from worker.demo import main as start

    end(start(stay, show))


# In the order in which `lockstep --help` lists them.
for command in (
    setup.init,
    setup.doctor,
    processes.up,
    processes.logs,
    runs.run,
    runs.plan,
    runs.plans,
    runs.apply,
    runs.reject,
    runs.undo,
    keeping.conflicts,
    keeping.held,
    keeping.retry,
    keeping.unlock,
    keeping.reset,
    keeping.rename,
    keeping.export,
    keeping.import_,
    keeping.prune,
    keeping.migrate,
    standing.status,
    schedules.pause,
    schedules.resume,
    of_alerts.alerts,
    runs.history,
    runs.why,
    runs.tasks,
    services,
    setup.schema,
    new,
    runs.verify,
    demo,
):
    app.command(command.__name__.rstrip("_"))(everywhere(command))

times = typer.Typer(help="When tasks run: list it, set other times, add and remove tasks.")
times.callback(invoke_without_command=True)(everywhere(schedules.schedule))
times.command("set")(everywhere(schedules.set_))
times.command("reset")(everywhere(schedules.reset))
times.command("add")(everywhere(schedules.add))
times.command("remove")(everywhere(schedules.remove))
app.add_typer(times, name="schedule")

of_runs = typer.Typer(help="Single runs of the history.", no_args_is_help=True)
of_runs.command("show")(everywhere(runs.runs_show))
app.add_typer(of_runs, name="runs")

sandbox = typer.Typer(help="Local stand-ins for services, to try things out.", no_args_is_help=True)
sandbox.command("notion")(everywhere(processes.sandbox_notion))
app.add_typer(sandbox, name="sandbox")

webhooks = typer.Typer(help="Notion's webhooks.", no_args_is_help=True)
webhooks.command("open")(everywhere(processes.webhooks_open))
webhooks.command("show")(everywhere(processes.webhooks_show))
webhooks.command("close")(everywhere(processes.webhooks_close))
app.add_typer(webhooks, name="webhooks")

nodes = typer.Typer(help="Database nodes, which replicate tables with each other.", no_args_is_help=True)
nodes.command("list")(everywhere(of_nodes.nodes_list))
nodes.command("status")(everywhere(of_nodes.nodes_status))
nodes.command("compare")(everywhere(of_nodes.nodes_compare))
nodes.command("resync")(everywhere(of_nodes.nodes_resync))
nodes.command("restamp")(everywhere(of_nodes.nodes_restamp))
nodes.command("capture")(everywhere(of_nodes.nodes_capture))
app.add_typer(nodes, name="nodes")
