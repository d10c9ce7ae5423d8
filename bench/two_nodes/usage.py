"""What a process has used so far. Of the standard library alone: rivals run it in their own environments."""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path


def usage() -> dict[str, float]:
    """Seconds of CPU time, and the most megabytes of memory at any time."""
    return {"cpu": time.process_time(), "memory": _peak()}


def _peak() -> float:
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) / 1000
    except OSError:  # elsewhere than on Linux; there it would show the memory of who started the process
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (1_000_000 if sys.platform == "darwin" else 1000)
