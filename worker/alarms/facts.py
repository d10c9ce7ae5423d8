"""What alarms are judged from, read from the database and from Redis."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing, suppress
from datetime import UTC, datetime

import redis

from config import Settings, shards
from tasks.scheduled import Scheduled
from worker.alarms.judging import Facts, Login
from worker.alarms.logins import Logins
from worker.broker.queue import queue_of
from worker.errors import BrokerUnavailableError, StoreError
from worker.redis_client import connect, impatient
from worker.standing import Status, survey
from worker.store import Store

#: Seconds that each further Redis has for an answer.
PATIENCE = 3.0


def gather(settings: Settings, known: Mapping[str, Scheduled], store: Store, client: redis.Redis) -> Facts:
    """All that can be known now; a database or a Redis that is away is a fact as well.

    Raises:
        SettingsError: a setting is wrong, or the Redis is another installation's.
    """
    try:
        status = survey(settings, known, store)
        plans = store.plans.waiting()
    except StoreError as error:
        return Facts(now=datetime.now(UTC), status=None, refusal=str(error))
    queued: int | None = None
    logins: list[Login] = []
    signs = status.present.signs
    if signs is not None:
        with suppress(
            redis.RedisError, BrokerUnavailableError
        ):  # it answered a moment ago: not known this time
            logins = Logins(client).all()
            queued = sum(waiting(settings, status, client).values())
    return Facts(
        now=datetime.now(UTC),
        status=status,
        refusal=status.refusal,
        queued=queued,
        logins=logins,
        plans=plans,
    )


def waiting(settings: Settings, status: Status, client: redis.Redis) -> dict[str, int]:
    """The messages that wait in each queue; those of further Redis servers with the number of that, as in `celery@1`.

    Raises:
        redis.RedisError: one that answered a moment ago does not.
        BrokerUnavailableError: a broker beside it does not answer.
    """
    found = {} if status.parts[0].signs is None else _depths(settings, client, status)
    for number, (place, part) in enumerate(zip(shards.all_of(settings), status.parts, strict=True)):
        if number and part.signs is not None:
            with connect(place) as patient, impatient(patient, PATIENCE) as own:
                found |= {f"{name}@{number}": depth for name, depth in _depths(place, own, status).items()}
    return found


def _depths(settings: Settings, client: redis.Redis, status: Status) -> dict[str, int]:
    with closing(queue_of(settings, client)) as queue:
        return queue.depths(queues_of(status))


def queues_of(status: Status) -> set[str]:
    """The queues that living workers take from."""
    signs = status.present.signs
    return {queue for sign in signs.living_workers for queue in sign.queues} if signs is not None else set()
