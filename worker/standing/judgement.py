"""Whether what is scheduled is run, and how that goes: judged from what is known, by pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tasks.errors import TaskDefinitionError
from tasks.schedule import Schedule, next_turn
from tasks.scheduled import PRUNE
from worker.signs import Definition, Sign, Signs
from worker.signs.record import GRACE
from worker.store import RunRecord
from worker.store.tables.pauses import Pause
from worker.telling.exit_codes import OF_RUN, CheckCode, ExitCode

#: A run is overdue when it is late by its period, and by this at least.
LATE = timedelta(minutes=5)
#: The worse comes first.
WORST = (
    ExitCode.UNAVAILABLE,
    ExitCode.USAGE,
    ExitCode.UNATTENDED,
    ExitCode.FAILED,
    ExitCode.HALTED,
    ExitCode.OK,
)
#: How a last run that did not go well counts for monitoring; all others are critical.
WARNINGS = frozenset({"incomplete", "conflicts"})


class State(StrEnum):
    """How a task goes, in a word."""

    RUNNING = "running"
    NEVER = "never ran"
    SYNCED = "synced"
    #: All that could be synced was; some objects wait.
    INCOMPLETE = "incomplete"
    #: Conflicts are left for a person.
    CONFLICTS = "conflicts"
    #: A guard stopped the run before it wrote.
    HALTED = "halted"
    FAILED = "failed"
    #: A run that was due did not come.
    LATE = "late"
    #: Nothing is started until it is resumed.
    PAUSED = "paused"
    ENDED = "ended"


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
    #: The newest ordinary run that left nothing behind.
    succeeded: RunRecord | None = None
    #: When the first run in the history was started; known only where none has succeeded.
    first: datetime | None = None
    #: Whether a session holds it now.
    running: bool = False
    #: When a scheduler claimed its last turn, by the clock of Redis.
    claimed: datetime | None = None
    #: Why nothing is started.
    pause: Pause | None = None

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
    if task.pause is not None:
        return Next(why_not="paused")
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
    if last is None and not having.said.get("cron"):
        return Next(now)
    due = _due(having, last or now, task.name, now)
    return Next(now if due is None else max(now, due))


def _due(task: Definition, last: datetime, name: str, now: datetime) -> datetime | None:
    """When the turn after the last one is that is not missed by now; `None` where no clock says it."""
    try:
        turn = next_turn(task.plan, last, name)
        if turn is not None and turn.until is not None and turn.until < now:
            turn = next_turn(task.plan, now, name)
    except TaskDefinitionError:  # another version tells of it in words that are not known here
        return None
    return None if turn is None else turn.at


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
    if task.is_done or task.running or task.pause is not None:
        return False
    started = None if task.started is None else task.started.started_at
    with_it = signs.schedulers_with(task.name) if signs is not None else []
    if with_it:
        having = with_it[0][1]
        began = min(sign.since for sign, _ in with_it)
    elif task.started is not None and task.started.message_id is not None and task.schedule.recurs:
        having, began = Definition.of(task.schedule), task.started.started_at
    else:
        return False
    period = timedelta(seconds=having.every or 0)
    due = began
    if having.said.get("cron"):
        # What was due before the scheduler lived may have been left out.
        due = _due(having, max(started or began, began), task.name, now) or now
    elif started is not None:
        due = max(began, _due(having, started, task.name, now) or started)
    return now - due > max(LATE, period)


#: The word for a task, by the status of its last run.
_OF_RUN = {
    "succeeded": State.SYNCED,
    "incomplete": State.INCOMPLETE,
    "conflicts": State.CONFLICTS,
    "halted": State.HALTED,
    "failed": State.FAILED,
    "abandoned": State.FAILED,
}


def state_of(task: Standing, signs: Signs | None, now: datetime) -> State:
    """How a task goes: what needs a person comes before what runs, and that nothing comes before all else."""
    if is_overdue(task, signs, now):
        return State.LATE
    if task.pause is not None and not task.running:
        return State.PAUSED
    how = State.NEVER if task.ended is None else _OF_RUN[task.ended.status]
    if how not in (State.NEVER, State.SYNCED):
        return how
    if task.running:
        return State.RUNNING
    return State.ENDED if task.is_done else how


def lag_of(task: Standing, now: datetime) -> timedelta | None:
    """How old an edit can be at most that is not on the other side yet: the age of the last look that left nothing.

    What a person edits while a run reads may have been seen or not, so its start counts. `None` before any succeeded.
    """
    return None if task.succeeded is None else max(timedelta(0), now - task.succeeded.started_at)


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
            mend = "it is about to take that over" if sign.reloads else "restart it"
            if has is None:
                found.append((name, f"{who} does not have it: {mend}"))
            elif not has.same_schedule(definition):
                found.append((name, f"runs {definition.schedule} here, but {who} has {has.schedule}: {mend}"))
        for name in sorted(set(sign.tasks) - set(here) - {PRUNE}):
            mend = "it is about to let it go" if sign.reloads else "restart it"
            found.append((name, f"not defined here, but {who} has it: {mend}"))
    for name, definition in here.items():
        lacking: list[Sign] = []
        older: list[Sign] = []
        for sign in signs.living_workers:
            if sign.tasks is None:
                continue
            has = sign.tasks.get(name)
            if has is None:
                lacking.append(sign)
            elif has.settings != definition.settings:
                older.append(sign)
        for told, signs_of in (("not known to {}", lacking), ("changed since {} read it", older)):
            stuck = [sign.name for sign in signs_of if not sign.reloads]
            names = stuck or [sign.name for sign in signs_of]
            if names:
                mend = f"restart {_it(names)}" if stuck else "that is about to be taken over"
                found.append((name, f"{told.format(_names(names))}: {mend}"))
    return sorted(found)


def _names(workers: Sequence[str]) -> str:
    shown = ", ".join(workers[:3])
    more = f" and {len(workers) - 3} more" if len(workers) > 3 else ""
    return f"worker{'s' if len(workers) > 1 else ''} {shown}{more}"


def _it(workers: Sequence[str]) -> str:
    return "them" if len(workers) > 1 else "it"


def unattended(signs: Signs, now: datetime) -> list[Trouble]:
    """That there is no scheduler, or no worker, where one was before, or is waited for."""
    return [found for found in (no_scheduler(signs, now), no_worker(signs, now)) if found is not None]


def no_scheduler(signs: Signs, now: datetime, elsewhere: Sequence[Sign] = ()) -> Trouble | None:
    """That there is no scheduler where one was before, or while others live `elsewhere`, at the other Redis servers."""
    starting = _begin(signs.living_workers, now)
    waited_for = bool(signs.schedulers) or _established(elsewhere, now)
    if waited_for and not signs.living_schedulers and _is_away(signs.schedulers) and not starting:
        return Trouble("no scheduler lives, so nothing is started by schedule", ExitCode.UNATTENDED)
    return None


def no_worker(signs: Signs, now: datetime, elsewhere: Sequence[Sign] = ()) -> Trouble | None:
    """That there is no worker where one was before or is waited for, or that none takes messages.

    One is waited for where a scheduler lives, and while others live `elsewhere`, at the other Redis servers.
    """
    if not signs.living_workers:
        waited_for = bool(signs.workers or signs.living_schedulers) or _established(elsewhere, now)
        if waited_for and _is_away(signs.workers) and not _begin(signs.living_schedulers, now):
            return Trouble("no worker lives, so nothing is run", ExitCode.UNATTENDED)
        return None
    if not signs.working:
        return Trouble("no worker takes messages, all are held up", ExitCode.UNATTENDED)
    return None


def refused(signs: Signs) -> list[Trouble]:
    """That what is defined by now is not what runs, because something is wrong with it."""
    found: dict[str, list[Sign]] = {}
    for sign in (*signs.living_schedulers, *signs.living_workers):
        if sign.refused:
            found.setdefault(sign.refused, []).append(sign)
    return [
        Trouble(
            f"the tasks have changed, but are refused, and the old ones go on: {why}", ExitCode.UNATTENDED
        )
        for why in found
    ]


def _is_away(signs: Sequence[Sign]) -> bool:
    """Whether the last of them, if any, has been away for longer than a restart takes."""
    return all(sign.ago > GRACE for sign in signs)


def _begin(signs: Sequence[Sign], now: datetime) -> bool:
    """Whether there are some, and all of them have just been started: the others may be about to."""
    return bool(signs) and all(now - sign.since < timedelta(seconds=GRACE) for sign in signs)


def _established(signs: Sequence[Sign], now: datetime) -> bool:
    """Whether there are some, and not all of them have just been started."""
    return bool(signs) and not _begin(signs, now)


def of_task(task: Standing, signs: Signs | None, now: datetime) -> list[Trouble]:
    """What is wrong with a task: how its last run ended, and whether the next one is overdue."""
    found = []
    if task.ended is not None and (code := OF_RUN[task.ended.status]) is not ExitCode.OK:
        check = CheckCode.WARNING if task.ended.status in WARNINGS else CheckCode.CRITICAL
        text = f"{task.name}: {task.ended.status}" + (f", {task.ended.reason}" if task.ended.reason else "")
        found.append(Trouble(text, code, check, task.name))
    if task.pause is not None and task.pause.by_itself:
        text = f"{task.name}: {task.pause}. When that is mended: lockstep resume {task.name}"
        found.append(Trouble(text, ExitCode.UNATTENDED, CheckCode.CRITICAL, task.name))
    if is_overdue(task, signs, now):
        last = "never" if task.started is None else f"last {task.started.started_at:%Y-%m-%d %H:%M} UTC"
        text = f"{task.name}: overdue, it is to run {task.schedule} and was started {last}"
        found.append(Trouble(text, ExitCode.UNATTENDED, CheckCode.CRITICAL, task.name))
    return found
