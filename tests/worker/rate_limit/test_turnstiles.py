"""One request of each task at a time, in order, whatever is cancelled meanwhile."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.services.notion.api.throttle import LocalThrottle, Turnstiles, spending


async def test_the_budget_of_one_process_goes_round_between_tasks_too() -> None:
    throttle = LocalThrottle(rate=100, burst=1)
    sent: list[str] = []
    begun = asyncio.Event()

    async def request(name: str) -> None:
        with spending(name):
            await throttle.acquire()
        sent.append(name)
        begun.set()

    many = [asyncio.create_task(request("many")) for _ in range(40)]
    await begun.wait()
    before = len(sent)
    await asyncio.gather(*(request("few") for _ in range(5)))
    assert Counter(sent[before:])["many"] <= 7
    for each in many:
        each.cancel()


@settings(max_examples=60, deadline=None)
@given(cancelled=st.sets(st.integers(0, 9)), rounds=st.integers(0, 12))
def test_whoever_is_cancelled_the_others_pass_in_order(cancelled: set[int], rounds: int) -> None:
    turnstiles = Turnstiles()
    passed: list[int] = []

    async def one(number: int) -> None:
        async with turnstiles.passage("task"):
            await asyncio.sleep(0)
            passed.append(number)

    async def scenario() -> None:
        all_of_them = [asyncio.create_task(one(number)) for number in range(10)]
        for _ in range(rounds):
            await asyncio.sleep(0)
        for number in cancelled:
            all_of_them[number].cancel()
        async with asyncio.timeout(5):
            await asyncio.gather(*all_of_them, return_exceptions=True)
        async with asyncio.timeout(5), turnstiles.passage("task"):
            pass

    asyncio.run(scenario())
    assert passed == sorted(passed)
    assert set(passed) >= set(range(10)) - cancelled


def test_threads_pass_one_at_a_time() -> None:
    turnstiles = Turnstiles()
    inside = 0
    most = 0
    guard = threading.Lock()

    async def one() -> None:
        nonlocal inside, most
        async with turnstiles.passage("task"):
            with guard:
                inside += 1
                most = max(most, inside)
            await asyncio.sleep(0.001)
            with guard:
                inside -= 1

    async def ten() -> None:
        await asyncio.gather(*(one() for _ in range(10)))

    threads = [threading.Thread(target=lambda: asyncio.run(ten())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (most, inside) == (1, 0)
