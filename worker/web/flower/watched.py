"""The lengths of queues on Flower's page of the broker, where sentinels watch it or it is RabbitMQ."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import closing
from typing import Any

from flower.utils import broker  # type: ignore[import-untyped]
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff

from config import get_settings
from worker.broker.amqp_server import AmqpServer


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


class PlainRabbitMQ(broker.BrokerBase):  # type: ignore[misc]  # Flower has no types
    """Flower's would ask the pages of RabbitMQ's management, which few open to it."""

    def __init__(self, url: str, *_: Any, **__: Any) -> None:
        super().__init__(url)

    async def queues(self, names: Iterable[str]) -> list[dict[str, Any]]:
        """What waits in these queues, and who takes from them."""
        return await asyncio.to_thread(_states, sorted(names))


def _states(names: Iterable[str]) -> list[dict[str, Any]]:
    found = []
    with closing(AmqpServer(get_settings())) as server:
        for name in names:
            state = server.state(name)
            if state is not None:
                found.append({"name": name, "messages_ready": state.messages, "consumers": state.consumers})
    return found


def install() -> None:
    """Let Flower use them."""
    broker.RedisSentinel = WatchedRedis
    broker.RabbitMQ = PlainRabbitMQ
