"""The commands of `lockstep` and their options. What they do is imported when they are called."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from worker.cli.exit_codes import EXIT_CODES, ExitCode

app = typer.Typer(
    name="lockstep",
    help="Keep Notion and other services in step.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
sandbox = typer.Typer(help="Local stand-ins for services, to try things out.", no_args_is_help=True)
app.add_typer(sandbox, name="sandbox")
webhooks = typer.Typer(help="Notion's webhooks.", no_args_is_help=True)
app.add_typer(webhooks, name="webhooks")
nodes = typer.Typer(help="Database nodes, which replicate tables with each other.", no_args_is_help=True)
app.add_typer(nodes, name="nodes")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The task's name; `lockstep tasks` lists them.")]
OfTask = Annotated[str | None, typer.Option("--task", metavar="NAME", help="Only a plan of this task.")]
Ids = Annotated[bool, typer.Option("--ids", help="Show ids and addresses as well.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


class TakenSide(StrEnum):
    """A side whose value is brought back: as a `SyncTask` calls it, or by its place."""

    NOTION = "notion"
    OTHER = "other"
    LEFT = "left"
    RIGHT = "right"

    @property
    def end(self) -> str:
        """Its place."""
        return {"notion": "left", "other": "right"}.get(self.value, self.value)


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


def _end(code: ExitCode | int) -> None:
    raise typer.Exit(int(code))


@app.command()
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
    web_port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            help="Start the web process for webhooks, database nodes and /healthz on this port; 0 takes a free one.",
        ),
    ] = None,
    web_address: Annotated[str, typer.Option(help="The address the web process listens on.")] = "127.0.0.1",
    redis_port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Port of the Redis started here; by default a free one."),
    ] = None,
    concurrency: Annotated[int | None, typer.Option(min=1, help="Runs at once in the worker.")] = None,
) -> None:
    """Start everything on this machine: Redis unless REDIS_URL is set, worker, beat and Flower."""
    from worker.cli import up as command

    _end(
        command.up(
            flower=command.Listener(flower_address, flower_port) if flower else None,
            web=None if web_port is None else command.Listener(web_address, web_port),
            redis_port=redis_port,
            concurrency=concurrency,
        )
    )


@app.command()
def run(name: Name, as_json: AsJson = False) -> None:
    """Run a task once, now, in this process; the exit code tells how it ended."""
    from worker.cli import run as command

    _end(command.run(name, as_json=as_json))


@app.command()
def plan(name: Name, ids: Ids = False, as_json: AsJson = False) -> None:
    """Show what a run would write, and why. Nothing is written."""
    from worker.cli import run as command

    _end(command.plan(name, ids=ids, as_json=as_json))


@app.command()
def plans(
    plan_id: Annotated[str | None, typer.Argument(metavar="[PLAN-ID]", help="Show this plan whole.")] = None,
    task: OfTask = None,
    ids: Ids = False,
    as_json: AsJson = False,
) -> None:
    """List the plans that a guard halted, or show one."""
    from worker.cli import plans as command

    _end(command.plans(plan_id, task=task, ids=ids, as_json=as_json))


@app.command()
def apply(
    plan_id: Annotated[str, typer.Argument(metavar="PLAN-ID", help="As `lockstep plans` lists it.")],
    task: OfTask = None,
    as_json: AsJson = False,
) -> None:
    """Let one halted plan through, once; refused if a side has moved since it was made."""
    from worker.cli import plans as command

    _end(command.apply(plan_id, task=task, as_json=as_json))


@app.command()
def undo(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="As `lockstep history` lists it.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done; write nothing.")
    ] = False,
    ids: Ids = False,
    as_json: AsJson = False,
) -> None:
    """Take back what a run wrote, on both sides, where it still is as the run left it."""
    from worker.cli import undo as command

    _end(command.undo(run_id, dry_run=dry_run, ids=ids, as_json=as_json))


@app.command()
def conflicts(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Only those of this task.")] = None,
    number: Annotated[int | None, typer.Option("--id", min=1, help="Show this conflict whole.")] = None,
    take: Annotated[
        TakenSide | None, typer.Option("--take", help="With --id: make both sides show what this one had.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --take: show what would be done; write nothing.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many to list.")] = 50,
    ids: Ids = False,
    as_json: AsJson = False,
) -> None:
    """List the values that lost a conflict, show one, bring one back."""
    from worker.cli import conflicts as command

    if number is None and (take is not None or dry_run):
        raise typer.BadParameter("needs --id", param_hint="--take")
    if number is None:
        _end(command.conflicts(name, limit=limit, ids=ids, as_json=as_json))
    elif take is None:
        _end(command.show(number, ids=ids, as_json=as_json))
    else:
        _end(command.take(number, take.end, dry_run=dry_run, ids=ids, as_json=as_json))


@app.command()
def held(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Only those of this task.")] = None,
    ids: Ids = False,
    as_json: AsJson = False,
) -> None:
    """List the objects that runs had to leave, with the reason and the time of the next try."""
    from worker.cli import held as command

    _end(command.held(name, ids=ids, as_json=as_json))


@app.command()
def retry(
    name: Name,
    object_id: Annotated[
        str | None,
        typer.Argument(metavar="[ID]", help="Only this object, by its title or its id on either side."),
    ] = None,
) -> None:
    """Let held objects, and those left out by an undo, be tried again by the next run."""
    from worker.cli import held as command

    _end(command.retry(name, object_id))


@app.command()
def rename(
    old: Annotated[str, typer.Argument(metavar="OLD", help="The name that it had.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The name under which it is defined now.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be kept; change nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Let a task that has got another name keep its links, conflicts, held objects and history."""
    from worker.cli import rename as command

    _end(command.rename(old, new, dry_run=dry_run, as_json=as_json))


