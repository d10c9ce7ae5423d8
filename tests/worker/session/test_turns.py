"""How many runs of a process ask at once, and that those that end do not wait for those that begin."""

from __future__ import annotations

import asyncio
import threading

import pytest

from worker.session.turns import OF_FILE, OF_SERVER, Line, in_turn


class Desk:
    """Where threads stay until they are let go."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.guard = threading.Lock()
        self.came = threading.Semaphore(0)
        self.now = self.most = self.served = 0

    def serve(self) -> None:
        with self.guard:
            self.now += 1
            self.most = max(self.most, self.now)
        self.came.release()
        assert self.open.wait(10)
        with self.guard:
            self.now -= 1
            self.served += 1


async def until(desk: Desk, number: int) -> None:
    """Wait until so many more have come to it."""
    for _ in range(number):
        assert await asyncio.to_thread(desk.came.acquire, timeout=10)


@pytest.mark.parametrize("at_once", [OF_FILE, OF_SERVER])
@pytest.mark.parametrize("line", list(Line))
async def test_so_many_ask_at_once(line: Line, at_once: int) -> None:
    desk = Desk()
    asking = [asyncio.ensure_future(in_turn(line, at_once, desk.serve)) for _ in range(at_once + 3)]
    await until(desk, at_once)
    desk.open.set()
    await asyncio.gather(*asking)
    assert (desk.most, desk.served) == (at_once, at_once + 3)


async def test_who_ends_waits_for_none_that_begins() -> None:
    desk = Desk()
    begins = [asyncio.ensure_future(in_turn(Line.BEGIN, OF_FILE, desk.serve)) for _ in range(5)]
    await until(desk, 1)
    async with asyncio.timeout(10):
        assert await in_turn(Line.END, OF_FILE, lambda: "ended") == "ended"
    assert desk.served == 0
    desk.open.set()
    await asyncio.gather(*begins)


async def test_who_is_cancelled_in_line_is_not_called_and_keeps_no_place() -> None:
    desk = Desk()
    first, second, third = (asyncio.ensure_future(in_turn(Line.BEGIN, OF_FILE, desk.serve)) for _ in range(3))
    await until(desk, 1)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    desk.open.set()
    await asyncio.gather(first, third)
    assert desk.served == 2


async def test_who_was_called_is_waited_for_though_it_is_cancelled() -> None:
    desk = Desk()
    called = asyncio.ensure_future(in_turn(Line.BEGIN, OF_FILE, desk.serve))
    await until(desk, 1)
    called.cancel()
    await asyncio.sleep(0.01)
    assert not called.done()
    desk.open.set()
    with pytest.raises(asyncio.CancelledError):
        await called
    assert desk.served == 1
