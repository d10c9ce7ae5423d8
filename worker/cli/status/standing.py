"""Whether what is scheduled is run, and how that goes: judged from what is known, by pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tasks.schedule import Schedule
from tasks.scheduled import PRUNE
from worker.signs import Definition, Sign, Signs
from worker.signs.record import GRACE
from worker.store import RunRecord
from worker.telling.exit_codes import OF_RUN, CheckCode, ExitCode

#: A run is overdue when it is late by its period, and by this at least.
LATE = timedelta(minutes=5)
#: The worse comes first.
WORST = (ExitCode.UNAVAILABLE, ExitCode.UNATTENDED, ExitCode.FAILED, ExitCode.HALTED, ExitCode.OK)
#: How a last run that did not go well counts for monitoring; all others are critical.
WARNINGS = frozenset({"incomplete", "conflicts"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known of one task."""

    name: str
    schedule: Schedule
    #: How many runs really ran.
    ran: int = 0
    #: The newest ordinary run that really ran, or runs now.
    started: RunRecord | None = None
    #: The newest run that came to an end.
    ended: RunRecord | None = None
    #: Whether a session holds it now.
    running: bool = False
    #: When a scheduler claimed its last turn, by the clock of Redis.
    claimed: datetime | None = None

    @property
    def is_done(self) -> bool:
        """Whether there is no further run."""
        return self.schedule.total is not None and self.ran >= self.schedule.total


