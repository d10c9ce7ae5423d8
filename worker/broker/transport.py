"""Redis as the carrier of messages, where neither one that cannot be read nor an error reply ends anybody's work."""

from __future__ import annotations

import logging
from typing import Any

import redis
from kombu import transport
from kombu.exceptions import OperationalError
from kombu.transport import redis as carrier

log = logging.getLogger(__name__)

#: What comes of data that is no message of Celery's: of other types, without parts of it, nested too deeply.
MALFORMED = (ValueError, TypeError, LookupError, AttributeError, RecursionError, redis.DataError)


def throw_away(queue: object, reason: str) -> None:
    """Say in one line that something in a queue was no message. Its content may be anybody's and is not shown."""
    log.error("A message of the queue %.100r was thrown away: %s.", queue, reason)


class Channel(carrier.Channel):
    """Throws away what is no JSON, which kombu has taken out of the queue before it reads it.

    It keeps the client that sends: kombu makes one for each message, event and acknowledgement, which takes as long
    as the sending. A client is a pool of connections with a face; it holds none of them.
    """

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


class Transport(carrier.Transport):
    """Throws away what is JSON, but without the envelope that kombu puts around a body.

    Error replies of Redis are handled as lost connections everywhere: let go, waited for, tried again. A Redis
    that is made a replica, fails to save, is full, loads its data, or takes a right away for a while answers
    with errors, and mends itself or is mended. Celery takes them for faults of its own, which end a worker.
    """

    Channel = Channel
    # kombu's own error is what its retries end with.
    connection_errors = (*carrier.Transport.connection_errors, redis.ResponseError, OperationalError)

    def _deliver(self, message: Any, queue: Any) -> None:
        try:
            super()._deliver(message, queue)
        except MALFORMED as error:
            throw_away(queue, f"it has not the form of one ({type(error).__name__})")


def install() -> None:
    """Carry all messages of this process so. By its address alone kombu would take its own carrier."""
    for scheme in ("redis", "rediss"):
        transport.TRANSPORT_ALIASES[scheme] = f"{__name__}:Transport"
        transport._transport_cache.pop(scheme, None)  # type: ignore[attr-defined]  # kombu has no types
