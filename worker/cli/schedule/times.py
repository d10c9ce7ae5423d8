"""`lockstep schedule`: when tasks run, and other times that are set for one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from config import Settings, get_settings
from config.sources import toml_file
from tasks.errors import TaskDefinitionError
from tasks.registry import load_tasks
from tasks.schedule import checked
from tasks.scheduled import Scheduled
from worker.cli.context import HOW_TO_DEFINE, find_task, open_store
from worker.cli.schedule.pausing import whoever
from worker.standing import TaskRow, survey
from worker.store.tables.timings import Timing
from worker.telling.exit_codes import ExitCode
from worker.telling.failures import CommandError
from worker.telling.screen import console, moment, near_moment, print_json, say
from worker.telling.tables import table

#: Where a task is defined that no table defines.
PYTHON = "Python"


def show(*, as_json: bool) -> ExitCode:
    """List all tasks with their schedules."""
    settings = get_settings()
    known = load_tasks(settings)
    with open_store(settings) as store:
        rows = survey(settings, known, store).rows
        timings = store.timings.all()
    if as_json:
        print_json([_data(row, known[row.standing.name], timings, settings) for row in rows])
    elif not rows:
        say(f"No task is defined: {HOW_TO_DEFINE}.")
    else:
        cells = [
            (
                row.standing.name,
                str(row.standing.schedule),
                near_moment(row.next.at) if row.next.at is not None else row.next.why_not,
                _source(known[row.standing.name], timings, settings),
                "-" if row.standing.pause is None else str(row.standing.pause),
            )
            for row in rows
        ]
        columns = ("Task", "Schedule", "Next run", "Said by", "Paused")
        console().print(table(columns, cells, folded=("Schedule", "Said by", "Paused")))
    return ExitCode.OK


def set_times(name: str, said: Mapping[str, Any]) -> ExitCode:
    """Set other times for a task."""
    task = find_task(name)
    if not said:
        raise CommandError(f'say at what times: lockstep schedule set {name} --every "10m"')
    if "every" in said and "cron" in said:
        raise CommandError("--every and --cron do not go together: a task has a period, or times")
    if not task.plan_schedule.recurs:
        raise CommandError(
            f"{name!r} runs {task.plan_schedule}, one run after the other: there are no times to set. Give it a "
            "period where it is defined"
        )
    words = {word: [] if value == ["none"] else value for word, value in said.items()}
    with open_store(get_settings()) as store:
        known = store.timings.all().get(name)
        words = {**({} if known is None else _kept(known.said, words)), **words}
        try:
            schedule = checked(task.plan_schedule.changed(words))
        except TaskDefinitionError as error:
            raise CommandError(str(error)) from None
        if "timezone" in said and not schedule.timezone:
            raise CommandError(
                "--timezone goes with --cron or --quiet-hours: a period is the same in all zones"
            )
        store.timings.keep(name, words, whoever())
    say(
        f"{name}: runs {schedule} from now on, in the place of {task.plan_schedule}. lockstep schedule reset {name}"
    )
    return ExitCode.OK


def _kept(before: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """What was set before and stays: a period goes where an expression comes, and back."""
    gone = {"every", "cron"} if new.keys() & {"every", "cron"} else set()
    return {word: value for word, value in before.items() if word not in gone}


def reset(name: str) -> ExitCode:
    """Let the definition count again."""
    task = find_task(name)
    with open_store(get_settings()) as store:
        if not store.timings.drop(name):
            raise CommandError(
                f"no times were set for {name!r}: it runs {task.plan_schedule}", ExitCode.SKIPPED
            )
    say(f"{name}: runs {task.plan_schedule} again.")
    return ExitCode.OK


def defined_in(task: Scheduled, settings: Settings) -> str:
    """Where a task is defined: the file of its table, or `PYTHON`."""
    tables = {str(each.get("name")) for each in (*settings.sync, *settings.node)}
    return str(toml_file()) if task.name in tables else PYTHON


def _source(task: Scheduled, timings: Mapping[str, Timing], settings: Settings) -> str:
    timing = timings.get(task.name)
    where = defined_in(task, settings)
    return (
        where if timing is None else f"set by {timing.by}, {moment(timing.at)}; {where}: {task.plan_schedule}"
    )


def _data(row: TaskRow, task: Scheduled, timings: Mapping[str, Timing], settings: Settings) -> dict[str, Any]:
    timing = timings.get(task.name)
    return {
        "task": task.name,
        "schedule": str(row.standing.schedule),
        "said": row.standing.schedule.said(),
        "defined": {"in": defined_in(task, settings), "said": task.plan_schedule.said()},
        "set": timing and {"by": timing.by, "at": timing.at, "said": dict(timing.said)},
        "next_run": row.next.at,
        "no_next_run": row.next.why_not or None,
        "paused": row.standing.pause and row.standing.pause.to_json(),
    }
