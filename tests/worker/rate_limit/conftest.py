from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from worker.rate_limit import Slots
from worker.redis_client import connect_url
from worker.redis_server import RedisServer

_names = (f"budget-test-{number}" for number in itertools.count())


@pytest.fixture(scope="session")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A server for tests that do not break it."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A server for a test that stops or empties it."""
    with RedisServer(tmp_path / "redis") as server:
        yield server


@pytest.fixture
def client(shared_redis: RedisServer) -> Iterator[redis.Redis]:
    with connect_url(shared_redis.url) as connected:
        yield connected


@pytest.fixture
def budget() -> str:
    """A budget of this test only."""
    return next(_names)


class FakeClock:
    """Microseconds that go on when a test says so."""

    def __init__(self) -> None:
        self.now = 1_800_000_000_000_000

    def __call__(self) -> int:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += round(seconds * 1_000_000)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def slots(client: redis.Redis, clock: FakeClock) -> Slots:
    """Ten requests per second, up to three at once, by the fake clock."""
    return Slots(client, rate=10, burst=3, sharer="one", clock=clock)
