"""Redis as the carrier of messages, where neither one that cannot be read nor an error reply ends anybody's work."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import redis
from kombu import transport
from kombu.exceptions import OperationalError
from kombu.transport import redis as carrier
from redis.sentinel import SentinelConnectionPool

from worker.broker import amqp_carrier
from worker.redis_sentinel import Connection, EncryptedConnection, Sentinels

log = logging.getLogger(__name__)

#: What comes of data that is no message of Celery's: of other types, without parts of it, nested too deeply.
MALFORMED = (ValueError, TypeError, LookupError, AttributeError, RecursionError, redis.DataError)


def throw_away(queue: object, reason: str) -> None:
    """Say in one line that something in a queue was no message. Its content may be anybody's and is not shown."""
    log.error("A message of the queue %.100r was thrown away: %s.", queue, reason)


class _Steady:
    """Throws away what is no JSON, which kombu has taken out of the queue before it reads it.

    It keeps the client that sends: kombu makes one for each message, event and acknowledgement, which takes as long
    as the sending. A client is a pool of connections with a face; it holds none of them.
    """

    #: kombu's.
    pool: Any
    _sender: tuple[Any, Any] | None = None

    def _create_client(self, asynchronous: bool = False) -> Any:
        if asynchronous:
            return super()._create_client(asynchronous=True)  # type: ignore[misc]  # kombu has no types
        pool = self.pool  # another one after a lost connection
        if self._sender is None or self._sender[0] is not pool:
            self._sender = pool, super()._create_client()  # type: ignore[misc]
        return self._sender[1]

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[misc]  # kombu has no types
        except (ValueError, RecursionError) as error:
            throw_away("?", f"it is no JSON ({type(error).__name__})")
            return True


class Channel(_Steady, carrier.Channel):
    """By the address of a server."""


class SentinelChannel(_Steady, carrier.SentinelChannel):
    """By sentinels, which name the server. They are asked as everywhere here: kombu would wait long for one that is
    away, and each channel anew.
    """

    from_transport_options = (*carrier.SentinelChannel.from_transport_options, "sentinels")
    connection_class = Connection
    connection_class_ssl = EncryptedConnection

    # From the options.
    sentinels: Sequence[tuple[str, int]]
    sentinel_kwargs: Mapping[str, Any]
    master_name: str

    def _sentinel_managed_pool(self, asynchronous: bool = False) -> Any:
        options = self._connparams(asynchronous)  # type: ignore[attr-defined]  # kombu has no types
        options = {name: value for name, value in options.items() if name not in ("host", "port")}
        manager = Sentinels(self.sentinels, self.sentinel_kwargs)
        # kombu closes these with its pools.
        setattr(self, "_async_sentinel_manager" if asynchronous else "_sentinel_manager", manager)
        return SentinelConnectionPool(  # type: ignore[no-untyped-call]  # so it is there
            self.master_name, manager, **options
        )


class Transport(carrier.Transport):
    """Throws away what is JSON, but without the envelope that kombu puts around a body.

    Error replies of Redis are handled as lost connections everywhere: let go, waited for, tried again. A Redis
    that is made a replica, fails to save, is full, loads its data, or takes a right away for a while answers
    with errors, and mends itself or is mended. Celery takes them for faults of its own, which end a worker.
    """

    Channel: type[Any] = Channel
    # kombu's own error is what its retries end with.
    connection_errors = (*carrier.Transport.connection_errors, redis.ResponseError, OperationalError)

    def _deliver(self, message: Any, queue: Any) -> None:
        try:
            super()._deliver(message, queue)
        except MALFORMED as error:
            throw_away(queue, f"it has not the form of one ({type(error).__name__})")


class SentinelTransport(Transport):
    """The same, to the server that sentinels name."""

    default_port = carrier.SentinelTransport.default_port
    Channel = SentinelChannel


def install() -> None:
    """Carry all messages of this process so. By its address alone kombu would take its own carrier."""
    for scheme, ours in (
        ("redis", Transport),
        ("rediss", Transport),
        ("sentinel", SentinelTransport),
        ("amqp", amqp_carrier.Transport),
        ("amqps", amqp_carrier.SSLTransport),
    ):
        transport.TRANSPORT_ALIASES[scheme] = f"{ours.__module__}:{ours.__name__}"
        transport._transport_cache.pop(scheme, None)  # type: ignore[attr-defined]  # kombu has no types
