"""Commands that make runs and look at them."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.cli.completion import task_names
from worker.cli.options import All, AsJson, Ids, Name, NameOrAll, OfTask, end, one_or_all


def run(name: NameOrAll = None, all_: All = False, as_json: AsJson = False) -> None:
    """Run a task once, now, in this process; the exit code tells how it ended."""
    from worker.cli.runs import run as command

    end(command.run(one_or_all(name, all_=all_), as_json=as_json))


def plan(name: NameOrAll = None, all_: All = False, ids: Ids = False, as_json: AsJson = False) -> None:
    """Show what a run would write, and why. Nothing is written."""
    from worker.cli.runs import run as command

    end(command.plan(one_or_all(name, all_=all_), ids=ids, as_json=as_json))


def plans(
    plan_id: Annotated[str | None, typer.Argument(metavar="PLAN-ID", help="Show this plan whole.")] = None,
    task: OfTask = None,
    ids: Ids = False,
    as_json: AsJson = False,
) -> None:
    """List the plans that a guard halted, or show one."""
    from worker.cli.runs import plans as command

    end(command.plans(plan_id, task=task, ids=ids, as_json=as_json))


def apply(
    plan_id: Annotated[str, typer.Argument(metavar="PLAN-ID", help="As `lockstep plans` lists it.")],
    task: OfTask = None,
    as_json: AsJson = False,
) -> None:
    """Let one halted plan through, once; refused if a side has moved since it was made."""
    from worker.cli.runs import plans as command

    end(command.apply(plan_id, task=task, as_json=as_json))


def reject(
    plan_id: Annotated[str, typer.Argument(metavar="PLAN-ID", help="As `lockstep plans` lists it.")],
    task: OfTask = None,
    as_json: AsJson = False,
) -> None:
    """Say that a halted plan is not to be let through; it stays in the list, so, until a run has another one."""
    from worker.cli.runs import plans as command

    end(command.reject(plan_id, task=task, as_json=as_json))


def undo(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="As `lockstep history` lists it.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done; write nothing.")
    ] = False,
    ids: Ids = False,
    as_json: AsJson = False,
) -> None:
    """Take back what a run wrote, on both sides, where it still is as the run left it."""
    from worker.cli.runs import undo as command

    end(command.undo(run_id, dry_run=dry_run, ids=ids, as_json=as_json))


def history(
    name: NameOrAll = None,
    all_: Annotated[bool, typer.Option("--all", help="The runs of all tasks.")] = False,
    since: Annotated[
        str | None, typer.Option("--since", metavar="PERIOD", help="Only those of the last 2d, 6h, …")
    ] = None,
    status: Annotated[
        str | None,
        typer.Option("--status", metavar="STATUS,…", help="Only those that ended so: failed, halted, …"),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many runs to show.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show the runs of a task, or of all, the newest first."""
    from worker.cli.runs import history as command

    only = one_or_all(name, all_=all_)
    end(command.history(only, limit=limit, since=since, status=status, as_json=as_json))


def runs_show(
    run_id: Annotated[
        str, typer.Argument(metavar="RUN", help="Its id or the begin of it, as `lockstep history` lists it.")
    ],
    ids: Ids = False,
    as_json: AsJson = False,
) -> None:
    """Show all that a run wrote, with the values that went and came, and why it ended as it did."""
    from worker.cli.runs import show as command

    end(command.show(run_id, ids=ids, as_json=as_json))


def why(
    task: Annotated[
        str,
        typer.Argument(
            metavar="TASK", help="The task's name; `lockstep tasks` lists them.", autocompletion=task_names
        ),
    ],
    object_: Annotated[
        str,
        typer.Argument(
            metavar="OBJECT", help="Its title or the begin of it, its id on either side, or its address."
        ),
    ],
    attribute: Annotated[
        str | None, typer.Argument(metavar="ATTRIBUTE", help="Only this one, by either side's name.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show where the values of an object came from, run by run, as far as the history goes back."""
    from worker.cli.runs import why as command

    end(command.why(task, object_, attribute, as_json=as_json))


def tasks(as_json: AsJson = False) -> None:
    """List the tasks that are defined, with their schedules."""
    from worker.cli.runs import history as command

    end(command.tasks(as_json=as_json))


def verify(
    name: Name,
    histories: Annotated[int, typer.Option(min=1, help="How many random histories to play.")] = 200,
    seed: Annotated[int, typer.Option(help="The same seed plays the same histories.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Try a task's mapping on copies in memory, with edits, faults and crashes; its sides are not touched."""
    from worker.cli.runs import verify as command

    end(command.verify(name, histories=histories, seed=seed, as_json=as_json))
