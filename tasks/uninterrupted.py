"""What is carried out to its end though its caller is cancelled, such as a write that must be durable or not made."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def uninterrupted(work: Coroutine[Any, Any, T] | asyncio.Future[T]) -> T:
    """Carry something out to its end even when the caller is cancelled; the cancellation follows then.

    Raises:
        asyncio.CancelledError: the caller was cancelled meanwhile.
    """
    return await waited_for(asyncio.ensure_future(work))


async def waited_for(work: asyncio.Future[T]) -> T:
    """Wait to its end for something that goes on already, in the same way."""
    cancelled: asyncio.CancelledError | None = None
    while not work.done():
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError as error:
            cancelled = error
        except Exception:  # raised again by `result` below
            break
    if cancelled is not None:
        raise cancelled from work.exception()
    return work.result()
