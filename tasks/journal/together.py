"""Durable writes in groups: what comes while one is under way is written together with the next."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

from tasks.uninterrupted import uninterrupted

T = TypeVar("T")

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
        self._waiting: list[tuple[T, Future[None]]] = []
        self._busy = False

    async def add(self, part: T) -> None:
        """Return when the part is durable; a part that was begun is waited for, even by who is cancelled.

        Raises:
            Exception: what writing this part raised.
        """
        done: Future[None] = Future()
        with self._lock:
            self._waiting.append((part, done))
            idle, self._busy = not self._busy, True
        if idle:
            asyncio.get_running_loop().run_in_executor(None, self._drain)
        await uninterrupted(_durable(done))

    def _drain(self) -> None:
        while True:
            with self._lock:
                group, self._waiting = self._waiting, []
                self._busy = bool(group)
            if not group:
                return
            error = self._error_of([part for part, _ in group])
            for part, done in group:
                own = error if error is None or len(group) == 1 else self._error_of([part])
                done.set_result(None) if own is None else done.set_exception(own)
            if len(group) > 1:
                time.sleep(GATHERING)

    def _error_of(self, parts: Sequence[T]) -> BaseException | None:
        try:
            self._write(parts)
        except BaseException as error:  # who waits for the part gets it
            return error
        return None


async def _durable(done: Future[None]) -> None:
    await asyncio.wrap_future(done)
