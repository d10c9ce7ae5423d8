"""The lengths of queues on Flower's page of the broker, where sentinels watch it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flower.utils import broker  # type: ignore[import-untyped]
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff


class WatchedRedis(broker.RedisSentinel):  # type: ignore[misc]  # Flower has no types
    """Flower's would ask the first sentinel only, and look into database 0."""

    def _get_redis_client(self, options: Mapping[str, Any], encryption: Mapping[str, Any] | None) -> Any:
        patience = {
            "socket_timeout": self.socket_timeout,
            "socket_connect_timeout": self.socket_connect_timeout,
            "retry": Retry(NoBackoff(), 0),
        }
        manager = Sentinel(  # type: ignore[no-untyped-call]  # so it is there
            options["sentinels"], sentinel_kwargs={**options["sentinel_kwargs"], **patience}
        )
        return manager.master_for(
            self.master_name,
            username=self.username,
            password=self.password,
            db=self.vhost,
            **({"ssl": True, **encryption} if encryption else {}),
            **patience,
        )


def install() -> None:
    """Let Flower use it."""
    broker.RedisSentinel = WatchedRedis
