"""The consumer of Celery, made to survive outages of the broker, its error replies, and messages that are none."""

from __future__ import annotations

import logging
import math
import time
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from celery import signals
from celery.exceptions import CPendingDeprecationWarning
from celery.worker import consumer, state
from kombu.message import Message
from vine import promise as vine_promise

from config import SettingsError, get_settings, shards
from worker.broker import transport
from worker.broker.installation import claim
from worker.broker.intake import AT_ONCE, Intake
from worker.broker.messages import fault
from worker.broker.outage import STEADY, BrokerOutage
from worker.broker.transport import throw_away
from worker.pool.life import TURN
from worker.redis_client import connect
from worker.telling.startup import refusing

log = logging.getLogger(__name__)

#: Seconds between two looks at whether the worker is to stop, while it waits for Redis.
LOOK = 0.2
#: Seconds of which the events of runs are sent together: one message costs as much as ten more events in it.
EVENTS_TOGETHER = 0.2

transport.install()

# Celery recommends a setting at every lost connection, also where it was decided against.
warnings.filterwarnings("ignore", category=CPendingDeprecationWarning, module=__name__)


@signals.task_revoked.connect
def _tell_expired(request: Any, expired: bool, **_: Any) -> None:
    """Tell of a message that expired, which Celery does without a reason and where few look."""
    if not expired:
        return
    expires = datetime.fromisoformat(str(request.expires))
    late = (datetime.now(expires.tzinfo and UTC) - expires).total_seconds()
    log.warning(
        "A message for %s was discarded, it expired %.0f s ago by the clock of this machine: it waited too long for a "
        "worker, or the clock of the machine that sent it is behind.",
        request.task,
        late,
    )


class Consumer(consumer.Consumer):
    """Reconnects where that of Celery 5.7.0 ends the worker.

    After a lost connection Celery throws the transport's client away and then closes the connection, which
    tries to put unacknowledged messages back by that client. The `AttributeError` of this ends the worker.

    A Redis that answers with errors can be connected to, so the next attempt would fail at once, and again:
    the consumer waits a growing time between them.
    """

    # Celery's, of which its stubs know nothing.
    strategies: dict[str, Any]
    connection_errors: tuple[type[BaseException], ...]
    initial_prefetch_count: int

    class Blueprint(consumer.Consumer.Blueprint):  # type: ignore[valid-type, misc]  # has no stubs
        """All parts but the talk between workers, which nobody needs and which fails at a lost connection."""

        default_steps = [  # noqa: RUF012  Celery's name, read only
            step
            for step in consumer.Consumer.Blueprint.default_steps
            if step != "celery.worker.consumer.gossip:Gossip"
        ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        settings = get_settings()
        #: Where RabbitMQ hands messages out; from Redis, Celery takes them.
        self._intake: Intake | None = None
        if settings.broker_url is not None:
            self._intake = Intake(self, settings)
            self.initial_prefetch_count = AT_ONCE
        self._outage = BrokerOutage("Redis" if self._intake is None else "RabbitMQ")
        self._steady: Any = None
        self._turns: Any = None
        #: When events were sent last, and for when their sending was planned last, by the monotonic clock.
        self._sent_at = self._due = -math.inf
        #: When the main loop turned last, by the monotonic clock.
        self.turned_at: float | None = None
        #: Called at each turn of the main loop that is noted.
        self.on_turn: Callable[[], None] = lambda: None

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
        """Messages are about to be taken; an outage is over when that goes well for a while.

        Raises:
            SystemExit: they are another installation's; standard error has one line about it.
        """
        installation = getattr(self.app, "installation", None)
        if installation is not None:
            settings = get_settings()
            with (
                refusing(SettingsError),
                connect(shards.served(settings)) as client,
            ):  # an outage is for the loop
                claim(client, installation, shards.number_of(settings))
                if self._intake is not None:
                    self._intake.claim(installation)
        if self._intake is not None:
            self._intake.begin()
        self._turn()
        super().on_ready()
        if self._turns is not None:
            self._turns.cancel()
        self._turns = self.timer.call_repeatedly(TURN, self._turn)
        if self._outage.lasts:
            self._steady = self.timer.call_after(STEADY, self._outage.over)

    def _turn(self) -> None:
        self.turned_at = time.monotonic()
        self.on_turn()

    def _flush_events(self) -> None:
        """Send the events of runs that wait, called in the main loop for each; those of a moment go together."""
        due = self._sent_at + EVENTS_TOGETHER
        left = due - time.monotonic()
        if left <= 0:
            self._send_events()
        elif self._due != due:  # one that is due already, and was not sent, went with its connection
            self._due = due
            self.timer.call_after(left, self._send_events)

    def _send_events(self) -> None:
        self._sent_at = time.monotonic()
        super()._flush_events()  # type: ignore[misc]  # its stubs do not know it

    def gives_back(self, message: Message) -> None:
        """A message that was taken is about to be put into the queue again; called in any thread."""
        if self._intake is not None:
            self._intake.gives_back(message)

    def create_task_handler(self, promise: Any = vine_promise) -> Callable[[Message], Any]:
        """What is done with a message: Celery gets those that can be one of ours, the others are thrown away."""
        take = super().create_task_handler(promise)

        def take_or_throw_away(message: Message) -> Any:
            if self._intake is not None:
                self._intake.takes(message)
            reason = fault(message)
            if reason is None and message.headers["task"] not in self.strategies:
                reason = (
                    f"it is for the task {message.headers['task']!r:.200}, which this worker does not know"
                )
            if reason is None:
                taken = take(message)
                if self._intake is not None:
                    self._intake.after()
                return taken
            throw_away(message.delivery_info.get("routing_key"), reason)
            return message.reject_log_error(log, self.connection_errors)

        return take_or_throw_away

    def on_decode_error(self, message: Message, exc: Exception) -> None:
        """Throw away a message whose body cannot be unpacked."""
        throw_away(
            message.delivery_info.get("routing_key"), f"its body cannot be read ({type(exc).__name__})"
        )
        message.ack_log_error(log, self.connection_errors)
