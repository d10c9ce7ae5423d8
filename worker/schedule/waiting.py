"""Which tasks have a message in the queue already, so that they need no second one."""

from __future__ import annotations

from collections.abc import Callable

from tasks.clock import boot_seconds
from worker.broker.queue import TaskQueue

#: Seconds for which one look at the queue serves all entries.
LOOK = 0.5


class Waiting:
    """The tasks that wait in a queue, as it was at the last look."""

    def __init__(self, queue: TaskQueue, clock: Callable[[], float] = boot_seconds) -> None:
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
            self._tasks, self._looked = self._queue.waiting(), now
        return task in self._tasks
