"""An event loop that is watched from outside: who holds it, and for how long all others stand still.

A coroutine that blocks (`time.sleep` in an `async def`, a client that is not asynchronous, a long calculation) holds
the loop, and with it every other run of the process. Nothing inside the loop can tell of that; a thread beside it can.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import sysconfig
import threading
import time
from asyncio import Task
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Generic, Literal, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")

#: Seconds between two looks at the loop.
LOOK = 0.25
#: Looks in a row at which the loop was with the same coroutine and answered nothing: then it is held.
HELD = 4
#: Where Python and its libraries are: a frame in there does not say whose fault it is.
LIBRARIES = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})


class PatientLoop(asyncio.SelectorEventLoop):
    """A loop whose clock stands still while it is held, so that no time-out of others counts that time."""

    def __init__(self) -> None:
        super().__init__()
        #: Seconds for which it was held until now.
        self.held_seconds = 0.0

    def time(self) -> float:
        """Seconds in which the loop was free."""
        return super().time() - self.held_seconds


@dataclass(frozen=True, slots=True)
class Hold(Generic[T]):
    """One time for which the loop was, or is, held."""

    #: Whose coroutine it is, as the watch was told to find out; `None` where it is nobody's.
    owner: T | None
    #: Where it stands: file, line and function.
    where: str
    #: How long it lasts by now.
    seconds: float
    stage: Literal["found", "lasts", "over"]


class LoopWatch(Generic[T]):
    """Looks at a loop again and again, from a thread of its own, until it is closed."""

    def __init__(
        self,
        loop: PatientLoop,
        thread_id: int,
        *,
        owner_of: Callable[[Task[object]], T | None],
        tell: Callable[[Hold[T]], None],
    ) -> None:
        """`tell` is called when a hold was found, at each look while it lasts, and, in the loop's thread, when it is
        over. It must not block.
        """
        self._loop = loop
        self._thread_id = thread_id
        self._owner_of = owner_of
        self._tell = tell
        self._guard = threading.Lock()
        self._closed = threading.Event()
        #: When the loop was asked what it has not answered yet, by the monotonic clock.
        self._asked_at: float | None = None
        self._seen: Task[object] | None = None
        self._looks = 0
        #: How long the loop was held in all, before the present hold.
        self._before = 0.0
        self._hold: tuple[T | None, str] | None = None
        self._thread = threading.Thread(target=self._work, name="loop-watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._closed.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._closed.wait(LOOK):
            try:
                self._look()
            except RuntimeError:
                return  # the loop has ended
            except Exception:
                log.exception("The event loop could not be looked at.")

    def _answer(self) -> None:
        """The loop is free, in its own thread."""
        with self._guard:
            if self._asked_at is None:
                return
            self._asked_at = None
            hold, self._hold = self._hold, None
            if hold is not None:
                # As of the last look: what is on top of that was counted by the loop's clock, which never goes back.
                self._tell(Hold(*hold, self._loop.held_seconds - self._before, "over"))

    def _look(self) -> None:
        with self._guard:
            if self._asked_at is None:
                self._seen, self._looks = None, 0
                self._asked_at = time.monotonic()
                self._loop.call_soon_threadsafe(self._answer)
            else:
                self._look_closer(time.monotonic() - self._asked_at)

    def _look_closer(self, waited: float) -> None:
        """It has not answered since the last look."""
        task = asyncio.current_task(self._loop)
        self._looks = self._looks + 1 if task is self._seen and self._looks else 1
        self._seen = task
        stage: Literal["found", "lasts"] = "lasts"
        if self._hold is None:
            if self._looks < HELD:
                return
            stage, self._before = "found", self._loop.held_seconds
            owner = None if task is None else self._owner_of(task)
            self._hold = owner, place(sys._current_frames().get(self._thread_id))
        self._loop.held_seconds = self._before + waited
        self._tell(Hold(*self._hold, waited, stage))


def place(frame: FrameType | None) -> str:
    """The innermost place that is not in a library, or else the innermost one."""
    innermost = frame
    while frame is not None and frame.f_code.co_filename.startswith(("<", *LIBRARIES)):
        frame = frame.f_back
    found = frame or innermost
    if found is None:
        return "an unknown place"
    return f"{found.f_code.co_filename}:{found.f_lineno} in {found.f_code.co_name}"
