"""The consumer of Celery, made to survive outages of Redis: lost connections, restarts and error replies."""

from __future__ import annotations

import logging
import time
import warnings
from typing import Any

from celery.exceptions import CPendingDeprecationWarning
from celery.worker import consumer, state

from worker.broker_outage import STEADY, BrokerOutage

log = logging.getLogger(__name__)

#: Seconds between two looks at whether the worker is to stop, while it waits for Redis.
LOOK = 0.2

# Celery recommends a setting at every lost connection, also where it was decided against.
warnings.filterwarnings("ignore", category=CPendingDeprecationWarning, module=__name__)


class Consumer(consumer.Consumer):
    """Reconnects where that of Celery 5.7.0 ends the worker.

    After a lost connection Celery throws the transport's client away and then closes the connection, which
    tries to put unacknowledged messages back by that client. The `AttributeError` of this ends the worker.

    A Redis that answers with errors can be connected to, so the next attempt would fail at once, and again:
    the consumer waits a growing time between them.
    """

    class Blueprint(consumer.Consumer.Blueprint):  # type: ignore[valid-type, misc]  # has no stubs
        """All parts but the talk between workers, which nobody needs and which fails at a lost connection."""

        default_steps = [  # noqa: RUF012  Celery's name, read only
            step
            for step in consumer.Consumer.Blueprint.default_steps
            if step != "celery.worker.consumer.gossip:Gossip"
        ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._outage = BrokerOutage()
        self._steady: Any = None

    def on_connection_error_before_connected(self, exc: Exception) -> None:
        """Wait where it is not the first failure in a row; the caller connects anew.

        Raises:
            WorkerShutdown: the worker is told to stop meanwhile.
        """
        self._wait(exc)

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Let go of the lost connection, then as before.

        What Celery would do after the failing step (cancelling runs, lowering the prefetch count) is off in
        the settings. The messages come back by the visibility time-out.

        Raises:
            WorkerShutdown: the worker is told to stop meanwhile.
        """
        try:
            super().on_connection_error_after_connected(exc)
        except AttributeError as error:
            log.debug("Closing the lost connection failed: %s", error)
        self._wait(exc)

    def _wait(self, error: Exception) -> None:
        if self._steady is not None:
            self._steady.cancel()
        until = time.monotonic() + self._outage.failed(error)
        while (left := until - time.monotonic()) > 0:
            state.maybe_shutdown()
            time.sleep(min(left, LOOK))

    def on_ready(self) -> None:
        """Messages are waited for; an outage is over when that goes well for a while."""
        super().on_ready()
        if self._outage.lasts:
            self._steady = self.timer.call_after(STEADY, self._outage.over)
