"""What a run is doing, shown to others while it lasts."""

from __future__ import annotations

import asyncio
import logging

from tasks.engine.sync import Progress
from tasks.errors import LockLostError
from worker.errors import RedisUnavailableError
from worker.lock import SyncLock

log = logging.getLogger(__name__)

#: Seconds that a phase lasts before others are shown it; one that is over sooner costs no request.
LASTS = 0.25


class Phases:
    """The phases of one run.

    Args:
        lock: shows them, with the session that holds it.
        task: the name of the task.
        run_id: of the session.
        watcher: told of every progress.
    """

    def __init__(self, lock: SyncLock, task: str, run_id: str, watcher: Progress) -> None:
        self._lock = lock
        self._task = task
        self._run_id = run_id
        self._watcher = watcher
        self._phase = ""
        #: What will show the phase, or does.
        self._showing: asyncio.TimerHandle | None = None
        self._shown: set[asyncio.Future[None]] = set()

    def progress(self, phase: str, done: int, total: int) -> None:
        """Tell of a phase, and how far it is."""
        self._watcher(phase, done, total)
        if phase != self._phase:
            self._phase = phase
            self._lock.note_phase(self._run_id, phase)
            if self._showing is None:
                self._showing = asyncio.get_running_loop().call_later(LASTS, self._show)

    async def over(self) -> None:
        """Show none any more."""
        if self._showing is not None:
            self._showing.cancel()
        if self._shown:
            await asyncio.wait(self._shown)

    def _show(self) -> None:
        self._showing = None
        told = asyncio.ensure_future(asyncio.to_thread(self._tell, self._phase))
        self._shown.add(told)
        told.add_done_callback(self._shown.discard)

    def _tell(self, phase: str) -> None:
        """Let others see the phase; whether the lock still holds is for the keeper to say, not for this."""
        try:
            self._lock.update_phase(self._run_id, phase)
        except (LockLostError, RedisUnavailableError) as error:
            log.warning("Task %r: phase %r could not be shown: %s", self._task, phase, error)
