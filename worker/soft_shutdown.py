"""A worker that is told to quit waits for its runs, but not longer than they take; and has a pool that can run them."""

from __future__ import annotations

import logging
import time
from typing import Any

from celery.apps.worker import Worker
from celery.worker import state

from worker.pools import usable
from worker.startup import refusing

log = logging.getLogger(__name__)

#: Seconds between two looks at whether runs are still going on.
LOOK = 0.1


class PromptWorker(Worker):
    """Celery's worker sleeps for the whole soft shutdown; this one goes on as soon as nothing runs."""

    def setup_defaults(  # type: ignore[override]  # its stubs list all options
        self, *, pool: Any = None, pool_cls: Any = None, **kwargs: Any
    ) -> None:
        """Take the options; a pool that cannot run syncs is refused.

        Raises:
            SystemExit: it is; standard error has one line about it.
        """
        with refusing():
            asked = pool or pool_cls or self.app.conf.worker_pool
            pool = usable(asked, autoscale=kwargs.get("autoscale"))
        super().setup_defaults(pool=pool, **kwargs)

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
