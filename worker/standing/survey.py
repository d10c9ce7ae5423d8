"""What is known of all tasks and processes, read from the database and from Redis."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

import redis

from config import Settings, SettingsError, shards
from tasks.scheduled import PRUNE, Scheduled
from worker import rate_limit
from worker.broker.amqp_server import AmqpServer
from worker.broker.installation import check as check_installation
from worker.broker.queue import DEFAULT
from worker.errors import BrokerUnavailableError, RedisUnavailableError, StoreError
from worker.lock import RedisSyncLock
from worker.machine.state_directory import reachable_redis
from worker.pool.holds import Holds
from worker.redis_client import address, impatient
from worker.schedule.claims import Claims
from worker.schedule.definitions import definitions
from worker.schedule.overbooking import measure, periods_of
from worker.signs import Board, Definition, Signs
from worker.standing import divided, judgement
from worker.standing.judgement import Standing, Trouble
from worker.standing.status import InRedis, Status, TaskRow
from worker.store import Store
from worker.store.tables.installation import installation_of
from worker.store.tables.pauses import Pause
from worker.store.tables.standings import Kept
from worker.store.tables.timings import Timing
from worker.telling.exit_codes import CheckCode, ExitCode
from worker.telling.failures import CommandError

#: Seconds that Redis has for an answer.
PATIENCE = 3.0


def survey(settings: Settings, known: Mapping[str, Scheduled], store: Store) -> Status:
    """All that can be known of these tasks.

    Args:
        settings: where Redis is.
        known: the tasks that are defined here, by name.
        store: the database, open.

    Raises:
        StoreError: the database cannot be read.
        SettingsError: a setting is wrong, or the Redis is another installation's.
    """
    now = datetime.now(UTC)
    refusal = _refusal(store)
    installation = None if refusal else installation_of(store)
    parts = _all_present(settings, installation, known)
    present = divided.joined(parts)
    kept = store.standings.all()
    orders = store.pauses.all(), store.timings.all()
    place = {name: shards.shard_of(name, len(parts)) for name in known}
    rows = [
        _row(task, kept.get(name, Kept()), parts[place[name]], now, orders) for name, task in known.items()
    ]
    if len(parts) > 1:
        rows = [replace(row, shard=place[row.standing.name]) for row in rows]
    ran = {name for name, one in kept.items() if one.last is not None}
    gone = {name: kept[name].links for name in sorted(ran - set(known) - {PRUNE})}
    signs = present.signs
    broker = _broker(settings)
    troubles = [Trouble(text, ExitCode.UNAVAILABLE) for text in (present.trouble, refusal, broker) if text]
    troubles += [trouble for _, trouble in divided.without_scheduler(parts, known, now)]
    troubles += [trouble for _, trouble in divided.without_worker(parts, known, now)]
    troubles += judgement.refused(signs) if signs is not None else []
    for row in rows:
        troubles += judgement.of_task(row.standing, parts[place[row.standing.name]].signs, now)
    pruned = kept.get(PRUNE, Kept()).last
    if pruned is not None and pruned.status == "failed":
        troubles.append(Trouble(f"pruning failed: {pruned.reason}", ExitCode.FAILED, CheckCode.WARNING))
    return Status(
        rows=rows,
        present=present,
        gone=gone,
        pruned=pruned,
        overbooked=measure(present.left_out, periods_of(known.values())),
        differences=_differences(_defined(rows, known, settings), place, parts),
        refusal=refusal,
        troubles=troubles,
        broker=broker,
        shards=parts if len(parts) > 1 else (),
    )


def _differences(
    here: Mapping[str, Definition], place: Mapping[str, int], parts: Sequence[InRedis]
) -> list[tuple[str, str]]:
    """Where the scheduler and workers of a Redis have read something else of its tasks than is defined here."""
    found = []
    for number, part in enumerate(parts):
        if part.signs is not None:
            own = {name: each for name, each in here.items() if place[name] == number}
            found += judgement.differences(own, part.signs)
    return sorted(found)


def _defined(
    rows: Iterable[TaskRow], known: Mapping[str, Scheduled], settings: Settings
) -> dict[str, Definition]:
    """The tasks as they are defined here, at the times that were set."""
    made = definitions(known.values(), settings)
    return {
        row.standing.name: Definition.of(row.standing.schedule, made[row.standing.name].settings)
        for row in rows
    }


def _refusal(store: Store) -> str | None:
    """Why the database takes no writes; then what is shown is old, since no run can be entered."""
    try:
        store.prove_writable()
    except StoreError as error:
        return f"no run can be made or entered: {error}"
    return None


def _broker(settings: Settings) -> str | None:
    """Why no message can be sent or taken, where that is not seen at Redis."""
    if settings.broker_url is None:
        return None
    with closing(AmqpServer(settings)) as server:
        try:
            server.state(DEFAULT)
        except (BrokerUnavailableError, SettingsError) as error:
            return f"no run can be sent: {error}"
    return None


def _all_present(settings: Settings, installation: int | None, known: Collection[str]) -> list[InRedis]:
    """What each Redis knows; all are asked at once, so that those that are away cost no more time than one.

    Raises:
        SettingsError: one is another installation's.
    """
    places = shards.all_of(settings)
    if len(places) == 1:
        return [_present(settings, installation, known)]
    with ThreadPoolExecutor(len(places)) as pool:
        return list(pool.map(lambda place: _present(place, installation, known), places))


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
            return replace(_read(client, settings, known), address=address(client))
        except RedisUnavailableError as error:
            text = str(error)
        except redis.RedisError as error:
            how = "answers with an error" if isinstance(error, redis.ResponseError) else "does not answer"
            text = f"Redis at {address(client)} {how} ({error})"
        return InRedis(
            trouble=f"{text}: who is there and what runs now is not known", address=address(client)
        )


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


def _row(
    task: Scheduled,
    kept: Kept,
    present: InRedis,
    now: datetime,
    orders: tuple[Mapping[str, Pause], Mapping[str, Timing]],
) -> TaskRow:
    name = task.name
    pauses, timings = orders
    timing = timings.get(name)
    known = Standing(
        name=name,
        schedule=task.plan_schedule if timing is None else timing.over(task.plan_schedule),
        ran=kept.ran,
        started=kept.ordinary,
        ended=kept.ended,
        succeeded=kept.succeeded,
        first=kept.first if kept.succeeded is None else None,
        running=name in present.sessions,
        claimed=present.claimed.get(name),
        pause=pauses.get(name),
    )
    return TaskRow(
        standing=known,
        state=judgement.state_of(known, present.signs, now),
        lag=judgement.lag_of(known, now),
        last=kept.last,
        next=judgement.next_run(known, present.signs, now),
        session=present.sessions.get(name),
        left_out=present.left_out.get(name, 0),
        links=kept.links,
        conflicts=kept.conflicts,
        held=kept.held,
        quarantined=kept.quarantined,
    )
