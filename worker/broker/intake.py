"""What a worker takes out of a queue that hands messages to it: one at a time, and none that would wait inside it."""

from __future__ import annotations

import logging
from typing import Any

import redis
from celery.worker import state as _state
from kombu.message import Message

from config import Settings
from worker.broker.amqp_queue import AmqpQueue
from worker.broker.queue import DEFAULT
from worker.redis_client import connect, impatient

log = logging.getLogger(__name__)

#: Celery's requests, of which its stubs know too little.
state: Any = _state
#: Messages that RabbitMQ hands out before one of them is acknowledged, which is when its run begins.
AT_ONCE = 1
#: Seconds between two looks at whether a run has ended, while as many go on as the worker makes at once.
LOOK = 0.05
#: Seconds that Redis has to note that a message was taken; it is not needed for the run.
PATIENCE = 1.0


class Intake:
    """Asks RabbitMQ for messages for as long as there is a thread or process for one.

    A message that waits inside a worker would not be acknowledged while it does, and RabbitMQ closes the channel of
    who takes longer than half an hour for that. Other workers may be free meanwhile.
    """

    def __init__(self, consumer: Any, settings: Settings) -> None:
        """`consumer` is that of the worker."""
        self._consumer = consumer
        self._client = impatient(connect(settings), PATIENCE)
        self._queue = AmqpQueue(settings, self._client, DEFAULT)
        self._holds_back = False

    def claim(self, installation: int) -> None:
        """See to it that the messages are of this installation.

        Raises:
            SettingsError: they are another one's, or the login is refused.
            BrokerUnavailableError: RabbitMQ does not answer.
        """
        try:
            self._queue.claim(installation)
        finally:
            self._queue.close()

    def begin(self) -> None:
        """Messages are about to come, by a new connection."""
        self._holds_back = False

    def takes(self, message: Message) -> None:
        """A message has come, and is not acknowledged yet."""
        headers = message.headers
        if not isinstance(headers, dict) or not all(
            isinstance(headers.get(name), str) for name in ("task", "id")
        ):
            return
        try:
            self._queue.taken(headers["task"], headers["id"])
        except redis.RedisError as error:  # beat finds out by itself
            log.debug("That a message was taken is not noted: %s", error)

    def gives_back(self, message: Message) -> None:
        """A message is about to be put into the queue again."""
        headers = message.headers
        if headers.get("expires") is not None:
            return
        try:
            self._queue.sending(headers["task"], headers["id"])
        except redis.RedisError as error:  # then the task may have two
            log.debug("That a message goes back is not noted: %s", error)

    def after(self) -> None:
        """It was given to Celery. Nothing else can come before that is acknowledged, in a later turn of the loop."""
        if self._is_full() and not self._holds_back:
            self._holds_back = True
            self._consumer.task_consumer.cancel()
            self._look_later()

    def _look_later(self) -> None:
        self._consumer.timer.call_after(LOOK, self._look)

    def _look(self) -> None:
        if not self._holds_back or self._consumer.task_consumer is None:
            return  # a new connection has begun, or none is there
        if self._is_full():
            self._look_later()
        else:
            self._holds_back = False
            self._consumer.task_consumer.consume()

    def _is_full(self) -> bool:
        consumer = self._consumer
        limit = getattr(consumer.controller, "max_concurrency", None) or consumer.pool.num_processes
        return bool(len(state.reserved_requests) >= limit)
