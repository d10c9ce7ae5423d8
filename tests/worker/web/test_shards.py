"""What the web process does for a task goes to the Redis of that task, where tasks are divided among several."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from config import load_settings
from config.shards import shard_of
from tasks.engine.report import Order
from tests.harness.sides import Sides
from worker.machine.redis_server import RedisServer, free_port
from worker.redis_client import connect_url, impatient
from worker.store import Store
from worker.web.dashboard.orders import Orders
from worker.web.resources import Resources
from worker.web.webhooks.wakeups import Wakeups

from .conftest import DATA_SOURCE, FAST, probe

FIRST, SECOND = (next(f"t{n}" for n in range(99) if shard_of(f"t{n}", 2) == of) for of in (0, 1))


@pytest.fixture
def second(own_redis: RedisServer) -> Iterator[redis.Redis]:
    with connect_url(own_redis.url) as connected:
        yield connected


def resources(folder: Path, store: Store, *clients: redis.Redis, sent: list[str] | None = None) -> Resources:
    tasks = {name: probe(folder, name, DATA_SOURCE, every=60) for name in (FIRST, SECOND)}
    for name in tasks:
        Sides(folder, name).notion.create(Name="milk", Done=False)
    home, *further = clients
    gone = [] if sent is None else sent
    return Resources(
        load_settings(redis_url="redis://127.0.0.1:1/0"),
        home,
        store,
        tasks,
        lambda task, *_: gone.append(task),
        further,
    )


def test_an_order_holds_the_lock_of_its_task(
    tmp_path: Path, store: Store, client: redis.Redis, second: redis.Redis
) -> None:
    made = resources(tmp_path, store, client, second)

    async def order() -> None:
        orders = Orders(made)
        for task in made.tasks.values():
            record = await orders.carry_out(task, Order(), "apply")
            assert record is not None
            assert record.status == "succeeded", record.reason
        for lock in orders._locks:
            lock.close()

    asyncio.run(order())
    for server, task in ((client, FIRST), (second, SECOND)):
        assert list(server.scan_iter(match="lockstep:{*}:fence")) == [f"lockstep:{{{task}}}:fence"]


def test_a_task_whose_redis_is_away_holds_up_no_other(
    tmp_path: Path, store: Store, client: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    sent: list[str] = []
    with connect_url(f"redis://127.0.0.1:{free_port()}/0") as patient, impatient(patient, 1) as away:
        wakeups = Wakeups(resources(tmp_path, store, client, away, sent=sent), FAST)
        asyncio.run(wakeups.note("event", [SECOND, FIRST]))
        time.sleep(FAST.longest)
        wait = wakeups.send_due()
    assert sent == [FIRST]
    assert 0 < wait <= FAST.idle
    assert f"Task '{SECOND}' cannot be woken, the others can" in caplog.text
