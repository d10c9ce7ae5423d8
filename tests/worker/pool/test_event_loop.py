"""The event loop of a worker process."""

from __future__ import annotations

import asyncio
import gc
import sys
import weakref
from collections.abc import Iterator

import pytest

from tests.harness import eventually
from worker.pool.event_loop import Call, EventLoop


@pytest.fixture
def loop() -> Iterator[EventLoop]:
    loop = EventLoop()
    yield loop
    loop.close()


def test_a_coroutine_that_exits_ends_itself_and_not_the_loop(loop: EventLoop) -> None:
    async def leave() -> None:
        sys.exit(3)

    async def stay() -> str:
        await asyncio.sleep(0.2)
        return "here"

    other = Call(loop.loop, stay())
    with pytest.raises(SystemExit):
        Call(loop.loop, leave()).result(5)
    assert other.result(5) == "here"
    assert Call(loop.loop, stay()).result(5) == "here"


class Thing:
    """Held by a coroutine."""


@pytest.mark.parametrize("end", ["returns", "fails", "is cancelled", "has parts", "leaves a part behind"])
def test_the_loop_keeps_nothing_of_a_call_that_ended(loop: EventLoop, end: str) -> None:
    things: list[weakref.ref[Thing]] = []
    parts: list[asyncio.Task[None]] = []

    async def work(thing: Thing) -> None:
        if end == "fails":
            raise ValueError(thing)
        if end == "is cancelled":
            await asyncio.sleep(60)
        if end == "has parts":
            await asyncio.gather(*(asyncio.sleep(0.001, thing) for _ in range(3)))
        if end == "leaves a part behind":
            parts.append(asyncio.ensure_future(asyncio.sleep(0.05)))

    for _ in range(5):
        thing = Thing()
        things.append(weakref.ref(thing))
        call = Call(loop.loop, work(thing))
        if end == "is cancelled":
            call.cancel("enough")
        if end in {"fails", "is cancelled"}:
            with pytest.raises((ValueError, asyncio.CancelledError)):
                call.result(5)
        else:
            call.result(5)
        del thing, call
    eventually(lambda: all(part.done() for part in parts))
    parts.clear()

    def is_empty() -> bool:
        gc.collect()
        return not loop._owners and not any(thing() for thing in things)

    eventually(is_empty, 5)
