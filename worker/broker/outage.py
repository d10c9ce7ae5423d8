"""How long a worker waits for a broker that is away or answers with errors, and what it says of that."""

from __future__ import annotations

import logging
import time

import redis

log = logging.getLogger(__name__)

#: Seconds until the second attempt, and between two attempts at most; it doubles from the first to the second.
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 8.0
#: Seconds for which messages must have been waited for without an error, for an outage to be over.
STEADY = 5.0
#: Seconds after which an outage is told as an error: it does not mend itself.
LONG = 60.0
#: How Celery begins its line of a lost connection, which it says at every attempt.
CELERY_SAYS = "consumer: Connection to broker lost."


class BrokerOutage:
    """One outage after another, each told when it begins, when it turns out to be long, and when it is over."""

    def __init__(self, broker: str = "Redis") -> None:
        #: The broker, and what the outage is of: with another broker that may be Redis all the same.
        self._broker = self._what = broker
        self._began: float | None = None
        self._told_long = False
        self._pause = 0.0
        logging.getLogger("celery.worker.consumer.consumer").addFilter(self._first_time)

    @property
    def lasts(self) -> bool:
        """Whether there is one."""
        return self._began is not None

    def failed(self, error: Exception) -> float:
        """The connection failed by `error`; gives the seconds to wait before the next attempt."""
        now = time.monotonic()
        if self._began is None:
            self._began, self._told_long, self._pause = now, False, 0.0
            self._what = "Redis" if isinstance(error, redis.RedisError) else self._broker
            log.warning("%s fails, the worker waits until it serves again: %s", self._what, error)
        elif now - self._began > LONG and not self._told_long:
            self._told_long = True
            log.error("%s fails for %.0f s, the worker still waits: %s", self._what, now - self._began, error)
        pause, self._pause = self._pause, min(max(2 * self._pause, FIRST_PAUSE), LONGEST_PAUSE)
        return pause

    def over(self) -> None:
        """The broker has served for a while."""
        if self._began is not None:
            log.info("%s serves the worker again.", self._what)
        self._began = None

    def _first_time(self, record: logging.LogRecord) -> bool:
        """Leave Celery's own words on it out."""
        return not record.getMessage().startswith(CELERY_SAYS)
