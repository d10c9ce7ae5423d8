from __future__ import annotations

import asyncio

import pytest

from tasks.uninterrupted import uninterrupted


async def test_what_must_not_be_interrupted_goes_on_to_its_end_and_the_cancellation_follows() -> None:
    done = []

    async def work() -> str:
        await asyncio.sleep(0.1)
        done.append("work")
        return "result"

    async def run() -> None:
        await uninterrupted(work())
        done.append("after")

    task = asyncio.ensure_future(run())
    for _ in range(3):
        await asyncio.sleep(0.02)
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done == ["work"]
    assert await uninterrupted(work()) == "result"


async def test_an_error_of_what_must_not_be_interrupted_comes_back() -> None:
    async def fail() -> None:
        await asyncio.sleep(0)
        raise LookupError("x")

    with pytest.raises(LookupError):
        await uninterrupted(fail())


async def test_work_that_is_cancelled_itself_is_cancelled() -> None:
    async def cancel() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(uninterrupted(cancel()), 2)
