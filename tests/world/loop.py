"""The event loop of the worlds: one for all their runs, in which no thread is asked for what it can do itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


class Alone(asyncio.SelectorEventLoop):
    """Works off at once what is meant for a thread: worlds have nothing to wait for, and starting one costs more."""

    def run_in_executor(self, executor: Any, function: Callable[..., T], *args: Any) -> asyncio.Future[T]:
        done: asyncio.Future[T] = self.create_future()
        try:
            done.set_result(function(*args))
        except Exception as error:
            done.set_exception(error)
        return done


@cache
def _loop() -> Alone:
    return Alone()


def run_alone(work: Coroutine[Any, Any, T]) -> T:
    """What `asyncio.run` gives, without a new loop each time: whatever is left of the work is cancelled."""
    loop = _loop()
    try:
        return loop.run_until_complete(work)
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))


def steady(kind: type[T], *methods: str) -> type[T]:
    """The same class with these methods as coroutines: plain ones go to threads, which take other turns each time."""

    def as_coroutine(method: Callable[..., Any]) -> Callable[..., Any]:
        async def call(*args: Any, **values: Any) -> Any:
            return method(*args, **values)

        return call

    made: type[T] = type(
        kind.__name__, (kind,), {name: as_coroutine(getattr(kind, name)) for name in methods}
    )
    return made


#: What a side is asked for.
OF_A_SIDE = (
    *("list", "pages", "changes", "get", "is_gone", "gone_among", "create", "update", "delete", "restore"),
    *("id", "key", "edited", "values"),
)
