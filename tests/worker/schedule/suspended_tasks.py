"""The probe tasks of the harness, in a process whose clocks behave as after a suspension of the machine.

The file `SUSPENDED` has the seconds for which it slept; the clock that counts them is ahead by so much.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import tests.harness.probe_tasks  # noqa: F401  which declares the tasks

_SLEPT = Path(os.environ["SUSPENDED"])
_ask = time.clock_gettime


def _ahead(number: int) -> float:
    slept = float(_SLEPT.read_text() or 0) if number == time.CLOCK_BOOTTIME and _SLEPT.exists() else 0.0
    return _ask(number) + slept


time.clock_gettime = _ahead
