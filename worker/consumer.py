"""The consumer of Celery, made to survive a restart of Redis."""

from __future__ import annotations

import logging
import warnings

from celery.exceptions import CPendingDeprecationWarning
from celery.worker import consumer

log = logging.getLogger(__name__)

# Celery recommends a setting at every lost connection, also where it was decided against.
warnings.filterwarnings("ignore", category=CPendingDeprecationWarning, module=__name__)


class Consumer(consumer.Consumer):
    """Reconnects where that of Celery 5.7.0 ends the worker.

    After a lost connection Celery throws the transport's client away and then closes the connection, which
    tries to put unacknowledged messages back by that client. The `AttributeError` of this ends the worker.
    """

    class Blueprint(consumer.Consumer.Blueprint):  # type: ignore[valid-type, misc]  # has no stubs
        """All parts but the talk between workers, which nobody needs and which fails at a lost connection."""

        default_steps = [  # noqa: RUF012  Celery's name, read only
            step
            for step in consumer.Consumer.Blueprint.default_steps
            if step != "celery.worker.consumer.gossip:Gossip"
        ]

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Let go of the lost connection; the caller connects anew.

        What Celery would do after the failing step (cancelling runs, lowering the prefetch count) is off in
        the settings. The messages come back by the visibility time-out.
        """
        try:
            super().on_connection_error_after_connected(exc)
        except AttributeError as error:
            log.debug("Closing the lost connection failed: %s", error)
