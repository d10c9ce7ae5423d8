"""Failures that last: told once when they begin, again while they last, and once when they are over."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from worker.errors import RedisUnavailableError, StoreError

log = logging.getLogger(__name__)

#: Seconds after which a failure that lasts is told again.
REMIND = 3600.0
#: What keeps a run from being entered in the history or from taking its lock; the next run meets it as well.
LASTING = (StoreError, RedisUnavailableError)


class Outage:
    """One thing that may fail for a while, in one process. Its lines are of level ERROR, so Sentry hears them."""

    def __init__(self, what: str) -> None:
        """`what` says what cannot be done while it lasts."""
        self._what = what
        self._guard = threading.Lock()
        self._began: float | None = None
        self._told = 0.0
        self._failures = 0

    def failed(self, who: str, error: Exception) -> None:
        """`who` met it with `error`."""
        now = time.monotonic()
        with self._guard:
            self._failures += 1
            begins = self._began is None
            if not begins and now - self._told < REMIND:
                return
            self._told = now
            if begins:
                self._began = now
            failures = self._failures
        if begins:
            log.error("%s: %s: %s", self._what, who, error)
        else:
            log.error("%s, still, %d times by now: %s: %s", self._what, failures, who, error)

    def over(self) -> None:
        """It works; told where it did not before."""
        if self._began is None:
            return
        with self._guard:
            began, failures = self._began, self._failures
            self._began, self._failures = None, 0
        if began is not None:
            log.warning(
                "Over after %.0f s and %d failures: %s.", time.monotonic() - began, failures, self._what
            )


@contextmanager
def told(who: str) -> Iterator[None]:
    """Log at ERROR what keeps a single run from being entered, for Sentry; it is raised all the same."""
    try:
        yield
    except LASTING as error:
        log.error("The run cannot be entered in the history: %s: %s", who, error)  # noqa: TRY400  foreseen
        raise
