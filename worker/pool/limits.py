"""The time limits of one job, by the clock of its loop: it stands still while others hold the loop."""

from __future__ import annotations

import threading
from asyncio import TimerHandle
from collections.abc import Callable
from enum import IntEnum

from worker.pool.loop_watch import PatientLoop


class Ending(IntEnum):
    """Why a job is cancelled; a greater one comes before a smaller one."""

    GIVEN_BACK = 0
    SOFT_LIMIT = 1
    HARD_LIMIT = 2
    TERMINATED = 3


class Limits:
    """Calls `expire` when a limit is reached: in the loop's thread, or in the watch's while the job holds the loop."""

    def __init__(
        self,
        loop: PatientLoop,
        soft: float | None,
        hard: float | None,
        expire: Callable[[Ending, float], None],
    ) -> None:
        self._loop = loop
        self._seconds = {
            ending: seconds
            for ending, seconds in ((Ending.SOFT_LIMIT, soft), (Ending.HARD_LIMIT, hard))
            if seconds
        }
        self._expire = expire
        self._guard = threading.Lock()
        self._began = loop.time()
        #: Seconds for which the job itself held the loop; the clock does not count them, but they are its own.
        self._own = 0.0
        self._over = False
        self._timers: list[TimerHandle] = []

    def start(self) -> None:
        """Count from now on."""
        if self._seconds:
            self._loop.call_soon_threadsafe(self._set)

    def held(self, seconds: float, *, over: bool) -> None:
        """The job holds the loop for that long by now, or did until now; told by the watch."""
        used = self._loop.time() - self._began + self._own + seconds
        if over:
            self._own += seconds
            if self._seconds:
                self._loop.call_soon_threadsafe(self._set)
            return
        hard = self._seconds.get(Ending.HARD_LIMIT)
        if hard is not None and used >= hard:
            self._reach(Ending.HARD_LIMIT)

    def cancel(self) -> None:
        """Count no more."""
        with self._guard:
            self._over = True
        self._loop.call_soon_threadsafe(self._clear)

    def _set(self) -> None:
        """Set the timers, in the loop's thread; those that were set before count no more."""
        self._clear()
        with self._guard:
            if self._over:
                return
            left = dict(self._seconds)
        for ending, seconds in left.items():
            at = self._began + seconds - self._own
            self._timers.append(self._loop.call_at(at, self._reach, ending))

    def _clear(self) -> None:
        while self._timers:
            self._timers.pop().cancel()

    def _reach(self, ending: Ending) -> None:
        with self._guard:
            seconds = self._seconds.pop(ending, None)
        if seconds is not None:
            self._expire(ending, seconds)
