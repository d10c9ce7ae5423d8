"""Which tasks have a message in the queue already, so that they need no second one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import redis

from tasks.clock import boot_seconds

#: Seconds for which one look at the queue serves all entries.
LOOK = 0.5


class Waiting:
    """The tasks that wait in a queue, as it was at the last look. The queue itself is asked, because it cannot
    be wrong about what is in it: nobody has to note what was taken, lost, or thrown away.
    """

    def __init__(self, client: redis.Redis, queue: str, clock: Callable[[], float] = boot_seconds) -> None:
        self._client = client
        self._queue = queue
        self._clock = clock
        self._tasks: frozenset[str] = frozenset()
        self._looked: float | None = None

    def has(self, task: str, *, look: float = LOOK) -> bool:
        """Whether a message for the task waits, by a look that is no older than `look` seconds.

        Raises:
            redis.RedisError: Redis does not answer.
        """
        now = self._clock()
        if self._looked is None or now - self._looked > min(look, LOOK):
            self._tasks, self._looked = self._read(), now
        return task in self._tasks

    def _read(self) -> frozenset[str]:
        try:
            # As bytes: what is no text must not hold up the schedule.
            execute: Any = self._client.execute_command
            texts = execute("LRANGE", self._queue, 0, -1, NEVER_DECODE=True)
        except redis.ResponseError:
            return frozenset()  # it is no queue; who sends meets that and tells it
        return frozenset(task for task in map(_task, texts) if task is not None)


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
