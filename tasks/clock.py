"""Time that passes while the machine sleeps as well, for what must not wait so much longer."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Final

#: Seconds of sleep at a time; a machine that was suspended is late by no more than this.
SLICE = 5.0

# Linux counts a suspension in a clock of its own only, macOS in the one that Python's `monotonic` is not.
_CLOCK: Final[int | None] = (
    time.CLOCK_MONOTONIC if sys.platform == "darwin" else getattr(time, "CLOCK_BOOTTIME", None)
)


def boot_seconds() -> float:
    """Seconds of a clock that cannot be set, and that runs on while the process or the machine is stopped."""
    return time.monotonic() if _CLOCK is None else time.clock_gettime(_CLOCK)


async def pass_time(seconds: float) -> None:
    """Wait so long by that clock, so that no more is waited than is left when a machine wakes up."""
    until = boot_seconds() + seconds
    left = seconds
    while True:
        await asyncio.sleep(min(max(left, 0.0), SLICE))
        left = until - boot_seconds()
        if left <= 0:
            return
