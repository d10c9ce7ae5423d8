"""How fast requests may be sent: one budget for each Notion token, shared evenly by the tasks that use it."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Protocol

from pydantic import SecretStr

from tasks.clock import boot_seconds
from tasks.waits import only_waiting, wait

#: Requests per second that Notion grants a connection on average.
REQUESTS_PER_SECOND = 3.0

#: Requests that may be sent at once after a quiet time; Notion tolerates short bursts.
BURST = 10

#: Who sends the requests of this context: a task's name. Budgets are shared evenly between spenders.
spender: ContextVar[str] = ContextVar("spender", default="")


@contextmanager
def spending(name: str) -> Iterator[None]:
    """Let the requests in this block, and in coroutines begun in it, count as those of `name`."""
    token = spender.set(name)
    try:
        yield
    finally:
        spender.reset(token)


class Throttle(Protocol):
    """A budget of requests, shared by everybody who holds it."""

    async def acquire(self) -> None:
        """Wait until one more request may be sent."""

    async def pause(self, seconds: float) -> None:
        """Let nobody send for so many seconds; a longer pause that is under way stays."""


class Turnstiles:
    """Lets one request of each spender through at a time, in order of arrival, on event loops of any thread.

    Behind it, a spender with a thousand requests stands in line for one of them only, like everybody else.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: The waiting requests of each spender that has one in the passage.
        self._waiting: dict[str, deque[Future[None]]] = {}

    @asynccontextmanager
    async def passage(self, name: str) -> AsyncIterator[None]:
        """Wait for the requests of `name` that came before."""
        await self._enter(name)
        try:
            yield
        finally:
            self._leave(name)

    async def _enter(self, name: str) -> None:
        with self._lock:
            if name not in self._waiting:
                self._waiting[name] = deque()
                return
            turn: Future[None] = Future()
            self._waiting[name].append(turn)
        try:
            with only_waiting():
                await asyncio.wrap_future(turn)
        except asyncio.CancelledError:
            if not turn.cancel():  # it had come to its turn already
                self._leave(name)
            raise

    def _leave(self, name: str) -> None:
        with self._lock:
            waiting = self._waiting[name]
            while waiting:
                turn = waiting.popleft()
                if turn.set_running_or_notify_cancel():
                    turn.set_result(None)
                    return
            del self._waiting[name]


class LocalThrottle:
    """The budget of one process. It may be shared by event loops in several threads.

    Parameters:
        rate: requests per second on average.
        burst: requests that may go out at once after a quiet time.
    """

    def __init__(self, rate: float = REQUESTS_PER_SECOND, burst: int = BURST) -> None:
        if rate <= 0 or burst < 1:
            raise ValueError(f"a throttle needs a positive rate and burst, not {rate} and {burst}")
        self._interval = 1 / rate
        self._tolerance = self._interval * (burst - 1)
        self._turnstiles = Turnstiles()
        self._lock = threading.Lock()
        self._next_slot = 0.0
        self._paused_until = 0.0

    async def acquire(self) -> None:
        """Wait for the next free slot, and for the end of a pause, also one that begins meanwhile."""
        async with self._turnstiles.passage(spender.get()):
            while True:
                await wait(self._reserve())
                if self._pause_left() <= 0:
                    return

    async def pause(self, seconds: float) -> None:
        """Keep every slot shut for so many seconds."""
        self.pause_now(seconds)

    def pause_now(self, seconds: float) -> None:
        """`pause` for callers that are no coroutines; it never waits."""
        with self._lock:
            self._paused_until = max(self._paused_until, boot_seconds() + seconds)

    def _reserve(self) -> float:
        """Take the next slot; returns the seconds until it opens."""
        with self._lock:
            now = boot_seconds()
            slot = max(self._next_slot, now, self._paused_until)
            self._next_slot = slot + self._interval
            return max(slot - self._tolerance, self._paused_until) - now

    def _pause_left(self) -> float:
        with self._lock:
            return self._paused_until - boot_seconds()


_shared: dict[str, Throttle] = {}
_shared_lock = threading.Lock()


def _local_throttle(budget: str) -> Throttle:
    return LocalThrottle()


_make: Callable[[str], Throttle] = _local_throttle


def use_throttles(make: Callable[[str], Throttle] | None) -> None:
    """Make the throttles of this process from now on with `make`; `None` means one per process again.

    Parameters:
        make: gets a name for the budget, equal for equal tokens, and returns the throttle. The name is a
            digest from which the token cannot be told.
    """
    global _make  # noqa: PLW0603 - one budget per process is the point
    with _shared_lock:
        _make = make or _local_throttle
        _shared.clear()


def throttle_for(token: SecretStr) -> Throttle:
    """The throttle that all users of this token in this process share."""
    budget = hashlib.sha256(token.get_secret_value().encode()).hexdigest()[:32]
    with _shared_lock:
        if budget not in _shared:
            _shared[budget] = _make(budget)
        return _shared[budget]
