"""Calling what may be a plain function or a coroutine."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def answer(returned: Any) -> Any:
    """What a plain method returned, or a coroutine's result."""
    return await returned if inspect.isawaitable(returned) else returned


def peek(returned: Any) -> Any:
    """The result of a coroutine that does not really wait; `None` for one that does."""
    if not inspect.iscoroutine(returned):
        return returned
    try:
        returned.send(None)
    except StopIteration as stop:
        return stop.value
    returned.close()
    return None


def blocking(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Carry out a coroutine in an event loop of its own, also where one runs already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work())
    results: list[T] = []
    errors: list[BaseException] = []
    here = contextvars.copy_context()

    def run() -> None:
        try:
            results.append(here.run(lambda: asyncio.run(work())))
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="lockstep-check")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
