"""Start a program so that it does not outlive the process that started it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence

# Runs in a bare interpreter and becomes the program by exec, so that no code of ours runs between fork and
# exec in a process with threads.
_LAUNCH = """
import os, sys
parent, how, arguments = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
if sys.platform == "linux":
    import ctypes
    ctypes.CDLL(None).prctl(1, how, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the starting process has ended")
os.execvp(arguments[0], arguments)
"""


def tied(arguments: Sequence[str], how: signal.Signals = signal.SIGTERM) -> list[str]:
    """The command that runs `arguments` as a child which gets the signal `how` when its parent ends.

    The kernel sends the signal when the *thread* that started the child ends, so start it from the main
    thread or from one that lives as long as the child. Linux only; elsewhere the program starts as it is.
    """
    return [sys.executable, "-I", "-S", "-c", _LAUNCH, str(os.getpid()), str(int(how)), *arguments]
