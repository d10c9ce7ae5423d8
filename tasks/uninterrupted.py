"""What is carried out to its end though its caller is cancelled, such as a write that must be durable or not made."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def uninterrupted(work: Coroutine[Any, Any, T]) -> T:
    """Carry something out to its end even when the caller is cancelled; the cancellation follows then.

    Raises:
        asyncio.CancelledError: the caller was cancelled meanwhile.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
        except Exception:  # raised again by `result` below
            break
    if cancelled is not None:
        raise cancelled from task.exception()
    return task.result()
