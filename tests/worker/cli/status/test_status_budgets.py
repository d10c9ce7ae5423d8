"""`lockstep status` tells how much of Notion's budget is used, by all processes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from worker.machine.redis_server import RedisServer
from worker.rate_limit import SharedThrottle, Slots
from worker.redis_client import connect_url

pytestmark = pytest.mark.processes

TOKEN_DIGEST = "0a1b2c3d4e5f"


@pytest.fixture
def client(own_redis: RedisServer) -> Iterator[redis.Redis]:
    with connect_url(own_redis.url) as connected:
        yield connected


async def test_use_and_pause_of_each_budget(
    lockstep: Any, own_redis: RedisServer, client: redis.Redis
) -> None:
    quiet = lockstep("status", REDIS_URL=own_redis.url)
    assert quiet.returncode == 0, quiet.stderr
    assert "Notion, token" not in quiet.stdout
    for sharer in ("one", "two"):
        slots = Slots(client, rate=1000, burst=5, sharer=sharer)
        throttle = SharedThrottle(TOKEN_DIGEST, slots, rate=1000)
        for _ in range(20):
            await throttle.acquire()
    await throttle.pause(500)
    shown = lockstep("status", REDIS_URL=own_redis.url)
    assert shown.returncode == 0, shown.stderr
    (line,) = (line for line in shown.stdout.splitlines() if line.startswith("Notion, token 0a1b2c3d: "))
    assert int(line.split()[3]) >= 20  # of a minute that may have begun in between
    assert "of its 1000.0 a second" in line
    assert "Notion has asked everybody to wait 0:08:" in line
    (budget,) = json.loads(lockstep("status", "--json", REDIS_URL=own_redis.url).stdout)["budgets"]
    assert budget["name"] == TOKEN_DIGEST
    assert budget["paused_for"] > 400
    assert budget["processes"] == 2
