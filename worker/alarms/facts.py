"""What alarms are judged from, read from the database and from Redis."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import redis

from config import Settings
from tasks.scheduled import Scheduled
from worker.alarms.judging import Facts, Login
from worker.alarms.logins import Logins
from worker.alarms.queues import depths
from worker.errors import StoreError
from worker.standing import Status, survey
from worker.store import Store


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
        try:
            queued = sum(depths(client, queues_of(status)).values())
            logins = Logins(client).all()
        except redis.RedisError:  # it answered a moment ago: not known this time
            queued = None
    return Facts(
        now=datetime.now(UTC),
        status=status,
        refusal=status.refusal,
        queued=queued,
        logins=logins,
        plans=plans,
    )


def queues_of(status: Status) -> set[str]:
    """The queues that living workers take from."""
    signs = status.present.signs
    return {queue for sign in signs.living_workers for queue in sign.queues} if signs is not None else set()
