"""The queue in RabbitMQ, which tells how many messages are in it, but not which."""

from __future__ import annotations

import logging
from collections.abc import Iterable

import redis

from config import Settings, SettingsError
from worker.broker.amqp_server import AmqpServer
from worker.broker.waiting_notes import WaitingNotes, still_waiting
from worker.errors import BrokerUnavailableError

log = logging.getLogger(__name__)


class AmqpQueue:
    """Celery's queues in RabbitMQ, and in Redis what is noted of them. Safe to use from several threads.

    Every method may raise `redis.RedisError` or `BrokerUnavailableError`.
    """

    #: Whether it can be away while Redis answers.
    is_apart = True

    def __init__(self, settings: Settings, client: redis.Redis, queue: str) -> None:
        """`queue` is the one that beat sends to; `client` stays the caller's."""
        self._queue = queue
        self._server = AmqpServer(settings)
        self._notes = WaitingNotes(client)

    def claim(self, installation: int) -> None:
        """Let it be this installation's.

        Raises:
            SettingsError: it is another one's, or refuses the login.
        """
        self._server.claim(installation)

    def waiting(self) -> frozenset[str]:
        """The Celery tasks that have a message in it which does not expire; by the notes alone while it is away."""

        def depth() -> int | None:
            try:
                return self.depths()[self._queue]
            except BrokerUnavailableError as error:
                log.debug("How many messages wait is not known: %s", error)
                return None

        return still_waiting(*self._notes.read(), depth)

    def sending(self, task: str, message_id: str) -> None:
        """A message for the task that does not expire is about to be sent to it."""
        self._notes.sending(task, message_id)

    def taken(self, task: str, message_id: str) -> None:
        """A worker has a message."""
        self._notes.taken(task, message_id)

    def depths(self, queues: Iterable[str] = ()) -> dict[str, int]:
        """The messages that wait, by queue: in the one that beat sends to, and in these."""
        try:
            found = {name: self._server.state(name) for name in sorted({self._queue, *queues})}
        except SettingsError as error:  # who counts messages is not the one to be told so
            raise BrokerUnavailableError(str(error)) from error
        return {name: 0 if state is None else state.messages for name, state in found.items()}

    def close(self) -> None:
        """Let go of its connection; safe to repeat."""
        self._server.close()
