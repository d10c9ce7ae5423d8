from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from worker.machine.redis_server import RedisServer
from worker.redis_client import connect_url


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def client(server: RedisServer) -> Iterator[redis.Redis]:
    with connect_url(server.url) as client:
        yield client


def age(client: redis.Redis, kind: str, seconds: float) -> None:
    """Make all signs of a kind so much older, as if time had gone by."""
    key = f"lockstep:signs:{kind}"
    for sign_id, text in client.hgetall(key).items():
        milliseconds, _, body = text.partition(" ")
        client.hset(key, sign_id, f"{int(milliseconds) - round(seconds * 1000)} {body}")
