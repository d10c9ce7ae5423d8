"""Calling a task's methods, be they plain functions or coroutines."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from types import CoroutineType
from typing import Any

from tasks.errors import ExitError
from tasks.merge import End
from tasks.uninterrupted import uninterrupted


def exit_error(error: SystemExit) -> ExitError:
    """What stands for a `SystemExit`, which would end the event loop and every run that goes on in it."""
    return ExitError(f"the task's code asked for the end of the process (SystemExit: {error})")


class Calls:
    """Runs coroutines in the event loop and plain functions in one thread per side.

    One thread per side keeps both sides concurrent and a client that is not thread-safe safe.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        #: By what they are for, each made when it is needed first: many runs need none.
        self._threads: dict[str, ThreadPoolExecutor] = {}
        #: Whether a caller was cancelled while its plain function ran.
        self._left_running = False

    async def call(self, side: End, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """What the function returns, awaited if need be.

        Raises:
            ExitError: it asked for the end of the process.
        """
        if does_nothing(function):
            return function(*args, **kwargs)
        return await self._call(str(side), function, *args, **kwargs)

    async def apart(self, function: Callable[..., Any], *args: Any) -> Any:
        """The same in a thread of its own, for a function that calls methods of both sides itself."""
        return await self._call("apart", function, *args)

    async def _call(self, thread: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        try:
            if inspect.iscoroutinefunction(function):
                return await function(*args, **kwargs)
            if inspect.isasyncgenfunction(function):
                return function(*args, **kwargs)
            context = contextvars.copy_context()
            if thread not in self._threads:
                self._threads[thread] = ThreadPoolExecutor(1, f"{self._name}-{thread}")
            work = self._threads[thread].submit(lambda: context.run(function, *args, **kwargs))
            try:
                answer = await asyncio.wrap_future(work)
            except (asyncio.CancelledError, GeneratorExit):
                self._left_running = True
                work.add_done_callback(_forget)
                raise
            return await answer if inspect.isawaitable(answer) else answer
        except SystemExit as error:
            raise exit_error(error) from error

    async def finish(self) -> None:
        """Wait until no plain function runs any more."""
        if self._left_running:
            # The threads themselves are waited for: a future counts as done before its callbacks have run.
            await asyncio.to_thread(self._shut_down)
        else:
            self._shut_down(wait=False)

    def _shut_down(self, wait: bool = True) -> None:
        for thread in self._threads.values():
            thread.shutdown(wait=wait)


def does_nothing(function: Callable[..., Any]) -> bool:
    """Whether it is a method of a side that was left as it is; a thread for it would cost more than all the rest."""
    function = function.func if isinstance(function, partial) else function
    return function is dict or getattr(function, "does_nothing", False)


def discard(answer: Any) -> None:
    """Close the coroutines in an answer, or in lists and dicts of answers, that nobody will await any more."""
    if isinstance(answer, list | dict):
        for part in answer.values() if isinstance(answer, dict) else answer:
            if isinstance(part, list | dict | CoroutineType):
                discard(part)
    elif isinstance(answer, CoroutineType):
        answer.close()


def _forget(work: Future[Any]) -> None:
    """Discard what a plain function returns to a caller who was cancelled meanwhile."""
    if not work.cancelled() and work.exception() is None:
        discard(work.result())


@asynccontextmanager
async def calls(name: str) -> AsyncIterator[Calls]:
    """The caller of one run; a cancelled run still waits for the plain call that is under way.

    A thread cannot be cancelled. Were the node's lock released before its last call has ended, another run
    could write at the same time.
    """
    caller = Calls(name)
    try:
        yield caller
    finally:
        await uninterrupted(caller.finish())
