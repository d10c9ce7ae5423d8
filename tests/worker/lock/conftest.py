from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest

from worker.lock import MemoryLockStore, MemorySyncLock, RedisSyncLock, SessionRecord, SyncLock

MakeLock = Callable[..., SyncLock]

_prefixes = (f"lock-test-{number}" for number in itertools.count())


@pytest.fixture
def prefix() -> str:
    """Keys of this test only."""
    return next(_prefixes)


@pytest.fixture(params=["redis", "memory"])
def make_lock(request: pytest.FixtureRequest, prefix: str) -> Iterator[MakeLock]:
    """Makes lock objects over one store, each as if in a process of its own."""
    made: list[SyncLock] = []
    store = MemoryLockStore()
    client = request.getfixturevalue("client") if request.param == "redis" else None

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
