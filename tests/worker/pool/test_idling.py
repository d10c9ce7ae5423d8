"""A run only waits when every part of it does; whatever is not known to wait is at work."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tasks.uninterrupted import uninterrupted
from tasks.waits import Places, only_waiting, wait
from worker.pool.event_loop import EventLoop
from worker.pool.idling import only_waits

Body = Callable[[], Coroutine[Any, Any, Any]]


async def request() -> None:
    await asyncio.sleep(3600)


async def both(one: Body, other: Body) -> None:
    await asyncio.gather(asyncio.ensure_future(one()), other())


async def group(one: Body, other: Body) -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(one())
        tasks.create_task(other())


async def nested(one: Body, other: Body) -> None:
    await asyncio.create_task(group(one, other))


async def long() -> None:
    await wait(3600)


async def short() -> None:
    await wait(0.5)
    await request()


async def in_line() -> None:
    places = Places(1)
    async with places, places:
        pass


async def after_a_wait() -> None:
    await wait(0)
    with only_waiting(0):
        pass
    await request()


async def in_a_thread() -> None:
    await asyncio.to_thread(time.sleep, 2)


async def bracketed() -> None:
    with only_waiting():
        await wait(0)
        await asyncio.Event().wait()


CASES: list[tuple[Body, bool]] = [
    (long, True),
    (in_line, True),
    (bracketed, True),
    (request, False),
    (short, False),
    (after_a_wait, False),
    (in_a_thread, False),
    (lambda: uninterrupted(wait(3)), False),
    (lambda: asyncio.wait_for(long(), 3600), False),
    *((lambda how=how: how(long, in_line), True) for how in (both, group, nested)),
    *((lambda how=how: how(long, request), False) for how in (both, group, nested)),
    *((lambda how=how: how(short, long), False) for how in (both, group, nested)),
]


@pytest.mark.parametrize(("body", "waits"), CASES)
def test_what_only_waits(body: Body, waits: bool) -> None:
    loop = EventLoop()
    found: list[bool] = []

    async def look() -> None:
        work = asyncio.ensure_future(body())
        await asyncio.sleep(0.2)
        looker = asyncio.current_task()
        assert looker is not None
        mine = [task for task, owner in loop._owners.items() if owner is loop._owners[work]]
        found.append(only_waits([task for task in mine if task is not looker]))
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)

    loop.run(look())
    loop.close()
    assert found == [waits]
