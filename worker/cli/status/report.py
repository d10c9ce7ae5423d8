"""`lockstep status`: who is there to run what is scheduled, what runs, and how it went."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Collection
from datetime import UTC, datetime

import redis

from config import Settings, get_settings
from config.redaction import redacted
from tasks.registry import load_tasks
from tasks.scheduled import PRUNE, Scheduled
from worker import rate_limit
from worker.broker.installation import check as check_installation
from worker.cli.context import open_store
from worker.cli.status import standing
from worker.cli.status.record import InRedis, Status, TaskRow
from worker.cli.status.standing import Standing, Trouble
from worker.cli.status.view import one_line, show
from worker.errors import RedisUnavailableError, StoreError
from worker.lock import RedisSyncLock
from worker.machine.state_directory import reachable_redis
from worker.pool.holds import Holds
from worker.redis_client import address, impatient
from worker.schedule.claims import Claims
from worker.schedule.definitions import definitions
from worker.schedule.overbooking import measure, periods_of
from worker.signs import Board, Signs
from worker.store import RunRecord, Store
from worker.store.tables.installation import installation_of
from worker.telling.exit_codes import CheckCode, ExitCode
from worker.telling.failures import CommandError, explain
from worker.telling.screen import print_json

#: Seconds that Redis has for an answer.
PATIENCE = 3.0


def status(*, as_json: bool) -> ExitCode:
    """Show who is there, and every task with its last, its next and its present run."""
    found = _look(get_settings())
    if as_json:
        print_json(found.to_json())
    else:
        show(found)
    return found.code


def check() -> CheckCode:
    """The same in one line, with the exit code of a monitoring plugin, whatever happens."""
    try:
        found = _look(get_settings())
    except Exception as error:
        told = explain(error)
        if told is None:
            sys.stderr.write(redacted("".join(traceback.format_exception(error))))
        text, exit_code = told or (f"{type(error).__name__}: {error}", ExitCode.FAILED)
        code = CheckCode.CRITICAL if exit_code is ExitCode.UNAVAILABLE else CheckCode.UNKNOWN
        sys.stdout.write(redacted(one_line(code, [text])))
        return code
    problems = sorted(found.troubles, key=lambda trouble: -trouble.check)
    warned = CheckCode.WARNING if found.warnings else CheckCode.OK
    code = max([warned, *(trouble.check for trouble in problems)])
    sys.stdout.write(one_line(code, [*(trouble.text for trouble in problems), *found.warnings], found))
    return code


def _look(settings: Settings) -> Status:
    """All that can be known.

    Raises:
        StoreError: the database cannot be read.
        SettingsError: a setting is wrong, or the Redis is another installation's.
    """
    known = load_tasks(settings)
    now = datetime.now(UTC)
    with open_store(settings) as store:
        refusal = _refusal(store)
        present = _present(settings, None if refusal else installation_of(store), known)
        latest = store.runs.latest()
        rows = [_row(task, latest.get(name), present, store, now) for name, task in known.items()]
        gone = {name: store.links.count(name) for name in sorted(set(latest) - set(known) - {PRUNE})}
    signs = present.signs
    troubles = [Trouble(text, ExitCode.UNAVAILABLE) for text in (present.trouble, refusal) if text]
    troubles += standing.unattended(signs, now) if signs is not None and known else []
    for row in rows:
        troubles += standing.of_task(row.standing, signs, now)
    pruned = latest.get(PRUNE)
    if pruned is not None and pruned.status == "failed":
        troubles.append(Trouble(f"pruning failed: {pruned.reason}", ExitCode.FAILED, CheckCode.WARNING))
    return Status(
        rows=rows,
        present=present,
        gone=gone,
        pruned=pruned,
        overbooked=measure(present.left_out, periods_of(known.values())),
        differences=standing.differences(definitions(known.values(), settings), signs) if signs else [],
        refusal=refusal,
        troubles=troubles,
    )


def _refusal(store: Store) -> str | None:
    """Why the database takes no writes; then what is shown is old, since no run can be entered."""
    try:
        store.prove_writable()
    except StoreError as error:
        return f"no run can be made or entered: {error}"
    return None


def _present(settings: Settings, installation: int | None, known: Collection[str]) -> InRedis:
    """What Redis knows.

    Raises:
        SettingsError: it is another installation's.
    """
    try:
        patient = reachable_redis(settings)
    except CommandError as error:
        return InRedis(trouble=str(error))
    if patient is None:
        return InRedis(signs=Signs(), exists=False)
    with patient, impatient(patient, PATIENCE) as client:
        try:
            if installation is not None:
                check_installation(client, installation)
            return _read(client, settings, known)
        except RedisUnavailableError as error:
            text = str(error)
        except redis.RedisError as error:
            how = "answers with an error" if isinstance(error, redis.ResponseError) else "does not answer"
            text = f"Redis at {address(client)} {how} ({error})"
        return InRedis(trouble=f"{text}: who is there and what runs now is not known")


def _read(client: redis.Redis, settings: Settings, known: Collection[str]) -> InRedis:
    lock = RedisSyncLock(client, lease_seconds=settings.lease_seconds)
    try:
        claims = Claims(client)
        return InRedis(
            signs=Board(client).read(),
            sessions={record.node_id: record for record in lock.holders() if record.live},
            budgets=rate_limit.budgets(client),
            left_out=claims.left_out(),
            claimed=claims.last(),
            holds=[held for held in Holds(client).all().values() if held.task in known],
        )
    finally:
        lock.close()


def _row(task: Scheduled, last: RunRecord | None, present: InRedis, store: Store, now: datetime) -> TaskRow:
    name = task.name
    held = store.memories.held(name)
    known = Standing(
        name=name,
        schedule=task.plan_schedule,
        ran=store.runs.count_finished(name),
        started=store.runs.last_ordinary(name),
        ended=store.runs.last_ended(name),
        running=name in present.sessions,
        claimed=present.claimed.get(name),
    )
    return TaskRow(
        standing=known,
        last=last,
        next=standing.next_run(known, present.signs, now),
        session=present.sessions.get(name),
        left_out=present.left_out.get(name, 0),
        links=store.links.count(name),
        conflicts=store.conflicts.count(name),
        held=len(held),
        quarantined=sum(one.quarantined for one in held),
    )
