"""What a session costs: one script each way, and no thread that has to be woken for it."""

from __future__ import annotations

import threading
from typing import Any, ClassVar

import redis

from tests.harness import RedisServer, eventually
from worker.lock import RedisSyncLock


class CountingConnection(redis.Connection):
    """Counts what is sent over it."""

    sent: ClassVar[list[bytes]] = []

    def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        self.sent.append(b"".join(command) if isinstance(command, list) else command)
        super().send_packed_command(command, check_health)  # type: ignore[no-untyped-call]  # redis has no type


class CountingCondition(threading.Condition):
    """Counts how often somebody is woken."""

    woken = 0

    def notify(self, n: int = 1) -> None:
        self.woken += 1
        super().notify(n)


def test_a_session_is_one_script_each_way_and_wakes_nobody(shared_redis: RedisServer, prefix: str) -> None:
    pool = redis.ConnectionPool.from_url(shared_redis.url, connection_class=CountingConnection)
    with redis.Redis(connection_pool=pool) as client:
        lock = RedisSyncLock(client, prefix=prefix)
        changed = lock._keeper._changed = CountingCondition()
        lock.release(lock.acquire("node"), "succeeded")
        eventually(lambda: lock._keeper._wakes_at > 0)  # it sleeps, after its start
        CountingConnection.sent.clear()
        woken = changed.woken
        for _ in range(10):
            session = lock.acquire("node")
            lock.on_lost(session, lambda: None)
            lock.release(session, "succeeded")
        assert len(CountingConnection.sent) == 20
        assert all(b"EVALSHA" in command for command in CountingConnection.sent)
        assert changed.woken == woken
        lock.close()
    pool.disconnect()


def test_a_keeper_that_sleeps_for_good_is_woken_by_the_next_session(
    shared_redis: RedisServer, prefix: str
) -> None:
    now = 1000.0
    pool = redis.ConnectionPool.from_url(shared_redis.url)
    with redis.Redis(connection_pool=pool) as client:
        lock = RedisSyncLock(client, prefix=prefix, lease_seconds=3.0, clock=lambda: now)
        lock.release(lock.acquire("node"), "succeeded")
        now += 60.0  # nothing was to be kept for long
        eventually(lambda: lock._keeper._wakes_at == float("inf"))
        session = lock.acquire("node")
        eventually(lambda: lock._keeper._wakes_at < float("inf"))
        now += 1.5
        eventually(lambda: lock._keeper.get(session).deadline > now)  # type: ignore[union-attr]
        lock.check(session)
        lock.close()
    pool.disconnect()
