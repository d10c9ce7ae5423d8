"""A worker that is told to quit waits for its runs, but not longer than they take."""

from __future__ import annotations

import logging
import time
from typing import Any

from celery.apps.worker import Worker
from celery.worker import state

log = logging.getLogger(__name__)

#: Seconds between two looks at whether runs are still going on.
LOOK = 0.1


class PromptWorker(Worker):
    """Celery's worker sleeps for the whole soft shutdown; this one goes on as soon as nothing runs."""

    def wait_for_soft_shutdown(self) -> bool:
        """Give running tasks up to `worker_soft_shutdown_timeout` seconds to end by themselves.

        Returns:
            Whether none is running any more.
        """
        timeout: float = self.app.conf.worker_soft_shutdown_timeout
        running: Any = state.active_requests
        if not running or timeout <= 0:
            return not running
        log.warning("Shutdown: waiting up to %g s for %d runs to end.", timeout, len(running))
        give_up_at = time.monotonic() + timeout
        while running and time.monotonic() < give_up_at:
            time.sleep(LOOK)
        return not running
