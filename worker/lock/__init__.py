"""One session per node: a lock with a lease, a heartbeat and a fencing token, kept in Redis."""

from __future__ import annotations

from collections.abc import Callable

import redis

from tasks.clock import boot_seconds
from worker.lock.memory import PROCESS_STORE, MemoryLockStore
from worker.lock.record import ABANDONED, RUNNING, NodeBusyError, SessionEndedError, SessionRecord
from worker.lock.redis_store import RedisLockStore
from worker.lock.sync_lock import SyncLock
from worker.redis_client import impatient

__all__ = [
    "ABANDONED",
    "RUNNING",
    "MemoryLockStore",
    "MemorySyncLock",
    "NodeBusyError",
    "RedisSyncLock",
    "SessionEndedError",
    "SessionRecord",
    "SyncLock",
]

#: The keeper's patience with Redis, as a share of the lease and in seconds at least: connecting and asking
#: together must fail before a lost session's lease has run out.
KEEPER_PATIENCE = 0.08
KEEPER_PATIENCE_LEAST = 0.1


class RedisSyncLock(SyncLock):
    """`SyncLock` for all processes that use one Redis server."""

    def __init__(
        self,
        redis_client: redis.Redis,
        *,
        lease_seconds: float = 30.0,
        on_abandoned: Callable[[SessionRecord], None] | None = None,
        prefix: str = "lockstep",
        clock: Callable[[], float] = boot_seconds,
    ) -> None:
        """`redis_client` stays the caller's to close; `prefix` begins every key."""
        hasty = impatient(redis_client, max(KEEPER_PATIENCE * lease_seconds, KEEPER_PATIENCE_LEAST))
        super().__init__(
            RedisLockStore(redis_client, prefix=prefix),
            keeper_store=RedisLockStore(hasty, prefix=prefix),
            lease_seconds=lease_seconds,
            on_abandoned=on_abandoned,
            clock=clock,
            forgetful=True,
        )


class MemorySyncLock(SyncLock):
    """`SyncLock` for one process without Redis; objects that share a `store` shut each other out."""

    def __init__(
        self,
        store: MemoryLockStore = PROCESS_STORE,
        *,
        lease_seconds: float = 30.0,
        on_abandoned: Callable[[SessionRecord], None] | None = None,
        clock: Callable[[], float] = boot_seconds,
    ) -> None:
        super().__init__(store, lease_seconds=lease_seconds, on_abandoned=on_abandoned, clock=clock)
