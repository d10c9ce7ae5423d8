from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from tests.worker.web.dashboard.world import World, make_world
from worker.machine.redis_server import RedisServer

MakeWorld = Callable[..., World]


@pytest.fixture
def world_of(client: redis.Redis, shared_redis: RedisServer, tmp_path: Path) -> Iterator[MakeWorld]:
    """Makes an installation with these settings."""
    made: list[World] = []

    def make(**settings: object) -> World:
        made.append(make_world(tmp_path, shared_redis.url, client, **settings))
        return made[-1]

    yield make
    for world in made:
        world.store.close()


@pytest.fixture
def world(world_of: MakeWorld) -> World:
    """One without a login."""
    return world_of()
