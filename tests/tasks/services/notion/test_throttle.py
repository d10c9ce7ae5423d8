"""The request budget holds its rate, its burst and its pauses, also across threads and event loops."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from pydantic import SecretStr

from tasks.services.notion.api.throttle import LocalThrottle, Throttle, throttle_for, use_throttles


async def times_of(throttle: Throttle, requests: int) -> list[float]:
    begin = time.monotonic()
    done: list[float] = []

    async def one() -> None:
        await throttle.acquire()
        done.append(time.monotonic() - begin)

    await asyncio.gather(*(one() for _ in range(requests)))
    return sorted(done)


async def test_a_burst_goes_at_once_and_the_rest_at_the_rate() -> None:
    done = await times_of(LocalThrottle(rate=20, burst=5), 15)
    assert done[4] < 0.05
    for place, moment in enumerate(done[5:], start=1):
        assert moment >= place / 20 - 0.005
    assert done[-1] < 1.5


async def test_a_quiet_time_earns_no_more_than_a_burst() -> None:
    throttle = LocalThrottle(rate=50, burst=2)
    await asyncio.sleep(0.3)
    done = await times_of(throttle, 7)
    assert done[-1] >= 5 / 50 - 0.005


async def test_a_pause_also_stops_those_who_wait_already() -> None:
    throttle = LocalThrottle(rate=10, burst=1)
    await throttle.acquire()
    waiting = asyncio.create_task(times_of(throttle, 2))
    await asyncio.sleep(0.02)
    await throttle.pause(0.5)
    await throttle.pause(0.1)
    assert (await waiting)[0] >= 0.45


def test_threads_share_one_budget() -> None:
    throttle = LocalThrottle(rate=20, burst=1)
    begin = time.monotonic()
    threads = [threading.Thread(target=lambda: asyncio.run(times_of(throttle, 4))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - begin >= 11 / 20 - 0.01


def test_one_throttle_for_each_token() -> None:
    assert throttle_for(SecretStr("a")) is throttle_for(SecretStr("a"))
    assert throttle_for(SecretStr("a")) is not throttle_for(SecretStr("b"))


def test_throttles_of_another_kind_do_not_learn_the_token() -> None:
    budgets: list[str] = []

    def make(budget: str) -> Throttle:
        budgets.append(budget)
        return LocalThrottle()

    use_throttles(make)
    try:
        assert throttle_for(SecretStr("ntn_secret")) is throttle_for(SecretStr("ntn_secret"))
    finally:
        use_throttles(None)
    (budget,) = budgets
    assert "secret" not in budget


@pytest.mark.parametrize(("rate", "burst"), [(0, 1), (-1, 1), (1, 0)])
def test_a_budget_of_nothing_is_refused(rate: float, burst: int) -> None:
    with pytest.raises(ValueError, match="positive rate and burst"):
        LocalThrottle(rate, burst)
