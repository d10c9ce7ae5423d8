"""Whether a run only waits: for its turn, for a request that its budget grants, or to send something again."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Collection
from typing import Any

from tasks.waits import seconds_left

#: Seconds that a wait must last still. A run that goes on sooner gets the time that it is given to end.
LEAST = 1.0

_END_OF_A_GROUP = asyncio.TaskGroup.__aexit__.__code__


def only_waits(tasks: Collection[asyncio.Task[Any]]) -> bool:
    """Whether nothing of these tasks, which are all of one run, is under way; asked in the thread of their loop.

    Each says of itself that it waits (`tasks.waits`), or waits for others of them. Whatever else it may do counts as
    work.
    """
    at_work = [task for task in tasks if not task.done()]
    left = [seconds_left(task) for task in at_work if not _waits_for_others(task, at_work)]
    return bool(left) and all(seconds is not None and seconds >= LEAST for seconds in left)


def _waits_for_others(task: asyncio.Task[Any], others: Collection[asyncio.Task[Any]]) -> bool:
    awaited = getattr(task, "_fut_waiter", None)  # asyncio has no other way to it
    if isinstance(awaited, asyncio.Task):
        return awaited in others
    gathered = getattr(awaited, "_children", None)
    if gathered:
        return all(child.done() or child in others for child in gathered)
    inner: Any = task.get_coro()
    while inspect.iscoroutine(inner.cr_await):
        inner = inner.cr_await
    return bool(inner.cr_code is _END_OF_A_GROUP)
