"""Freezing a process where that locks nobody out."""

from __future__ import annotations

import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

from tests.harness.process import Process, eventually


def freeze(process: Process, directory: Path) -> None:
    """Stop a process at a moment when it locks no SQLite file below `directory`, which would stop everybody."""
    files = [*directory.rglob("*.db"), *directory.rglob("*.sqlite*")]
    files = [file for file in files if file.read_bytes()[:15] == b"SQLite format 3"]
    assert files
    for _ in range(200):
        process.stop()
        eventually(lambda: _stands_still(process.pid))
        try:
            for file in files:
                with closing(sqlite3.connect(file, timeout=0, isolation_level=None)) as probe:
                    probe.execute("BEGIN IMMEDIATE")
                    probe.execute("ROLLBACK")
        except sqlite3.OperationalError:
            process.cont()
            time.sleep(0.01)
        else:
            return
    raise AssertionError("the process always holds a lock")


def _stands_still(pid: int) -> bool:
    """Whether every thread has stopped: the signal is on its way for a moment."""
    if sys.platform != "linux":
        time.sleep(0.1)
        return True
    stats = [(task / "stat").read_text() for task in Path(f"/proc/{pid}/task").iterdir()]
    return all(stat.rpartition(")")[2].split()[0] == "T" for stat in stats)
