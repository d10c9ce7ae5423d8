"""`lockstep tasks` and `history`: what is defined, and what ran."""

from __future__ import annotations

from typing import Any

from config import get_settings
from tasks.object_task import ObjectTask
from tasks.registry import load_tasks
from tasks.scheduled import Scheduled
from tasks.sides import End
from worker.cli.called import done_in_words
from worker.cli.context import HOW_TO_DEFINE, known_task, labels_of, open_store
from worker.store import RAN, RunRecord
from worker.telling.exit_codes import ExitCode
from worker.telling.screen import console, duration, moment, print_json, say, status_text, tell_rest
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


def history(name: str, *, limit: int, as_json: bool) -> ExitCode:
    """List the runs of one task, the newest first."""
    settings = get_settings()
    with open_store(settings) as store:
        known_task(name, settings, store)
        runs, total = store.runs.list(name, limit), store.runs.count(name)
    if as_json:
        print_json([run.to_json() for run in runs])
    elif not runs:
        console().print(f"{name} has not run yet.")
    else:
        rows = [
            (
                run.run_id[:8],
                moment(run.started_at),
                status_text(run.status),
                duration(run.seconds),
                f"{run.kind}: {_done(run)}" if run.kind else _done(run),
                f"{run.host} ({run.pid})",
                run.told().reason,
            )
            for run in runs
        ]
        console().print(
            table(
                ("Run", "Started", "Status", "Took", "Done", "Host (pid)", "Reason"),
                rows,
                folded=("Done", "Reason"),
            )
        )
        tell_rest(len(runs), total)
    return ExitCode.OK


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
