"""One event loop per worker process, in a thread of its own, for the coroutines of all its tasks."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import os
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, Generic, Protocol, TypeVar
from weakref import WeakKeyDictionary

from celery.exceptions import SoftTimeLimitExceeded

from worker.pool.idling import only_waits
from worker.pool.loop_watch import Hold, LoopWatch, PatientLoop

log = logging.getLogger(__name__)

T = TypeVar("T")

#: Seconds that a cancelled coroutine may take to end when the process is told to end.
LAST_SECONDS = 10.0
#: Threads for plain functions of all coroutines: queries, and calls of the lock.
PLAIN_CALLS = 64
#: How a cancellation by a time limit is named; the history enters such a run as failed.
TIME_LIMIT = "cancelled by its time limit"


#: The call that a coroutine belongs to.
_caller: contextvars.ContextVar[Call[Any] | None] = contextvars.ContextVar("caller", default=None)


class Call(Generic[T]):
    """A coroutine at work in the loop, waited for in another thread."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        coroutine: Coroutine[Any, Any, T],
        *,
        name: str = "",
        watcher: Watcher | None = None,
    ) -> None:
        """`name` is what people know it by."""
        self.name = name
        self.watcher = watcher
        self._loop = loop
        self._coroutine = coroutine
        self._task: asyncio.Task[T] | None = None
        self._future: Future[T] = Future()
        # The context goes along, so that what Sentry and others keep in it is the task's in there too.
        context = contextvars.copy_context()
        context.run(_caller.set, self)
        loop.call_soon_threadsafe(self._start, context=context)

    def result(self, timeout: float | None = None) -> T:
        """What the coroutine returned or raised.

        Raises:
            TimeoutError: it has not ended within `timeout` seconds.
            asyncio.CancelledError: it was cancelled, or given up.
        """
        return self._future.result(timeout)

    def done(self) -> bool:
        """Whether it has ended."""
        return self._future.done()

    def cancel(self, reason: str, *, give_up_after: float | None = None) -> None:
        """Raise `CancelledError(reason)` inside; from any thread.

        A coroutine that has not ended `give_up_after` seconds later is not waited for any more.
        """
        self._call(self._cancel, reason)
        if give_up_after is not None:
            # Not by the loop: it may be the coroutine that holds it.
            timer = threading.Timer(give_up_after, self._give_up)
            timer.daemon = True
            timer.start()

    def cancel_if(self, may_end: Callable[[asyncio.Task[T]], bool], reason: str) -> None:
        """The same where `may_end` says so of its task in the loop, with nothing in between; from any thread."""
        self._call(self._cancel_if, may_end, reason)

    def _cancel_if(self, may_end: Callable[[asyncio.Task[T]], bool], reason: str) -> None:
        if self._task is not None and not self._task.done() and may_end(self._task):
            self._task.cancel(reason)

    def _call(self, function: Callable[..., Any], *args: Any) -> None:
        with suppress(RuntimeError):  # the loop has ended, and the call with it
            self._loop.call_soon_threadsafe(function, *args)

    def _start(self) -> None:
        self._task = self._loop.create_task(self._coroutine)
        self._task.add_done_callback(self._end)

    def _cancel(self, reason: str) -> None:
        if self._task is not None:
            self._task.cancel(reason)

    def _give_up(self) -> None:
        with suppress(InvalidStateError):
            self._future.set_exception(asyncio.CancelledError("given up"))

    def _end(self, task: asyncio.Task[T]) -> None:
        self._task = None  # the loop knows whose it is, which lasts as long as anyone holds it
        with suppress(InvalidStateError):  # given up before
            if task.cancelled():
                self._future.set_exception(asyncio.CancelledError())
            elif (error := task.exception()) is not None:
                self._future.set_exception(error)
            else:
                self._future.set_result(task.result())


class Watcher(Protocol):
    """Told of the coroutine that a thread waits for, to cancel it."""

    def started(self, call: Call[Any]) -> None:
        """The thread waits for `call` from now on."""

    def replacement(self) -> BaseException | None:
        """What the thread raises instead of `CancelledError`."""

    def held(self, seconds: float, *, over: bool) -> None:
        """The coroutine holds the loop for that long by now, or did until now."""


class _Watched(threading.local):
    watcher: Watcher | None = None


_watched = _Watched()


@contextmanager
def watched_by(watcher: Watcher) -> Iterator[None]:
    """Tell `watcher` of coroutines that this thread runs in the block."""
    _watched.watcher = watcher
    try:
        yield
    finally:
        _watched.watcher = None


