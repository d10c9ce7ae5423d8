"""When each message was sent, and when a worker began and ended its work on it: lines in a file for each process."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from celery import signals

#: The header in which beat says when it sent a message.
SENT = "bench_sent"


class Run(NamedTuple):
    """One run of one task; times are seconds since the epoch."""

    task: str
    sent: float
    began: float
    ended: float


def note(folder: Path) -> None:
    """Note all runs of this process from now on, and stamp all messages that it sends."""
    began: dict[str, float] = {}
    lines = (folder / f"runs-{os.getpid()}.txt").open("a", buffering=1)

    def stamp(headers: dict[str, Any], **_: Any) -> None:
        headers[SENT] = time.time()

    def begin(task_id: str, **_: Any) -> None:
        began[task_id] = time.time()

    def end(task_id: str, task: Any, **_: Any) -> None:
        sent = task.request.get(SENT)
        if sent is not None:
            name = (task.request.kwargs or {}).get("name", task.name)
            lines.write(f"{name} {sent} {began.pop(task_id)} {time.time()}\n")

    signals.before_task_publish.connect(stamp, weak=False)
    signals.task_prerun.connect(begin, weak=False)
    signals.task_postrun.connect(end, weak=False)


def noted(folder: Path) -> Iterator[Run]:
    """All runs that processes have noted in a folder."""
    for path in folder.glob("runs-*.txt"):
        for line in path.read_text("utf-8").splitlines():
            task, *times = line.split()
            if len(times) == 3:
                yield Run(task, *map(float, times))
