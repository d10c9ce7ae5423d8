"""Nobody of a kind gives signs any more: told at ERROR, once per outage whoever sees it first."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import redis

from tasks.clock import boot_seconds
from worker.signs.board import PREFIX, Board
from worker.signs.record import SCHEDULER, Sign

log = logging.getLogger(__name__)

#: Seconds of silence after which it is told: a new version may take as long to start.
TELL_AFTER = 300.0
#: Seconds after which a silence that lasts is told again, as all alerts are.
AGAIN = 86_400.0
#: Seconds between two looks.
LOOK = 30.0

MENDS = {
    SCHEDULER: "nothing is started by schedule. Start it: `celery -A worker beat`, or `lockstep up`",
    "worker": "what is due is not run. Start one: `celery -A worker worker`, or `lockstep up`",
}


def slept() -> float:
    """Seconds for which the machine was suspended."""
    return boot_seconds() - time.monotonic()


class Silence:
    """Watches over one kind of process. Where none was ever seen, none is missed."""

    def __init__(
        self,
        client: redis.Redis,
        kind: str,
        *,
        tell_after: float = TELL_AFTER,
        began: float | None = None,
        prefix: str = PREFIX,
        where: str = "",
        slept: Callable[[], float] = slept,
    ) -> None:
        """`tell_after` is in seconds, `began` when the watch began, by the monotonic clock; now unless given.

        A watch as long as that comes first: where all was off for the night, or suspended, one is there before the
        other. `slept` says for how long that was. `where` tells one of several Redis servers from the others.
        """
        self._client = client
        self._kind, self._where = kind, where
        self._tell_after = tell_after
        self._began = time.monotonic() if began is None else began
        self._slept, self._asleep = slept, slept()
        self._board = Board(client, prefix=prefix)
        #: Set in Redis while the silence is told, so that the processes that see it tell it once.
        self._told = f"{prefix}:silent:{kind}"
        #: The last sign that was seen, and when it came by the monotonic clock, in case Redis loses it.
        self._last: tuple[Sign, float] | None = None

    def look(self) -> None:
        """Tell that all are silent, or that one is back.

        Raises:
            redis.RedisError: Redis does not answer.
        """
        now, asleep = time.monotonic(), self._slept()
        if asleep > self._asleep + 1:
            self._asleep, self._began = asleep, now
        signs = self._board.read_kind(self._kind)
        if signs:
            self._last = signs[0], now - signs[0].ago
        if self._last is None:
            return
        if any(sign.lives for sign in signs):
            if self._client.delete(self._told):
                log.warning("A %s%s gives signs of life again.", self._kind, self._where)
            return
        last, came_at = self._last
        watched = now - max(came_at, self._began)
        if watched >= self._tell_after and self._client.set(self._told, 1, nx=True, ex=round(AGAIN)):
            log.error(
                "No %s%s has given a sign of life for %.0f min (the last one was %s, which %s): %s.",
                self._kind,
                self._where,
                (now - came_at) / 60,
                last,
                "ended in order" if last.ended else "was killed, hangs, or has lost its Redis",
                MENDS[self._kind],
            )
