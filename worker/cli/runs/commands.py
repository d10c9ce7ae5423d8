"""Commands that make runs and look at them."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.cli.options import AsJson, Ids, Name, OfTask, end


def run(name: Name, as_json: AsJson = False) -> None:
    """Run a task once, now, in this process; the exit code tells how it ended."""
    from worker.cli.runs import run as command

    end(command.run(name, as_json=as_json))


def plan(name: Name, ids: Ids = False, as_json: AsJson = False) -> None:
    """Show what a run would write, and why. Nothing is written."""
    from worker.cli.runs import run as command

    end(command.plan(name, ids=ids, as_json=as_json))


def plans(
    plan_id: Annotated[str | None, typer.Argument(metavar="[PLAN-ID]", help="Show this plan whole.")] = None,
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
    name: Name,
    limit: Annotated[int, typer.Option(min=1, help="How many runs to show.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show the runs of a task, the newest first."""
    from worker.cli.runs import history as command

    end(command.history(name, limit=limit, as_json=as_json))


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
