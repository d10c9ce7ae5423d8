"""Asking database and lock from the event loop, so many runs at a time."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from enum import Enum
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from tasks.uninterrupted import uninterrupted
from tasks.waits import Places

T = TypeVar("T")

#: Runs of a process in each line that ask at once, where the database is a server, which is waited for.
OF_SERVER = 4
#: The same where it is SQLite, which works in this process. Python runs one thread at a time: each statement hands the
#: turn on to another thread, at the cost of a change of threads, and whoever writes keeps all other processes waiting
#: until it has its turn again.
OF_FILE = 1


class Line(Enum):
    """Where runs stand in line. One that is about to end never waits for those that have yet to begin."""

    BEGIN = "begin"
    END = "end"


_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[Line, int], Places]] = WeakKeyDictionary()


async def in_turn(line: Line, at_once: int, function: Callable[..., T], *arguments: Any) -> T:
    """Call a function in another thread, when it is its turn in a line of which `at_once` are served at the same time.

    Once it is called, it is waited for.

    Raises:
        asyncio.CancelledError: the caller was cancelled before it was called, or meanwhile.
    """
    loop = asyncio.get_running_loop()
    async with _turns.setdefault(loop, {}).setdefault((line, at_once), Places(at_once)):
        context = contextvars.copy_context()
        return await uninterrupted(loop.run_in_executor(None, context.run, function, *arguments))
