"""How many messages wait in Celery's queues."""

from __future__ import annotations

from collections.abc import Iterable

import redis

#: Celery's default queue, to which beat and the webhooks send.
DEFAULT = "celery"


def depths(client: redis.Redis, queues: Iterable[str] = ()) -> dict[str, int]:
    """The messages that wait, by queue: of the default one, and of those that workers take from.

    Raises:
        redis.RedisError: Redis does not answer.
    """
    names = sorted({DEFAULT, *queues})
    pipeline = client.pipeline(transaction=False)
    for name in names:
        pipeline.llen(name)
    found = pipeline.execute(raise_on_error=False)
    for answer in found:
        if isinstance(answer, redis.RedisError) and not isinstance(answer, redis.ResponseError):
            raise answer
    # What is no list is no queue.
    return {name: depth for name, depth in zip(names, found, strict=True) if isinstance(depth, int)}
