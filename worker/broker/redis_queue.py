"""The queue in Redis, which can be asked what is in it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import redis


class RedisQueue:
    """Celery's queues as lists. The queue itself is asked, because it cannot be wrong about what is in it: nobody has
    to note what was taken, lost, or thrown away.

    Every method may raise `redis.RedisError`.
    """

    #: Whether it can be away while Redis answers.
    is_apart = False

    def __init__(self, client: redis.Redis, queue: str) -> None:
        """`queue` is the one that beat sends to; `client` stays the caller's."""
        self._client = client
        self._queue = queue

    def claim(self, installation: int) -> None:
        """Nothing: the Redis is claimed as a whole."""

    def waiting(self) -> frozenset[str]:
        """The tasks that a message in the queue will surely start."""
        try:
            # As bytes: what is no text must not hold up the schedule.
            execute: Any = self._client.execute_command
            texts = execute("LRANGE", self._queue, 0, -1, NEVER_DECODE=True)
        except redis.ResponseError:
            return frozenset()  # it is no queue; who sends meets that and tells it
        return frozenset(task for task in map(_task, texts) if task is not None)

    def sending(self, task: str, message_id: str) -> None:
        """Nothing: the message will be there."""

    def depths(self, queues: Iterable[str] = ()) -> dict[str, int]:
        """The messages that wait, by queue: of the one that beat sends to, and of these."""
        names = sorted({self._queue, *queues})
        pipeline = self._client.pipeline(transaction=False)
        for name in names:
            pipeline.llen(name)
        found = pipeline.execute(raise_on_error=False)
        for answer in found:
            if isinstance(answer, redis.RedisError) and not isinstance(answer, redis.ResponseError):
                raise answer
        # What is no list is no queue.
        return {name: depth for name, depth in zip(names, found, strict=True) if isinstance(depth, int)}

    def close(self) -> None:
        """Nothing: the client is the caller's."""


def _task(text: bytes) -> str | None:
    """The task that this message will surely start; none where it may expire before."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return None
    headers = message.get("headers") if isinstance(message, dict) else None
    if not isinstance(headers, dict) or headers.get("expires") is not None:
        return None
    task = headers.get("task")
    return task if isinstance(task, str) else None
