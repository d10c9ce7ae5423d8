"""The signs of one process: when they are due, and a last one at its end."""

from __future__ import annotations

import logging
import os
import socket
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import redis

from tasks.clock import boot_seconds
from worker.redis_client import impatient
from worker.signs.board import Board
from worker.signs.record import EVERY, SCHEDULER, WORKER, Definition
from worker.signs.silence import LOOK, TELL_AFTER, Silence

log = logging.getLogger(__name__)

#: Seconds between two times that those who are silent for long are forgotten.
TIDY = 60.0
#: Seconds that the last sign may take; the process is about to end.
LAST_PATIENCE = 1.0


class Life:
    """Gives the signs of this process, and watches over those of the other kind."""

    def __init__(
        self,
        kind: str,
        client: redis.Redis,
        *,
        tasks: Mapping[str, Definition],
        name: str | None = None,
        tell: Callable[[], Mapping[str, Any]] = dict,
        every: float = EVERY,
        tell_after: float = TELL_AFTER,
    ) -> None:
        """Connects to nothing yet.

        Args:
            kind: of this process.
            client: of the Redis to which the signs go.
            tasks: those that this process has read.
            name: as people know it; the host's unless given.
            tell: what else it tells of itself.
            every: seconds between two signs.
            tell_after: seconds of silence of the other kind after which it is told.
        """
        self._kind = kind
        self._client = client
        self._tasks = tasks
        self._tell = tell
        self._every = every
        self._id = uuid.uuid4().hex
        self._host = socket.gethostname()
        self._name = name or self._host
        self._began = boot_seconds()
        self._due = self._tidy_at = self._began
        self._look_at = self._began + min(LOOK, tell_after)
        self._ended = self._refused = False
        self._board = Board(client)
        self._others = Silence(client, SCHEDULER if kind == WORKER else WORKER, tell_after=tell_after)

    def give(self) -> None:
        """Give a sign if it is time for one. An error reply of Redis stops nothing.

        Raises:
            redis.ConnectionError: Redis does not answer.
            redis.TimeoutError: the same.
        """
        now = time.monotonic()
        if now < self._due or self._ended:
            return
        self._due = now + self._every
        try:
            self._board.leave(self._kind, self._id, self._told(), self._tasks, tidy=now >= self._tidy_at)
            if now >= self._tidy_at:
                self._tidy_at = now + TIDY
            if now >= self._look_at:
                self._look_at = now + LOOK
                self._others.look()
        except (redis.ConnectionError, redis.TimeoutError):
            raise
        except redis.RedisError as error:
            if not self._refused:
                log.warning(
                    "No sign of life can be left in Redis, so `lockstep status` does not see it: %s", error
                )
            self._refused = True
        else:
            self._refused = False

    def read(self, tasks: Mapping[str, Definition]) -> None:
        """These are the tasks that this process has read by now; that is told at once."""
        self._tasks = tasks
        self.hurry()

    @property
    def is_late(self) -> bool:
        """Whether the next sign has been due for as long as there is between two."""
        return time.monotonic() - self._due > self._every

    def hurry(self) -> None:
        """Let the next sign be due at once: there is news."""
        self._due = self._began

    def end(self) -> None:
        """Say that this process ends; safe to repeat, also inside of a signal handler."""
        if self._ended:
            return
        self._ended = True
        client = impatient(self._client, LAST_PATIENCE)
        try:
            Board(client).leave(self._kind, self._id, {**self._told(), "ended": True}, self._tasks)
        except redis.RedisError as error:
            log.debug("The last sign of life could not be left: %s", error)
        finally:
            client.close()

    def _told(self) -> dict[str, Any]:
        return {
            "name": self._name,
            "host": self._host,
            "pid": os.getpid(),
            "up": round(boot_seconds() - self._began, 3),
            **self._tell(),
        }
