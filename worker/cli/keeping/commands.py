"""Commands for what is kept between runs."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.cli.completion import task_names
from worker.cli.options import AsJson, Ids, Name, NameOrNone, end


def conflicts(
    name: NameOrNone = None,
    number: Annotated[int | None, typer.Option("--id", min=1, help="Show this conflict whole.")] = None,
    take: Annotated[
        str | None,
        typer.Option(
            "--take",
            metavar="SIDE",
            help="With --id: make both sides show what this one had; by the name of its service, or left or right.",
        ),
    ] = None,
    done: Annotated[
        int | None,
        typer.Option(
            "--done", min=1, metavar="ID", help="Mark this one as seen, so that `status` counts it no more."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --take: show what would be done; write nothing.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many to list.")] = 50,
    ids: Ids = False,
    as_json: AsJson = False,
) -> None:
    """List the values that lost a conflict, show one, bring one back."""
    from worker.cli.keeping import conflicts as command

    if done is not None:
        if number is not None or take is not None or dry_run or name is not None:
            raise typer.BadParameter("stands alone: it has the number itself", param_hint="--done")
        end(command.done(done, as_json=as_json))
    if number is None and (take is not None or dry_run):
        raise typer.BadParameter("needs --id", param_hint="--take")
    if number is None:
        end(command.conflicts(name, limit=limit, ids=ids, as_json=as_json))
    elif take is None:
        end(command.show(number, ids=ids, as_json=as_json))
    else:
        end(command.take(number, take, dry_run=dry_run, ids=ids, as_json=as_json))


def held(
    name: NameOrNone = None,
    ids: Ids = False,
    as_json: AsJson = False,
) -> None:
    """List the objects that runs had to leave, with the reason and the time of the next try."""
    from worker.cli.keeping import held as command

    end(command.held(name, ids=ids, as_json=as_json))


def retry(
    name: Name,
    object_id: Annotated[
        str | None,
        typer.Argument(metavar="ID", help="Only this object, by its title or its id on either side."),
    ] = None,
) -> None:
    """Let held objects, and those left out by an undo, be tried again by the next run."""
    from worker.cli.keeping import held as command

    end(command.retry(name, object_id))


def unlock(
    name: Name,
    force: Annotated[
        bool, typer.Option("--force", help="Also from one that gives signs of life; be sure that it is dead.")
    ] = False,
) -> None:
    """Release the lock of a task whose process is dead; shows who holds it, and leaves it to one that lives."""
    from worker.cli.keeping import unlock as command

    end(command.unlock(name, force=force))


def reset(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do it without a plan and without asking.")] = False,
) -> None:
    """Let a task forget its links, so that the next run matches both sides again; shows that plan first, and asks."""
    from worker.cli.keeping import reset as command

    end(command.reset(name, yes=yes))


def rename(
    old: Annotated[str, typer.Argument(metavar="OLD", help="The name that it had.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The name under which it is defined now.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be kept; change nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Let a task that has got another name keep its links, conflicts, held objects and history."""
    from worker.cli.keeping import rename as command

    end(command.rename(old, new, dry_run=dry_run, as_json=as_json))


def export(
    name: Name,
    to: Annotated[
        str,
        typer.Option(
            metavar="FILE",
            help="Write it there, packed if the name ends with .gz; standard output if not given.",
        ),
    ] = "-",
    as_json: AsJson = False,
) -> None:
    """Write all that is kept of a task into a file, for `lockstep import` elsewhere or later."""
    from worker.cli.keeping import moving as command

    end(command.export(name, to, as_json=as_json))


def import_(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="What `lockstep export` wrote; - is standard input.")
    ],
    as_: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="NAME",
            help="The task's name here, if it has another one.",
            autocompletion=task_names,
        ),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Also where the task has a state, which is lost; history stays.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --replace: do it without asking.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make what `lockstep export` wrote the state of its task; the next run looks before it writes."""
    from worker.cli.keeping import moving as command

    end(command.import_(file, as_=as_, replace=replace, yes=yes, as_json=as_json))


def prune(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count what would be dropped; drop nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Drop old runs, undo data, settled conflicts and plans from the database, as beat does it once a day."""
    from worker.cli.keeping import prune as command

    end(command.prune(dry_run=dry_run, as_json=as_json))


def migrate() -> None:
    """Bring the database up to this version, as every process does when it starts; for a step before them."""
    from worker.cli.keeping import migrate as command

    end(command.migrate())
