from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from worker.machine.redis_server import RedisServer
from worker.redis_client import connect_url


@pytest.fixture(scope="session")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A server for tests that do not break it."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A server for a test that stops, kills or empties it."""
    with RedisServer(tmp_path / "redis") as server:
        yield server


@pytest.fixture
def client(shared_redis: RedisServer) -> Iterator[redis.Redis]:
    with connect_url(shared_redis.url) as connected:
        yield connected
