"""Commands for what is kept between runs."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from worker.cli.options import AsJson, Ids, Name, end


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
    from worker.cli.keeping import conflicts as command

    if number is None and (take is not None or dry_run):
        raise typer.BadParameter("needs --id", param_hint="--take")
    if number is None:
        end(command.conflicts(name, limit=limit, ids=ids, as_json=as_json))
    elif take is None:
        end(command.show(number, ids=ids, as_json=as_json))
    else:
        end(command.take(number, take.end, dry_run=dry_run, ids=ids, as_json=as_json))


def held(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Only those of this task.")] = None,
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
        typer.Argument(metavar="[ID]", help="Only this object, by its title or its id on either side."),
    ] = None,
) -> None:
    """Let held objects, and those left out by an undo, be tried again by the next run."""
    from worker.cli.keeping import held as command

    end(command.retry(name, object_id))


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


def prune(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count what would be dropped; drop nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Drop old runs, undo data, settled conflicts and plans from the database, as beat does it once a day."""
    from worker.cli.keeping import prune as command

    end(command.prune(dry_run=dry_run, as_json=as_json))
