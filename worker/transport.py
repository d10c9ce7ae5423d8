"""The way to the broker, with error replies of Redis as outages."""

from __future__ import annotations

from kombu import transport
from kombu.exceptions import OperationalError
from kombu.transport import redis as kombu_redis
from redis import exceptions

#: The schemes of addresses that it serves.
SCHEMES = ("redis", "rediss")


class Transport(kombu_redis.Transport):
    """Redis, whose error replies are handled as lost connections everywhere: let go, waited for, tried again.

    A Redis that is made a replica, fails to save, is full, loads its data, or takes a right away for a while
    answers with errors, and mends itself or is mended. Celery takes them for faults of its own, which end a
    worker.
    """

    # kombu's own error is what its retries end with.
    connection_errors = (
        *kombu_redis.Transport.connection_errors,
        exceptions.ResponseError,
        OperationalError,
    )


def use() -> None:
    """Let this process reach its broker by it."""
    for scheme in SCHEMES:
        transport.TRANSPORT_ALIASES[scheme] = f"{__name__}:{Transport.__name__}"
