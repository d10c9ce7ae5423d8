"""Asking database and lock from the event loop, so many runs at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from tasks.uninterrupted import uninterrupted
from tasks.waits import Places

T = TypeVar("T")

#: Runs of a process that ask at once: more of them hinder each other, as Python runs one at a time.
AT_ONCE = 8
_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, Places] = WeakKeyDictionary()


async def in_turn(function: Callable[..., T], *arguments: Any) -> T:
    """Call a function in another thread, when it is its turn; once it is called, it is waited for.

    Raises:
        asyncio.CancelledError: the caller was cancelled before it was called, or meanwhile.
    """
    async with _turns.setdefault(asyncio.get_running_loop(), Places(AT_ONCE)):
        return await uninterrupted(asyncio.to_thread(function, *arguments))
