"""Durable writes in groups: what comes while one is under way is written together with the next."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

from tasks.uninterrupted import waited_for

T = TypeVar("T")
_Waiting = tuple[T, asyncio.AbstractEventLoop, asyncio.Future[None]]
_End = tuple[asyncio.Future[None], BaseException | None]

#: Seconds after a group in which those who waited for it may come back with what they have next: a group that is
#: written at once would be of the first one only.
GATHERING = 0.0005


class Together(Generic[T]):
    """Writers of any thread and event loop, each of whom waits until its own part is durable.

    A flush to the disk costs the same for one part as for many. Parts are written in the order in which they
    came; where a group fails, each of its parts is tried alone, so that it fails for its own error only.
    """

    def __init__(self, write: Callable[[Sequence[T]], None]) -> None:
        """`write` makes some parts durable, all or none; it is called in a thread, one call at a time."""
        self._write = write
        self._lock = threading.Lock()
        self._waiting: list[_Waiting[T]] = []
        self._busy = False

    async def add(self, part: T) -> None:
        """Return when the part is durable; a part that was begun is waited for, even by who is cancelled.

        Raises:
            Exception: what writing this part raised.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        with self._lock:
            self._waiting.append((part, loop, done))
            idle, self._busy = not self._busy, True
        if idle:
            loop.run_in_executor(None, self._drain)
        await waited_for(done)

    def _drain(self) -> None:
        while True:
            with self._lock:
                group, self._waiting = self._waiting, []
                self._busy = bool(group)
            if not group:
                return
            error = self._error_of([part for part, _, _ in group])
            ends: dict[asyncio.AbstractEventLoop, list[_End]] = {}
            for part, loop, done in group:
                own = error if error is None or len(group) == 1 else self._error_of([part])
                ends.setdefault(loop, []).append((done, own))
            for loop, of_loop in ends.items():  # each loop is woken once for all of its parts
                with suppress(RuntimeError):  # it was closed: nobody waits there any more
                    loop.call_soon_threadsafe(_tell, of_loop)
            if len(group) > 1:
                time.sleep(GATHERING)

    def _error_of(self, parts: Sequence[T]) -> BaseException | None:
        try:
            self._write(parts)
        except BaseException as error:  # who waits for the part gets it
            return error
        return None


def _tell(ends: Sequence[_End]) -> None:
    for done, error in ends:
        if done.done():  # its loop is being closed
            continue
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)
