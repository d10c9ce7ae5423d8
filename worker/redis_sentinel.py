"""Clients for the Redis that sentinels name the primary: they find the new one after a failover."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

import redis
from redis import sentinel
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.sentinel_address import SentinelAddress, shown

#: How Redis says that a server is a replica, also in the middle of what a script says.
READONLY = "READONLY"


class Sentinels(sentinel.Sentinel):
    """Asks one after the other who the primary is, and may be asked by several threads.

    That of redis-py swaps two of its list in place, by which threads lose one and keep another twice.
    """

    def __init__(self, at: Iterable[tuple[str, int]], options: Mapping[str, Any]) -> None:
        """`options` are those of a connection to a sentinel. Each is asked once, as there are others."""
        self._at = list(at)
        options = {**options, "retry": Retry(NoBackoff(), 0)}
        super().__init__(self._at, sentinel_kwargs=options)  # type: ignore[no-untyped-call]  # so it is there

    def discover_master(self, service_name: str) -> tuple[str, int]:
        """Host and port of the primary.

        Raises:
            MasterNotFoundError: no sentinel answers and knows one that is up.
        """
        reasons = []
        for asked in list(self.sentinels):
            try:
                known: Any = asked.sentinel_masters()
            except (redis.ConnectionError, redis.TimeoutError) as error:
                reasons.append(str(error))
                continue
            state = known.get(service_name)
            if state and self.check_master_state(state, service_name):  # type: ignore[no-untyped-call]
                # Who answered is asked first the next time.
                self.sentinels = [asked, *(other for other in self.sentinels if other is not asked)]
                return str(state["ip"]), int(state["port"])
        why = f" ({'; '.join(dict.fromkeys(reasons))})" if reasons else ""
        raise sentinel.MasterNotFoundError(
            f"no one knows a primary that is up: {shown(service_name, self._at)}{why}"
        )


class _Following:
    """A connection that is given up when its server turns out to be a replica by now; the next asks the sentinels."""

    def read_response(self, *arguments: Any, **options: Any) -> Any:
        """The answer to a command.

        Raises:
            redis.ConnectionError: it was refused by a replica.
        """
        try:
            return super().read_response(*arguments, **options)  # type: ignore[misc]  # of the class beside it
        except redis.ResponseError as error:
            # Redis before 7 says it within the error of a script, where redis-py does not look.
            if READONLY not in str(error):
                raise
            cast("Any", self).disconnect()
            raise redis.ConnectionError("the server that was the primary is a replica now") from error


class Connection(_Following, sentinel.SentinelManagedConnection):
    """To the primary."""


class EncryptedConnection(_Following, sentinel.SentinelManagedSSLConnection):
    """To the primary, by TLS."""


class PrimaryPool(sentinel.SentinelConnectionPool):
    """Connections to the primary, and to the sentinels, that are closed together."""

    def __init__(self, at: SentinelAddress, *, timeout: float, **options: Any) -> None:
        """`timeout` is what one sentinel has for a connection, and for an answer, before the next is asked; `options`
        are those of a connection to the primary.
        """
        #: What it was made of.
        self.at = at
        patience = {"socket_timeout": timeout, "socket_connect_timeout": timeout}
        encryption = at.encryption()
        encryption.pop("ssl", None)
        super().__init__(  # type: ignore[no-untyped-call]  # so it is there
            at.service,
            Sentinels(at.sentinels, {**patience, **at.sentinel_login()}),
            connection_class=EncryptedConnection if at.encrypted else Connection,
            db=at.database,
            username=at.user,
            password=at.password,
            **encryption,
            **options,
        )

    def disconnect(self, inuse_connections: bool = True) -> None:
        """Close connections; all of them as a rule, and those to the sentinels with them."""
        super().disconnect(inuse_connections)
        if inuse_connections:
            self.sentinel_manager.close()
