"""Which states there are: judged from what is known, by pure functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from worker.alarms.alarm import Alarm, Kind, Severity
from worker.signs import Signs
from worker.standing import Standing, Status, TaskRow
from worker.standing.divided import without_scheduler, without_worker
from worker.store import RunRecord
from worker.store.tables.plans import WaitingPlan
from worker.telling.numbers import some

#: A task is not missed before this, however short its period is.
LEAST = timedelta(minutes=15)
#: Messages that may wait for each run that the workers can make at once.
WAITING_EACH = 2
#: From when on a token that expires is a matter of now.
SOON = timedelta(days=1)

#: What cannot be judged where nobody runs what is scheduled: the one cause is told instead.
FOLLOWS = frozenset({Kind.STALE, Kind.QUEUE})
#: What Redis tells.
FROM_REDIS = FOLLOWS | {Kind.SCHEDULER, Kind.WORKERS, Kind.LOGIN}
#: What the database tells.
FROM_SQL = frozenset(Kind) - {Kind.DATABASE}


@dataclass(frozen=True, slots=True)
class Login:
    """A login of one of a task's sides, as far as its service tells of it."""

    task: str
    #: What people call the side.
    side: str
    expires: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """From where on something is an alarm."""

    #: Periods without a success.
    periods: int = 3
    #: Time before a token expires.
    login: timedelta = timedelta(days=14)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known at one moment."""

    now: datetime
    #: `None` where the database cannot be read.
    status: Status | None
    #: Why the database cannot be used; `None`: it can.
    refusal: str | None = None
    #: Messages that wait in the queues; `None` where that is not known.
    queued: int | None = None
    logins: Sequence[Login] = ()
    plans: Sequence[WaitingPlan] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """The states that there are, and of which kinds it cannot be said."""

    alarms: Mapping[str, Alarm] = field(default_factory=dict)
    unknown: frozenset[Kind] = frozenset()


def judge(facts: Facts, limits: Limits) -> Judged:
    """All states by their keys. What is `unknown` neither begins nor ends."""
    if facts.status is None:
        return _judged([unwritable(facts.refusal or "it cannot be read")], FROM_SQL)
    found = [unwritable(facts.refusal)] if facts.refusal else []
    unknown: set[Kind] = set()
    status, signs = facts.status, facts.status.present.signs
    if status.present.trouble is not None or signs is None:
        found.append(_redis(status.present.trouble or "it does not answer", some=signs is not None))
        unknown |= FROM_REDIS
    else:
        away = list(_unattended(status, facts.now))
        found += away
        if away or facts.refusal:
            unknown |= FOLLOWS
        queue = _queue(facts, signs)
        found += [queue] if queue is not None else []
        if facts.queued is None:
            unknown.add(Kind.QUEUE)
    for row in status.rows:
        if row.standing.pause is None:  # else nothing is expected of it
            found += _of_task(row, facts, limits)
    names = {row.standing.name for row in status.rows}
    found += [
        _halted(plan.task, plan.reason, plan)
        for plan in facts.plans
        if plan.answering and plan.task not in names
    ]
    found += _expiring(facts, limits)
    return _judged([alarm for alarm in found if alarm.kind not in unknown], frozenset(unknown))


def _judged(found: Sequence[Alarm], unknown: frozenset[Kind]) -> Judged:
    return Judged({alarm.key: alarm for alarm in found}, unknown)


def unwritable(refusal: str) -> Alarm:
    """That the database takes no writes, for this reason."""
    return Alarm(
        Kind.DATABASE,
        Severity.CRITICAL,
        f"The database takes no writes, so no run is made: {refusal}.",
        "See that the server of DATABASE_URL runs, has room, and lets its user write",
    )


def _redis(trouble: str, *, some: bool) -> Alarm:
    """That a Redis is away; `some`: there are others, whose tasks go on."""
    return Alarm(
        Kind.REDIS,
        Severity.CRITICAL,
        f"{'The tasks of a shard cannot' if some else 'Nothing can'} be started: {trouble}.",
        f"See that the server of {'this address' if some else 'REDIS_URL'} runs and takes writes",
    )


def _unattended(status: Status, now: datetime) -> Iterator[Alarm]:
    parts, tasks = status.parts, [row.standing.name for row in status.rows]
    for kind, found, mend in (
        (
            Kind.SCHEDULER,
            without_scheduler(parts, tasks, now),
            "Start it: {}celery -A worker beat, or lockstep up",
        ),
        (
            Kind.WORKERS,
            without_worker(parts, tasks, now),
            "Start one: {}celery -A worker worker, or lockstep up",
        ),
    ):
        for number, trouble in found:
            told, several = f"{trouble.text[0].upper()}{trouble.text[1:]}.", len(parts) > 1
            start = mend.format(f"LOCKSTEP_SHARD={number} " if several else "")
            yield Alarm(kind, Severity.CRITICAL, told, start, part=str(number) if several else "")


def _queue(facts: Facts, signs: Signs) -> Alarm | None:
    """That more is due than is made; nothing is said of it where nobody is there to make it."""
    room = sum(sign.concurrency for sign in signs.ready_workers)
    overbooked = facts.status.overbooked if facts.status is not None else None
    if not room or facts.queued is None:
        return None
    if overbooked is None and facts.queued <= WAITING_EACH * room:
        return None
    told = (
        f"{some(facts.queued, 'message waits', 'messages wait')} in the queue, and the workers make "
        f"{some(room, 'run')} at once."
    )
    return Alarm(
        Kind.QUEUE,
        Severity.WARNING,
        told if overbooked is None else str(overbooked),
        "Start more workers, or give tasks longer periods",
    )


def _of_task(row: TaskRow, facts: Facts, limits: Limits) -> Iterator[Alarm]:
    """What is wrong with a task. That it has not succeeded is left out where another state of it says why."""
    name, ended = row.standing.name, row.standing.ended
    explained = list(_explained(row, facts))
    yield from explained
    since = _last_success(row.standing, facts)
    if explained and ended is not None and came_to_its_end(ended):
        since = ended.started_at  # it goes on, and what is left is told; but it must go on
    every = _period(row.standing, facts)
    if since is None or every is None or row.standing.is_done:
        return
    if facts.now - since > max(limits.periods * every, LEAST):
        reason = f": {ended.status}, {ended.reason}" if ended is not None and ended.reason else ""
        yield Alarm(
            Kind.STALE,
            Severity.CRITICAL,
            f"{name} is to run {row.standing.schedule} and has not succeeded since "
            f"{since:%Y-%m-%d %H:%M} UTC{reason}.",
            f"lockstep history {name} shows its runs",
            name,
        )


def _explained(row: TaskRow, facts: Facts) -> Iterator[Alarm]:
    name, ended = row.standing.name, row.standing.ended
    plan = next((plan for plan in facts.plans if plan.task == name), None)
    if plan is not None or (ended is not None and ended.status == "halted"):
        reason = plan.reason if plan is not None else ended.reason if ended is not None else ""
        yield _halted(name, reason, plan)
    if ended is not None and ended.status == "conflicts":
        yield Alarm(
            Kind.CONFLICTS,
            Severity.WARNING,
            f"{name} has conflicts that wait for a person: {ended.reason}.",
            f"lockstep conflicts {name} shows both versions, and takes either",
            name,
        )
    if row.quarantined:
        yield Alarm(
            Kind.QUARANTINE,
            Severity.WARNING,
            f"{name} leaves out {some(row.quarantined, 'object')} after many failures, tried once a day only.",
            f"lockstep held {name} shows why, lockstep retry {name} tries again at once",
            name,
        )


def _halted(name: str, reason: str, plan: WaitingPlan | None) -> Alarm:
    mend = f"lockstep plan {name} shows what it would do"
    if plan is not None:
        mend = f"lockstep plans {plan.id} shows what it would do, lockstep apply {plan.id} lets it through"
    return Alarm(Kind.HALTED, Severity.CRITICAL, f"{name} was halted by a guard: {reason}.", mend, name)


def came_to_its_end(run: RunRecord) -> bool:
    """Whether a run did all but what it tells of, as opposed to one that an error cut off."""
    if run.status in ("succeeded", "conflicts", "incomplete", "halted"):
        return True
    return run.status == "failed" and bool(run.counts or run.notes)


def _last_success(task: Standing, facts: Facts) -> datetime | None:
    """Since when it has not succeeded; `None` where nobody was to run it."""
    if task.succeeded is not None:
        return task.succeeded.started_at
    signs = facts.status.present.signs if facts.status is not None else None
    having = signs.schedulers_with(task.name) if signs is not None else []
    known = [task.first] if task.first is not None else []
    return min([*known, *(sign.since for sign, _ in having)], default=None)


def _period(task: Standing, facts: Facts) -> timedelta | None:
    """How often it is to run, by whoever starts it; `None` for a task that a person or cron runs."""
    signs = facts.status.present.signs if facts.status is not None else None
    for _, definition in signs.schedulers_with(task.name) if signs is not None else ():
        return None if definition.every is None else timedelta(seconds=definition.every)
    scheduled = task.started is not None and task.started.message_id is not None
    return task.schedule.every if scheduled else None


def _expiring(facts: Facts, limits: Limits) -> Iterator[Alarm]:
    names = {row.standing.name for row in facts.status.rows} if facts.status is not None else set()
    for login in facts.logins:
        left = login.expires - facts.now
        if login.task not in names or left > limits.login:
            continue
        when = f"{login.expires:%Y-%m-%d %H:%M} UTC"
        yield Alarm(
            Kind.LOGIN,
            Severity.CRITICAL if left <= SOON else Severity.WARNING,
            f"{login.task}: the token for {login.side} "
            + (f"expires {when}." if left > timedelta(0) else f"has expired {when}."),
            "Make a new one there and set it, then restart the workers",
            login.task,
            login.side,
        )
