"""Throttles of one process over a real Redis: turns between tasks, pauses, outages, what is measured."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import Counter

import pytest
import redis
from pydantic import SecretStr

from tasks.services.notion.api.throttle import throttle_for
from worker import rate_limit
from worker.machine.redis_server import RedisServer
from worker.rate_limit import SharedThrottle, Slots, spending
from worker.redis_client import connect_url, impatient


def throttle(
    client: redis.Redis, budget: str, *, rate: float = 50, burst: int = 1, sharer: str = "one"
) -> SharedThrottle:
    slots = Slots(impatient(client, 1.0), rate=rate, burst=burst, sharer=sharer)
    return SharedThrottle(budget, slots, rate=rate, retry=0.2)


async def test_two_processes_share_one_budget(client: redis.Redis, budget: str) -> None:
    began = time.monotonic()
    one, two = throttle(client, budget), throttle(client, budget, sharer="two")
    await asyncio.gather(*(each.acquire() for each in (one, two) for _ in range(10)))
    assert time.monotonic() - began >= 19 / 50 - 0.01


async def test_a_task_with_many_requests_lets_another_one_in_at_every_second_slot(
    client: redis.Redis, budget: str
) -> None:
    one, two = throttle(client, budget), throttle(client, budget, sharer="two")
    sent: list[str] = []
    begun = asyncio.Event()

    async def requests(of: SharedThrottle, name: str, number: int) -> None:
        async def request() -> None:
            await of.acquire()
            sent.append(name)
            begun.set()

        with spending(name):
            await asyncio.gather(*(request() for _ in range(number)))

    many = asyncio.create_task(requests(one, "many", 60))
    await begun.wait()
    before = len(sent)
    await asyncio.gather(requests(one, "few", 5), requests(two, "others", 5))
    meanwhile = Counter(sent[before:])
    many.cancel()
    assert meanwhile["few"] == meanwhile["others"] == 5
    assert meanwhile["many"] <= 8


async def test_cancelled_requests_free_the_way(client: redis.Redis, budget: str) -> None:
    shared = throttle(client, budget)
    waiting = [asyncio.create_task(shared.acquire()) for _ in range(20)]
    await asyncio.sleep(0.05)
    for each in waiting[:-1]:
        each.cancel()
    began = time.monotonic()
    await waiting[-1]
    assert time.monotonic() - began < 0.3


def test_event_loops_of_several_threads_share_one_budget(client: redis.Redis, budget: str) -> None:
    shared = throttle(client, budget)

    async def three() -> None:
        await asyncio.gather(*(shared.acquire() for _ in range(3)))

    began = time.monotonic()
    threads = [threading.Thread(target=lambda: asyncio.run(three())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - began >= 11 / 50 - 0.01


async def test_a_pause_stops_those_who_wait_in_other_processes_too(client: redis.Redis, budget: str) -> None:
    one, two = throttle(client, budget, rate=5), throttle(client, budget, rate=5, sharer="two")
    await one.acquire()
    waiting = asyncio.create_task(two.acquire())
    await asyncio.sleep(0.05)
    await one.pause(1)
    began = time.monotonic()
    await waiting
    assert time.monotonic() - began >= 0.95


async def test_a_pause_outlives_what_redis_holds(client: redis.Redis, budget: str) -> None:
    one, two = throttle(client, budget), throttle(client, budget, sharer="two")
    await two.acquire()
    await one.pause(1)
    began = time.monotonic()
    client.flushall()
    await one.acquire()
    await two.acquire()
    assert time.monotonic() - began >= 0.95


async def test_the_use_is_told_by_task(client: redis.Redis, budget: str) -> None:
    client.flushall()
    shared = throttle(client, budget, rate=10)
    with spending("contacts"):
        await asyncio.gather(*(shared.acquire() for _ in range(4)))
    await shared.acquire()
    await shared.pause(30)
    (use,) = rate_limit.budgets(client)
    assert use.name == budget
    assert use.rate == pytest.approx(10)
    assert use.requests == pytest.approx(5, abs=0.2)  # some may lie in the minute before
    assert use.tasks["contacts"].requests == pytest.approx(4, abs=0.2)
    assert 0.3 < use.tasks["contacts"].waited < 3
    assert 25 < use.paused_for <= 30
    assert (use.pauses, use.processes) == (1, 1)
    assert use.to_json()["tasks"]["contacts"]["requests"] == pytest.approx(4, abs=0.2)


async def test_redis_away_leaves_a_part_of_the_budget_and_is_told_once(
    own_redis: RedisServer, budget: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="worker.rate_limit.shared")
    with connect_url(own_redis.url) as client:
        one, two = throttle(client, budget), throttle(client, budget, sharer="two")
        await two.acquire()
        await one.acquire()
        own_redis.stop()
        await one.acquire()
        began = time.monotonic()
        await asyncio.gather(*(one.acquire() for _ in range(6)))
        # Two are known, so it is a third of the budget.
        assert time.monotonic() - began >= 5 * 3 / 50 - 0.01
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        own_redis.start()
        await asyncio.sleep(0.3)
        for _ in range(3):
            await one.acquire()
        assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
        (use,) = rate_limit.budgets(client)
        assert use.requests > 0


async def test_a_restart_of_redis_between_two_requests_goes_unnoticed(
    own_redis: RedisServer, budget: str, caplog: pytest.LogCaptureFixture
) -> None:
    with connect_url(own_redis.url) as client:
        shared = throttle(client, budget)
        await shared.acquire()
        own_redis.stop()
        own_redis.start()
        await shared.acquire()
    assert not caplog.records


async def test_a_pause_is_kept_while_redis_is_away_and_carried_on_after(
    own_redis: RedisServer, budget: str
) -> None:
    with connect_url(own_redis.url) as client:
        one, two = throttle(client, budget), throttle(client, budget, sharer="two")
        await one.acquire()
        own_redis.stop()
        await one.pause(2.5)
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(one.acquire(), 0.3)
        own_redis.start()
        await asyncio.sleep(0.25)
        waiting = asyncio.create_task(one.acquire())
        for _ in range(500):
            if rate_limit.budgets(client):
                break
            await asyncio.sleep(0.02)
        await two.acquire()
        await waiting
        assert time.monotonic() - began >= 2.3


async def test_a_process_that_never_saw_redis_takes_a_small_part(budget: str) -> None:
    with connect_url("redis://127.0.0.1:1/0") as client:
        shared = throttle(client, budget, rate=20)
        began = time.monotonic()
        await asyncio.gather(*(shared.acquire() for _ in range(3)))
        assert time.monotonic() - began >= 2 * 4 / 20 - 0.01


async def test_share_serves_every_token_of_the_process(client: redis.Redis) -> None:
    client.flushall()
    token = SecretStr("ntn_0123456789abcdef")
    rate_limit.share(client, rate=100)
    try:
        shared = throttle_for(token)
        assert shared is throttle_for(token)
        await shared.acquire()
    finally:
        rate_limit.unshare()
    (use,) = rate_limit.budgets(client)
    assert use.rate == pytest.approx(97, abs=0.1)
    kept = repr([client.keys("*"), use])
    assert "0123456789abcdef" not in kept
    assert throttle_for(token) is not shared