@dataclass(frozen=True, slots=True)
class Next:
    """When the next run is due; or why there is none, in a word or two."""

    at: datetime | None = None
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is not as it should be."""

    text: str
    #: What `lockstep status` ends with because of it.
    code: ExitCode
    #: The same for monitoring.
    check: CheckCode = CheckCode.CRITICAL
    task: str | None = None


def worst(troubles: Iterable[Trouble]) -> ExitCode:
    """The exit code of all of them."""
    codes = {trouble.code for trouble in troubles}
    return next((code for code in WORST if code in codes), ExitCode.OK)


def next_run(task: Standing, signs: Signs | None, now: datetime) -> Next:
    """When a task runs next, if somebody will start it; `signs` are `None` where Redis does not answer."""
    if task.is_done:
        return Next(why_not="ended")
    if signs is None:
        return Next(why_not="unknown")
    if not signs.living_schedulers:
        return Next(why_not="no scheduler")
    having = _having(task, signs)
    if having is None:
        return Next(why_not="not in the schedule")
    if not signs.living_workers:
        return Next(why_not="no worker")
    if not signs.ready_workers:
        return Next(why_not="no worker takes it")
    last = task.claimed
    if last is None and task.started is not None:
        last = task.started.started_at
    if having.every is None or last is None:
        return Next(now)
    return Next(max(now, last + timedelta(seconds=having.every)))


def _having(task: Standing, signs: Signs) -> Definition | None:
    """A task as a living scheduler has it; where it is not known what that one has, as it is here."""
    for _, definition in signs.schedulers_with(task.name):
        return definition
    unknown = any(sign.tasks is None for sign in signs.living_schedulers)
    return Definition.of(task.schedule) if unknown else None


def is_overdue(task: Standing, signs: Signs | None, now: datetime) -> bool:
    """Whether a run that a scheduler was to start did not come.

    A task that is run by hand or by cron is nobody's to start: where no scheduler that lives has it, it counts as
    scheduled only if its last run was.
    """
    if task.is_done or task.running:
        return False
    started = None if task.started is None else task.started.started_at
    with_it = signs.schedulers_with(task.name) if signs is not None else []
    if with_it:
        every = with_it[0][1].every
        began = min(sign.since for sign, _ in with_it)
    elif task.started is not None and task.started.message_id is not None and task.schedule.every:
        every, began = task.schedule.every.total_seconds(), task.started.started_at
    else:
        return False
    period = timedelta(seconds=every or 0)
    due = began if started is None else max(began, started + period)
    return now - due > max(LATE, period)


def differences(here: Mapping[str, Definition], signs: Signs) -> list[tuple[str, str]]:
    """Where scheduler and workers have read something else than what is defined here: task and sentence."""
    found = []
    several = len(signs.living_schedulers) > 1
    for sign in signs.living_schedulers:
        if sign.tasks is None:
            continue
        who = f"the scheduler {sign}" if several else "the scheduler"
        for name, definition in here.items():
            has = sign.tasks.get(name)
            if has is None:
                found.append((name, f"{who} does not have it: restart it"))
            elif not has.same_schedule(definition):
                found.append(
                    (name, f"runs {definition.schedule} here, but {who} has {has.schedule}: restart it")
                )
        for name in sorted(set(sign.tasks) - set(here) - {PRUNE}):
            found.append((name, f"not defined here, but {who} has it: restart it"))
    for name, definition in here.items():
        lacking, older = [], []
        for sign in signs.living_workers:
            if sign.tasks is None:
                continue
            has = sign.tasks.get(name)
            if has is None:
                lacking.append(sign.name)
            elif has.settings != definition.settings:
                older.append(sign.name)
        if lacking:
            found.append((name, f"not known to {_names(lacking)}: restart {_it(lacking)}"))
        if older:
            found.append((name, f"changed since {_names(older)} read it: restart {_it(older)}"))
    return sorted(found)


def _names(workers: Sequence[str]) -> str:
    shown = ", ".join(workers[:3])
    more = f" and {len(workers) - 3} more" if len(workers) > 3 else ""
    return f"worker{'s' if len(workers) > 1 else ''} {shown}{more}"


def _it(workers: Sequence[str]) -> str:
    return "them" if len(workers) > 1 else "it"


def unattended(signs: Signs, now: datetime) -> list[Trouble]:
    """That there is no scheduler, or no worker, where one was before, or is waited for."""
    found = []
    starting = _begin(signs.living_workers, now)
    if signs.schedulers and not signs.living_schedulers and _is_away(signs.schedulers) and not starting:
        found.append(Trouble("no scheduler lives, so nothing is started by schedule", ExitCode.UNATTENDED))
    if not signs.living_workers:
        waited_for = bool(signs.workers or signs.living_schedulers)
        if waited_for and _is_away(signs.workers) and not _begin(signs.living_schedulers, now):
            found.append(Trouble("no worker lives, so nothing is run", ExitCode.UNATTENDED))
    elif not signs.working:
        found.append(Trouble("no worker takes messages, all are held up", ExitCode.UNATTENDED))
    return found


def _is_away(signs: Sequence[Sign]) -> bool:
    """Whether the last of them, if any, has been away for longer than a restart takes."""
    return all(sign.ago > GRACE for sign in signs)


def _begin(signs: Sequence[Sign], now: datetime) -> bool:
    """Whether there are some, and all of them have just been started: the others may be about to."""
    return bool(signs) and all(now - sign.since < timedelta(seconds=GRACE) for sign in signs)


def of_task(task: Standing, signs: Signs | None, now: datetime) -> list[Trouble]:
    """What is wrong with a task: how its last run ended, and whether the next one is overdue."""
    found = []
    if task.ended is not None and (code := OF_RUN[task.ended.status]) is not ExitCode.OK:
        check = CheckCode.WARNING if task.ended.status in WARNINGS else CheckCode.CRITICAL
        text = f"{task.name}: {task.ended.status}" + (f", {task.ended.reason}" if task.ended.reason else "")
        found.append(Trouble(text, code, check, task.name))
    if is_overdue(task, signs, now):
        last = "never" if task.started is None else f"last {task.started.started_at:%Y-%m-%d %H:%M} UTC"
        text = f"{task.name}: overdue, it is to run {task.schedule} and was started {last}"
        found.append(Trouble(text, ExitCode.UNATTENDED, CheckCode.CRITICAL, task.name))
    return found
