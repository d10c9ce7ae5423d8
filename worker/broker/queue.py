"""The queue at the broker: one face for the two places where it may be."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import redis

from config import Settings
from worker.broker.amqp_queue import AmqpQueue
from worker.broker.redis_queue import RedisQueue

#: Celery's default queue, to which beat and the webhooks send.
DEFAULT = "celery"


class TaskQueue(Protocol):
    """What is asked of it. Every method may raise `redis.RedisError`, and those of another broker
    `BrokerUnavailableError`.
    """

    #: Whether it can be away while Redis answers.
    is_apart: bool

    def claim(self, installation: int) -> None:
        """Let it be this installation's.

        Raises:
            SettingsError: it is another one's, or refuses the login.
        """
        ...

    def waiting(self) -> frozenset[str]:
        """The Celery tasks that have a message in it which does not expire."""
        ...

    def sending(self, task: str, message_id: str) -> None:
        """A message for the task that does not expire is about to be sent to it."""
        ...

    def depths(self, queues: Iterable[str] = ()) -> dict[str, int]:
        """The messages that wait, by queue: in the one that beat sends to, and in these."""
        ...

    def close(self) -> None:
        """Let go of its connection; safe to repeat."""
        ...


def queue_of(settings: Settings, client: redis.Redis, queue: str = DEFAULT) -> TaskQueue:
    """The queue of these settings. `client` is of their Redis and stays the caller's; connects to nothing yet."""
    if settings.broker_url is None:
        return RedisQueue(client, queue)
    return AmqpQueue(settings, client, queue)
