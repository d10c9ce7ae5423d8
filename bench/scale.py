"""Empty tasks that are due often, on beats and workers, beside Celery alone: how late, and at what cost.

`python -m bench.scale --tasks 10000 --every 60 --seconds 120` measures other sizes than `python -m bench scale`.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles

from rich.console import Console
from rich.table import Table

from bench.scale_apps.noted import Run, noted
from bench.site import Running, Site, Use, postgresql

#: Seconds that everything may take to run once before it is measured.
WARM_UP = 20.0
#: Threads of Celery's own pool; that of Lockstep has as many.
THREADS = "32"


@dataclass(frozen=True, slots=True)
class Size:
    """How many tasks there are, how many seconds lie between two runs of each, and how many are measured."""

    tasks: int = 500
    every: int = 5
    seconds: float = 8.0


QUICK = Size(tasks=10, every=1, seconds=3.0)


@dataclass(frozen=True, slots=True)
class SetUp:
    """Who does the work."""

    name: str
    beats: int
    workers: int

    @property
    def is_plain(self) -> bool:
        """Whether it is Celery alone."""
        return self.name == "celery"


SET_UPS = (
    SetUp("celery", 1, 1),
    SetUp("sqlite", 1, 1),
    SetUp("sqlite", 1, 2),
    SetUp("sqlite", 2, 2),
    SetUp("postgresql", 1, 1),
    SetUp("postgresql", 1, 4),
)


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of one set-up."""

    runs_per_second: float
    #: Tasks that did not run at all in the time.
    starved: int
    #: Seconds from when a run was due to its begin.
    delays: Sequence[float]
    worker_ms: float
    beat_ms: float
    beat: Use
    worker: Use
    redis_calls: float


def delays_of(runs: Iterable[Run], every: float, since: float) -> list[float]:
    """How late each run began that did so after `since`: a run is due one period after the one before was sent."""
    by_task: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        by_task[run.task].append(run)
    found = []
    for each in by_task.values():
        each.sort(key=lambda run: run.sent)
        found += [
            max(after.began - before.sent - every, 0.0)
            for before, after in pairwise(each)
            if after.began >= since
        ]
    return found


def carry_out(set_up: SetUp, size: Size, folder: Path, database_url: str | None = None) -> Measured:
    """Let one set-up work for a while."""
    settings = {
        "EMPTY_TASKS": str(size.tasks),
        "EMPTY_EVERY": str(size.every),
        "LOCKSTEP_TASKS": "bench.scale_apps.empty",
    }
    application = "bench.scale_apps.plain" if set_up.is_plain else "worker"
    with Site(folder, settings, database_url) as site:
        workers = [
            site.celery(
                application,
                "worker",
                "--concurrency",
                THREADS,
                "--hostname",
                f"w{number}@%h",
                "--loglevel=INFO",
                ready=" ready.",
            )
            for number in range(set_up.workers)
        ]
        beats = [
            site.celery(application, "beat", "--pidfile=", "--loglevel=INFO", ready="Starting")
            for _ in range(set_up.beats)
        ]
        own = {
            f"sync.empty-{number}" for number in range(size.tasks)
        }  # what Lockstep keeps in order runs as well
        give_up_at = time.monotonic() + WARM_UP + size.every
        while time.monotonic() < give_up_at and own - {run.task for run in noted(site.notes)}:
            time.sleep(0.5)
        began, before, calls = time.time(), [_used(workers), _used(beats)], site.redis_calls()
        time.sleep(size.seconds)
        after, calls = [_used(workers), _used(beats)], site.redis_calls() - calls
        seconds = time.time() - began
        uses = beats[0].use(), workers[0].use()
        runs = [run for run in noted(site.notes) if run.task in own]
    ran = [run for run in runs if began <= run.ended <= began + seconds]
    worker_seconds, beat_seconds = (later - earlier for earlier, later in zip(before, after, strict=True))
    number = max(len(ran), 1)
    return Measured(
        len(ran) / seconds,
        len(own - {run.task for run in ran}),
        delays_of(runs, size.every, began),
        worker_seconds / number * 1000,
        beat_seconds / number * 1000,
        *uses,
        calls / number,
    )


def _used(processes: Iterable[Running]) -> float:
    return sum(each.use().cpu_seconds for each in processes)


@contextmanager
def _database(name: str, folder: Path) -> Iterator[str | None]:
    if name == "postgresql":
        with postgresql(folder / "postgresql") as url:
            yield url
    else:
        yield None


def measure(*, quick: bool = False, size: Size | None = None) -> Table:
    """All set-ups."""
    size = size or (QUICK if quick else Size())
    due = size.tasks / size.every
    table = Table(
        "",
        "beats",
        "workers",
        "runs/s",
        "late, ms",
        "p99",
        "never ran",
        "CPU ms a run, worker",
        "beat",
        "MB, worker",
        "beat",
        "Redis calls a run",
        title=f"{size.tasks:,} empty tasks every {size.every} s, which are {due:g} runs/s",
        caption="celery: Celery alone, its own beat and pool of threads. Without celery-redbeat: it is not installed.",
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for set_up in (SET_UPS[0], SET_UPS[1]) if quick else SET_UPS:
        with tempfile.TemporaryDirectory() as name, _database(set_up.name, Path(name)) as url:
            if set_up.name == "postgresql" and url is None:
                continue
            table.add_row(*_row(set_up, carry_out(set_up, size, Path(name) / "site", url)))
    return table


def _row(set_up: SetUp, found: Measured) -> list[str]:
    late = sorted(found.delays) or [0.0]
    p99 = quantiles(late, n=100)[98] if len(late) > 1 else late[0]
    return [
        set_up.name,
        str(set_up.beats),
        str(set_up.workers),
        f"{found.runs_per_second:.1f}",
        f"{median(late) * 1000:.0f}",
        f"{p99 * 1000:.0f}",
        str(found.starved),
        f"{found.worker_ms:.2f}",
        f"{found.beat_ms:.2f}",
        f"{found.worker.megabytes:.0f}",
        f"{found.beat.megabytes:.0f}",
        f"{found.redis_calls:.1f}",
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    for name, kind in (("tasks", int), ("every", int), ("seconds", float)):
        parser.add_argument(f"--{name}", type=kind, default=getattr(Size(), name))
    Console(width=140).print(measure(size=Size(**vars(parser.parse_args()))))