class EventLoop:
    """A loop in a daemon thread."""

    def __init__(self) -> None:
        self.loop = PatientLoop()
        self._owners: WeakKeyDictionary[asyncio.Task[Any], Call[Any]] = WeakKeyDictionary()
        self.loop.set_task_factory(self._make_task)
        self._closing = False
        self._watch: LoopWatch[Call[Any]] | None = None
        self._plain_calls = ThreadPoolExecutor(PLAIN_CALLS, "plain-call")
        self.loop.set_default_executor(self._plain_calls)
        self._thread = threading.Thread(target=self._work, name="event-loop", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        asyncio.set_event_loop(self.loop)
        while not self._closing:
            try:
                self.loop.run_forever()
            except BaseException:
                # asyncio lets these out of the loop; it ends one coroutine, and must not end all the others.
                log.exception("A coroutine asked for the end of the process.")
        self.loop.close()

    def watch(self, tell: Callable[[Hold[Call[Any]]], None]) -> None:
        """Have the loop watched from now on, for a process in which several coroutines share it."""
        ident = self._thread.ident
        assert ident is not None  # noqa: S101  it was started
        self._watch = LoopWatch(self.loop, ident, owner_of=self._owners.get, tell=tell)

    def apart(self, function: Callable[..., Any], *args: Any) -> None:
        """Call a plain function in another thread, from any thread; nobody waits for it."""
        with suppress(RuntimeError):  # the process ends
            self._plain_calls.submit(function, *args)

    def _make_task(
        self, loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any
    ) -> asyncio.Task[Any]:
        """As asyncio does; it also notes whose task it is."""
        task: asyncio.Task[Any] = asyncio.Task(coroutine, loop=loop, **options)
        context = options.get("context")
        caller = _caller.get() if context is None else context.get(_caller)
        if caller is not None:
            self._owners[task] = caller
        return task

    def only_waits(self, task: asyncio.Task[Any]) -> bool:
        """Whether nothing is under way of the call that a task belongs to; asked in the thread of the loop."""
        call = self._owners.get(task)
        return only_waits([each for each, owner in self._owners.items() if owner is call])

    def run(self, coroutine: Coroutine[Any, Any, T], *, name: str = "") -> T:
        """Run it in the loop and wait for its end in this thread; `name` is what people know it by.

        An exception that another part of Celery raises in this thread meanwhile (a soft time limit or a
        termination with prefork) cancels the coroutine first, so that its `finally` blocks are done.

        Raises:
            BaseException: what the coroutine raised, or what its watcher gives for a cancellation.
        """
        watcher = _watched.watcher
        call = Call(self.loop, coroutine, name=name, watcher=watcher)
        if watcher is not None:
            watcher.started(call)
        try:
            return call.result()
        except asyncio.CancelledError as cancelled:
            raise (watcher and watcher.replacement()) or cancelled from None
        except SoftTimeLimitExceeded:
            self._end(call, TIME_LIMIT, None)
            raise
        except BaseException:
            self._end(call, "cancelled: the worker ends it", LAST_SECONDS)
            raise

    def _end(self, call: Call[T], reason: str, timeout: float | None) -> None:
        """Cancel what has not ended, and wait until it has; a hard limit stands behind no time-out."""
        if not call.done():
            call.cancel(reason)
            with suppress(BaseException):
                call.result(timeout)

    def close(self) -> None:
        """End the loop and its thread; coroutines still in it are not finished."""
        if self._watch is not None:
            self._watch.close()
        self._closing = True
        with suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(LAST_SECONDS)
        self._plain_calls.shutdown(wait=False, cancel_futures=True)


_guard = threading.Lock()
_current: tuple[int, EventLoop] | None = None


def process_loop() -> EventLoop:
    """The loop of this process; a forked child gets one of its own."""
    global _current  # noqa: PLW0603  there is one per process
    with _guard:
        if _current is None or _current[0] != os.getpid():
            _current = (os.getpid(), EventLoop())
        return _current[1]


def close_process_loop() -> None:
    """End the loop of this process, if it has one; the next use makes a new one."""
    global _current  # noqa: PLW0603
    with _guard:
        if _current is not None and _current[0] == os.getpid():
            _current[1].close()
        _current = None


def run(coroutine: Coroutine[Any, Any, T], *, name: str = "") -> T:
    """Run a coroutine in this process's loop, from a task of any pool; `name` is what people know it by."""
    return process_loop().run(coroutine, name=name)
