"""How fast requests may be sent: one budget for each Notion token."""

from __future__ import annotations

import asyncio
import hashlib
import threading
import time
from collections.abc import Callable
from typing import Protocol

from pydantic import SecretStr

#: Requests per second that Notion grants a connection on average.
REQUESTS_PER_SECOND = 3.0

#: Requests that may be sent at once after a quiet time; Notion tolerates short bursts.
BURST = 10


class Throttle(Protocol):
    """A budget of requests, shared by everybody who holds it."""

    async def acquire(self) -> None:
        """Wait until one more request may be sent."""

    async def pause(self, seconds: float) -> None:
        """Let nobody send for so many seconds; a longer pause that is under way stays."""


class LocalThrottle:
    """The budget of one process. It may be shared by event loops in several threads.

    Parameters:
        rate: requests per second on average.
        burst: requests that may go out at once after a quiet time.
    """

    def __init__(self, rate: float = REQUESTS_PER_SECOND, burst: int = BURST) -> None:
        if rate <= 0 or burst < 1:
            raise ValueError(f"a throttle needs a positive rate and burst, not {rate} and {burst}")
        self._interval = 1 / rate
        self._tolerance = self._interval * (burst - 1)
        self._lock = threading.Lock()
        self._next_slot = 0.0
        self._paused_until = 0.0

    async def acquire(self) -> None:
        """Wait for the next free slot, and for the end of a pause, also one that begins meanwhile."""
        while True:
            await asyncio.sleep(self._reserve())
            if self._pause_left() <= 0:
                return

    async def pause(self, seconds: float) -> None:
        """Keep every slot shut for so many seconds."""
        with self._lock:
            self._paused_until = max(self._paused_until, time.monotonic() + seconds)

    def _reserve(self) -> float:
        """Take the next slot; returns the seconds until it opens."""
        with self._lock:
            now = time.monotonic()
            slot = max(self._next_slot, now, self._paused_until)
            self._next_slot = slot + self._interval
            return max(slot - self._tolerance, self._paused_until) - now

    def _pause_left(self) -> float:
        with self._lock:
            return self._paused_until - time.monotonic()


_shared: dict[str, Throttle] = {}
_shared_lock = threading.Lock()


def _local_throttle(budget: str) -> Throttle:
    return LocalThrottle()


_make: Callable[[str], Throttle] = _local_throttle


def use_throttles(make: Callable[[str], Throttle] | None) -> None:
    """Make the throttles of this process from now on with `make`; `None` means one per process again.

    Parameters:
        make: gets a name for the budget, equal for equal tokens, and returns the throttle. The name is a
            digest from which the token cannot be told.
    """
    global _make  # noqa: PLW0603 - one budget per process is the point
    with _shared_lock:
        _make = make or _local_throttle
        _shared.clear()


def throttle_for(token: SecretStr) -> Throttle:
    """The throttle that all users of this token in this process share."""
    budget = hashlib.sha256(token.get_secret_value().encode()).hexdigest()[:32]
    with _shared_lock:
        if budget not in _shared:
            _shared[budget] = _make(budget)
        return _shared[budget]
