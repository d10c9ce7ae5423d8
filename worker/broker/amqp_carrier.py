"""RabbitMQ as the carrier of messages, where none is lost between the one who sends and the queue."""

from __future__ import annotations

from typing import Any

import amqp
import redis
from kombu.exceptions import OperationalError
from kombu.transport import pyamqp as carrier

from worker.errors import BrokerUnavailableError

#: Seconds within which the broker has to confirm a message; one that is short of memory or disk confirms none.
CONFIRMED_WITHIN = 10.0


class Channel(carrier.Channel):
    """Sends a message for a task to where a queue takes it, or fails.

    By itself RabbitMQ drops what no queue takes, such as after somebody has deleted the queue; and kombu waits without
    end for a confirmation.
    """

    def basic_publish_confirm(self, *arguments: Any, **options: Any) -> Any:
        """Publish a message and wait until the broker has it.

        Raises:
            RecoverableConnectionError: it does not; the connection is not to be used any more.
        """
        options["confirm_timeout"] = options.get("confirm_timeout") or CONFIRMED_WITHIN
        headers = arguments[0].properties.get("application_headers") if arguments else None
        # Events go to whom they interest, and that may be nobody.
        options["mandatory"] = "task" in (headers or {})
        try:
            return super().basic_publish_confirm(*arguments, **options)
        except (amqp.ChannelError, TimeoutError) as error:
            # The next one could be taken for confirmed by what comes for this one; the next connection makes the queue.
            self.connection.collect()
            raise amqp.RecoverableConnectionError(f"the broker did not take the message: {error}") from error


class Connection(carrier.Connection):
    """With the channel above."""

    Channel = Channel


class Transport(carrier.Transport):
    """A channel that the broker closes is handled as a lost connection: let go, waited for, tried again.

    It closes one for a message that was not acknowledged in time, a queue that is of another kind, a right that was
    taken away: all that mends itself or is mended.
    """

    Connection = Connection
    # kombu's own error is what its retries end with.
    # Nor does it end a worker that RabbitMQ or Redis is away when it is to take messages.
    connection_errors = (
        *carrier.Transport.connection_errors,
        amqp.AMQPError,
        OperationalError,
        BrokerUnavailableError,
        redis.RedisError,
    )


class SSLTransport(carrier.SSLTransport, Transport):
    """The same, by TLS."""

    Connection = Connection
    connection_errors = Transport.connection_errors
