"""What a RabbitMQ server is asked beside what Celery does with it: whose it is, and what waits in its queues."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import amqp
from kombu import Connection
from kombu.exceptions import OperationalError

from config import Settings, SettingsError, amqp_address
from config.amqp_address import AmqpAddress
from config.celery import celery_settings
from worker.broker import transport
from worker.errors import BrokerUnavailableError

#: A queue that carries nothing. Its greatest length is the number of the installation whose broker it is: a virtual
#: host has one queue of a name, and who asks for it with another length is refused.
OWNER = "lockstep.installation"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class QueueState:
    """What RabbitMQ tells of one of its queues."""

    messages: int
    consumers: int


class AmqpServer:
    """Asked by a connection of its own, which is kept until something fails. Safe to use from several threads.

    Every method may raise `BrokerUnavailableError`, and `SettingsError` where the login is refused.
    """

    def __init__(self, settings: Settings) -> None:
        """Connects to nothing yet; `settings` name a RabbitMQ."""
        self.at = _address(settings)
        self._settings = settings
        self._guard = threading.Lock()
        self._connection: Connection | None = None

    def claim(self, installation: int) -> None:
        """Let the virtual host be this installation's, if it is nobody's yet.

        Raises:
            SettingsError: it is another one's.
        """

        def declare(channel: Any) -> None:
            channel.queue_declare(
                OWNER, durable=True, auto_delete=False, arguments={"x-max-length": installation}
            )

        try:
            self._ask(declare)
        except amqp.PreconditionFailed:
            raise SettingsError(
                "LOCKSTEP_BROKER_URL is the RabbitMQ of another installation, which works on another database than "
                "that of DATABASE_URL; each would take the other's messages. Give this one a virtual host of its own, "
                f"as in {amqp_address.EXAMPLE}, or delete the queue {OWNER} there if the other one is gone"
            ) from None

    def state(self, queue: str) -> QueueState | None:
        """What it tells of a queue; `None` where there is none."""

        def look(channel: Any) -> QueueState:
            found = channel.queue_declare(queue, passive=True)
            return QueueState(int(found.message_count), int(found.consumer_count))

        try:
            return self._ask(look)
        except amqp.NotFound:
            return None

    def is_durable(self, queue: str) -> bool:
        """Whether the queue that there is outlives a restart of the server."""

        def declare(channel: Any) -> None:
            channel.queue_declare(queue, durable=True, auto_delete=False)

        try:
            self._ask(declare)
        except amqp.PreconditionFailed:
            return False
        return True

    def version(self) -> str:
        """The name and the version that it tells of itself."""

        def look(channel: Any) -> str:
            told = channel.connection.server_properties
            return f"{told.get('product', 'AMQP')} {told.get('version', '')}".strip()

        return self._ask(look)

    def close(self) -> None:
        """Let go of its connection; safe to repeat."""
        with self._guard:
            self._let_go()

    def _ask(self, what: Callable[[Any], T]) -> T:
        """Ask by a channel.

        Raises:
            NotFound: there is no such queue.
            PreconditionFailed: there is one of another kind.
        """
        with self._guard:
            try:
                if self._connection is None:
                    self._connection = _connection(self._settings)
                return what(self._connection.default_channel)
            except (amqp.NotFound, amqp.PreconditionFailed):
                self._let_go()
                raise
            except (amqp.AccessRefused, amqp.NotAllowed) as error:
                self._let_go()
                raise SettingsError(_refused(self.at, error)) from None
            except (amqp.AMQPError, OperationalError, OSError) as error:
                self._let_go()
                raise BrokerUnavailableError(
                    f"RabbitMQ does not answer at {self.at.shown}: {error}; "
                    "is the server of LOCKSTEP_BROKER_URL running?"
                ) from error

    def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(amqp.AMQPError, OperationalError, OSError):
                connection.release()


def _address(settings: Settings) -> AmqpAddress:
    """Where RabbitMQ is, of settings that name one."""
    assert settings.broker_url is not None  # noqa: S101  who asks has seen to that
    return amqp_address.parsed(settings.broker_url.get_secret_value())


def _refused(at: AmqpAddress, error: Exception) -> str:
    """That RabbitMQ does not let us in, and the mend."""
    if isinstance(error, amqp.NotAllowed):
        return (
            f"RabbitMQ at {at.shown} has no virtual host {at.vhost!r}, or it is not open to the user {at.user!r}: "
            f"correct LOCKSTEP_BROKER_URL, or run there rabbitmqctl add_vhost {at.vhost} and rabbitmqctl "
            f"set_permissions -p {at.vhost} {at.user} '.*' '.*' '.*'"
        )
    return (
        f"RabbitMQ at {at.shown} refuses the user {at.user!r}: correct user and password in LOCKSTEP_BROKER_URL, or "
        f"what the user may do (rabbitmqctl set_permissions -p {at.vhost} {at.user} '.*' '.*' '.*'). The user guest "
        "may log in from the server's own machine only"
    )


def _connection(settings: Settings) -> Connection:
    """A connection like those of Celery; without heartbeats, since nobody would send them."""
    transport.install()
    told = celery_settings(settings)
    return Connection(
        told["broker_url"],
        ssl=told["broker_use_ssl"],
        connect_timeout=told["broker_connection_timeout"],
        transport_options=told["broker_transport_options"],
    )
