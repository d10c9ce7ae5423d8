"""Where a coroutine only waits, and asks nothing of anybody meanwhile: whoever has to end it may do so there."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal
from weakref import WeakKeyDictionary

from tasks.clock import pass_time

#: The end of the wait of each task that only waits, by the monotonic clock.
_ends: WeakKeyDictionary[asyncio.Task[Any], float] = WeakKeyDictionary()


@contextmanager
def only_waiting(seconds: float = math.inf) -> Iterator[None]:
    """Say that the coroutine does nothing in this block but wait, for so many seconds if that is known.

    It must not be for the end of something that it began itself, such as a request.
    """
    task = asyncio.current_task()
    if task is None:
        yield
        return
    before = _ends.get(task)
    _ends[task] = time.monotonic() + seconds
    try:
        yield
    finally:
        if before is None:
            _ends.pop(task, None)
        else:
            _ends[task] = before


async def wait(seconds: float) -> None:
    """Wait so long before something is sent, or sent again; as `pass_time`."""
    with only_waiting(seconds):
        await pass_time(seconds)


def seconds_left(task: asyncio.Task[Any]) -> float | None:
    """For how many seconds the task still only waits; `None` where it may be at work."""
    end = _ends.get(task)
    return None if end is None else end - time.monotonic()


class Places(asyncio.Semaphore):
    """A semaphore: who stands in line for it only waits."""

    async def acquire(self) -> Literal[True]:
        """Wait for a place, and take it."""
        with only_waiting():
            return await super().acquire()
