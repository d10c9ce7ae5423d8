"""The event loop of a worker process."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator

import pytest

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
