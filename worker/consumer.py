"""The consumer of Celery, made to survive a restart of Redis and messages that are none."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from typing import Any

from celery.exceptions import CPendingDeprecationWarning
from celery.worker import consumer
from kombu.message import Message
from vine import promise as vine_promise

from worker import broker
from worker.broker import throw_away
from worker.messages import fault

log = logging.getLogger(__name__)

broker.install()

# Celery recommends a setting at every lost connection, also where it was decided against.
warnings.filterwarnings("ignore", category=CPendingDeprecationWarning, module=__name__)


class Consumer(consumer.Consumer):
    """Reconnects where that of Celery 5.7.0 ends the worker.

    After a lost connection Celery throws the transport's client away and then closes the connection, which
    tries to put unacknowledged messages back by that client. The `AttributeError` of this ends the worker.
    """

    # Celery's, of which its stubs know nothing.
    strategies: dict[str, Any]
    connection_errors: tuple[type[BaseException], ...]

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

    def create_task_handler(self, promise: Any = vine_promise) -> Callable[[Message], Any]:
        """What is done with a message: Celery gets those that can be one of ours, the others are thrown away."""
        take = super().create_task_handler(promise)

        def take_or_throw_away(message: Message) -> Any:
            reason = fault(message)
            if reason is None and message.headers["task"] not in self.strategies:
                reason = (
                    f"it is for the task {message.headers['task']!r:.200}, which this worker does not know"
                )
            if reason is None:
                return take(message)
            throw_away(message.delivery_info.get("routing_key"), reason)
            return message.reject_log_error(log, self.connection_errors)

        return take_or_throw_away

    def on_decode_error(self, message: Message, exc: Exception) -> None:
        """Throw away a message whose body cannot be unpacked."""
        throw_away(
            message.delivery_info.get("routing_key"), f"its body cannot be read ({type(exc).__name__})"
        )
        message.ack_log_error(log, self.connection_errors)
