"""`lockstep tasks` and `history`: what is defined, and what ran."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from config import get_settings
from tasks.nearest import nearest
from tasks.object_task import ObjectTask
from tasks.registry import load_tasks
from tasks.schedule import read_period
from tasks.scheduled import Scheduled
from tasks.sides import End
from worker.cli.context import HOW_TO_DEFINE, known_task, labels_of, open_store
from worker.store import RAN, RunRecord
from worker.store.tables.run_record import STATUSES
from worker.telling.done import done_in_words
from worker.telling.exit_codes import ExitCode
from worker.telling.failures import CommandError
from worker.telling.screen import console, duration, near_moment, print_json, say, status_text, tell_rest
from worker.telling.tables import table


def tasks(*, as_json: bool) -> ExitCode:
    """List what is registered."""
    found = load_tasks(get_settings()).values()
    if as_json:
        print_json([_describe(task) for task in found])
    elif not found:
        say(f"No task is defined: {HOW_TO_DEFINE}.")
    else:
        rows = [
            (
                task.name,
                str(task.plan_schedule),
                _kind(task),
                task.conflict_mode.value if isinstance(task, ObjectTask) else "-",
                ", ".join(task.pairing().names_at(End.RIGHT)) if isinstance(task, ObjectTask) else "-",
            )
            for task in found
        ]
        console().print(
            table(
                ("Task", "Schedule", "Kind", "Conflicts", "Attributes"), rows, folded=("Kind", "Attributes")
            )
        )
    return ExitCode.OK


def history(
    name: str | None, *, limit: int, since: str | None = None, status: str | None = None, as_json: bool
) -> ExitCode:
    """List the runs of one task or of all, the newest first."""
    settings = get_settings()
    start, statuses = begin_of(since), _statuses(status)
    with open_store(settings) as store:
        if name is not None:
            known_task(name, settings, store)
        runs = store.runs.list(name, limit, since=start, statuses=statuses)
        total = store.runs.count(name, since=start, statuses=statuses)
    if as_json:
        print_json([run.to_json() for run in runs])
    elif not runs:
        filtered = start is not None or bool(statuses)
        who, has = ("No task", "has") if name is None else (name, "has no" if filtered else "has not")
        what = "such run" if filtered else "run yet"
        say(f"{who} {has} {what}.")
    else:
        rows = [
            (
                run.run_id[:8],
                *(() if name is not None else (run.task,)),
                near_moment(run.started_at),
                status_text(run.status),
                duration(run.seconds),
                f"{run.kind}: {_done(run)}" if run.kind else _done(run),
                f"{run.host} ({run.pid})",
                run.told().reason,
            )
            for run in runs
        ]
        columns = ("Run", *(() if name is not None else ("Task",)), "Started", "Status", "Took", "Done")
        console().print(table((*columns, "Host (pid)", "Reason"), rows, folded=("Task", "Done", "Reason")))
        tell_rest(len(runs), total)
    return ExitCode.OK


def begin_of(said: str | None) -> datetime | None:
    """The time that `--since` means: so long ago.

    Raises:
        CommandError: it is no period.
    """
    if said is None:
        return None
    try:
        return datetime.now(UTC) - read_period(said)
    except (ValueError, OverflowError) as error:
        raise CommandError(f"--since {said!r}: {error}") from None


def _statuses(said: str | None) -> list[str]:
    """The statuses that are named, with commas between.

    Raises:
        CommandError: there is no such status.
    """
    if said is None:
        return []
    words = [word.strip().casefold() for word in said.split(",")]
    for word in words:
        if word not in STATUSES:
            raise CommandError(f"--status {said!r}: there is no status {word!r}: {nearest(word, STATUSES)}")
    return words


def _describe(task: Scheduled) -> dict[str, Any]:
    schedule = task.plan_schedule
    return {
        "task": task.name,
        "schedule": str(schedule),
        "every_seconds": schedule.every and schedule.every.total_seconds(),
        "total": schedule.total,
        "kind": _kind(task),
        "conflict_mode": task.conflict_mode.value if isinstance(task, ObjectTask) else None,
        "attr_map": dict(task.pairing().names_at(End.RIGHT)) if isinstance(task, ObjectTask) else None,
    }


def _kind(task: Scheduled) -> str:
    return f"{type(task).__module__}.{type(task).__qualname__}"


def _done(run: RunRecord) -> str:
    if run.status not in RAN:
        return ""
    return done_in_words(run.counts, labels_of(run.task)) or "nothing"