@app.command()
def prune(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count what would be dropped; drop nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Drop old runs, undo data, settled conflicts and plans from the database, as beat does it once a day."""
    from worker.cli import prune as command

    _end(command.prune(dry_run=dry_run, as_json=as_json))


@app.command()
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
    from worker.cli import status as command

    if check and as_json:
        raise typer.BadParameter(
            "prints one line, which is no JSON: leave one of them out", param_hint="--check"
        )
    _end(command.check() if check else command.status(as_json=as_json))


@app.command()
def history(
    name: Name,
    limit: Annotated[int, typer.Option(min=1, help="How many runs to show.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show the runs of a task, the newest first."""
    from worker.cli import history as command

    _end(command.history(name, limit=limit, as_json=as_json))


@app.command()
def tasks(as_json: AsJson = False) -> None:
    """List the tasks that are defined, with their schedules."""
    from worker.cli import history as command

    _end(command.tasks(as_json=as_json))


@app.command()
def verify(
    name: Name,
    histories: Annotated[int, typer.Option(min=1, help="How many random histories to play.")] = 200,
    seed: Annotated[int, typer.Option(help="The same seed plays the same histories.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Try a task's mapping on copies in memory, with edits, faults and crashes; its sides are not touched."""
    from worker.cli import verify as command

    _end(command.verify(name, histories=histories, seed=seed, as_json=as_json))


@webhooks.command("open")
def webhooks_open(minutes: Annotated[int, typer.Option(min=1, max=60, help="How long.")] = 15) -> None:
    """Take the token of the next subscription that is made in Notion."""
    from worker.cli import webhooks as command

    _end(command.open_window(minutes))


@webhooks.command("show")
def webhooks_show(as_json: AsJson = False) -> None:
    """Show whether the window is open, and the token that came."""
    from worker.cli import webhooks as command

    _end(command.show(as_json=as_json))


@webhooks.command("close")
def webhooks_close() -> None:
    """Take no token any more, and forget the last one."""
    from worker.cli import webhooks as command

    _end(command.close())


NodeName = Annotated[str, typer.Argument(metavar="NODE", help="As `lockstep nodes list` shows it.")]


@nodes.command("list")
def nodes_list(as_json: AsJson = False) -> None:
    """List the nodes of lockstep.toml, with whom they ask and whom they answer."""
    from worker.cli import nodes as command

    _end(command.list_nodes(as_json=as_json))


@nodes.command("status")
def nodes_status(
    node: Annotated[str | None, typer.Argument(metavar="[NODE]", help="Only this node.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show how far each node is behind with each peer: the age of its oldest unsent edit."""
    from worker.cli import nodes as command

    _end(command.status(node, as_json=as_json))


@nodes.command("compare")
def nodes_compare(
    first: NodeName,
    second: NodeName,
    repair: Annotated[
        bool, typer.Option("--repair", help="Say how it can be put into order; --yes does it.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do what --repair says.")] = False,
    bury: Annotated[
        bool,
        typer.Option(
            "--bury",
            help="Rows that are gone unseen were deleted; without it they come back from the other node.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compare the tables of two nodes row by row; both databases must be described here."""
    from worker.cli import node_compare as command

    if repair or yes or bury:
        _end(command.repair(first, second, bury=bury, yes=yes, as_json=as_json))
    _end(command.compare(first, second, as_json=as_json))


@nodes.command("resync")
def nodes_resync(node: NodeName) -> None:
    """Let a node's next sync compare everything with its peer."""
    from worker.cli import nodes as command

    _end(command.resync(node))


@nodes.command("restamp")
def nodes_restamp(
    node: NodeName,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done; write nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Mend what a node stamped while its clock was far ahead; put the clock right first."""
    from worker.cli import nodes as command

    _end(command.restamp(node, dry_run=dry_run, as_json=as_json))


@nodes.command("capture")
def nodes_capture(
    node: NodeName,
    remove: Annotated[bool, typer.Option("--remove", help="Remove the triggers instead.")] = False,
) -> None:
    """Install the triggers that stamp every edit of a node's tables."""
    from worker.cli import nodes as command

    _end(command.capture(node, uninstall=remove))


@sandbox.command("notion")
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
    from worker.cli import sandbox as command

    _end(command.notion(port, data, rate_limit, allow_host or ()))


@app.command()
def demo(
    stay: Annotated[
        bool, typer.Option("--stay", help="Keep everything running and print the addresses.")
    ] = False,
) -> None:
    """See a sync at work: local Notion and CalDAV servers, edits on both sides, a conflict, a busy lock."""
    from worker.demo import main as start

    _end(start(stay))
