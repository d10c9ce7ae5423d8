"""Empty tasks that are due often, on beats and workers, beside Celery alone: how late, and at what cost.

`python -m bench.scale --tasks 10000 --every 200 --jitter 200 --seconds 60 --before 2 --only sqlite-1-2` measures
another size than `python -m bench scale`, with one database, so many beats and so many workers.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles

from rich import box
from rich.console import Console
from rich.table import Table

from bench.scale_apps.noted import Run, noted
from bench.site import Running, Site, Use, postgresql

#: Seconds that these may take, besides their periods, and the backlog of the start to be gone.
WARM_UP = 30.0
#: Threads of Celery's own pool; that of Lockstep has as many.
THREADS = "32"


@dataclass(frozen=True)
class Size:
    """How many tasks there are, how often they run, and how long that is measured."""

    tasks: int = 240
    #: Seconds between two runs of each, and by how many more each start is put off at most.
    every: int = 3
    jitter: int = 0
    #: Seconds that are measured.
    seconds: float = 6.0
    #: Runs of each task before it is measured: its first ones keep what later ones find, and are due all at once.
    before: int = 3

    @property
    def due(self) -> float:
        """Runs that are due in a second."""
        return self.tasks / (self.every + self.jitter / 2)


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

    def __str__(self) -> str:
        return f"{self.name}-{self.beats}-{self.workers}"


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
    #: Messages in the queue when it was begun to measure, and when it ended.
    waiting: tuple[int, int]
    #: Seconds from when a run was due, or was sent where that is put off, to its begin.
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
        "EMPTY_JITTER": str(size.jitter),
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
        give_up_at = time.monotonic() + WARM_UP + size.before * (size.every + size.jitter)
        while time.monotonic() < give_up_at and not _is_steady(site, size):
            time.sleep(0.5)
        waiting = site.waiting()
        began, before, calls = time.time(), [_used(workers), _used(beats)], site.redis_calls()
        time.sleep(size.seconds)
        after, calls = [_used(workers), _used(beats)], site.redis_calls() - calls
        seconds = time.time() - began
        still_waiting = site.waiting()
        uses = beats[0].use(), workers[0].use()
        runs = [run for run in noted(site.notes) if run.task in own]
    ran = [run for run in runs if began <= run.ended <= began + seconds]
    worker_seconds, beat_seconds = (later - earlier for earlier, later in zip(before, after, strict=True))
    number = max(len(ran), 1)
    return Measured(
        len(ran) / seconds,
        len(own - {run.task for run in ran}),
        (waiting, still_waiting),
        [run.began - run.sent for run in ran] if size.jitter else delays_of(runs, size.every, began),
        worker_seconds / number * 1000,
        beat_seconds / number * 1000,
        *uses,
        calls / number,
    )


def _is_steady(site: Site, size: Size) -> bool:
    """Whether each task ran often enough, and no more waits than comes in a second."""
    ran = Counter(run.task for run in noted(site.notes))
    own = (ran[f"sync.empty-{number}"] for number in range(size.tasks))
    return min(own) >= size.before and site.waiting() <= size.due


def _used(processes: Iterable[Running]) -> float:
    return sum(each.use().cpu_seconds for each in processes)


@contextmanager
def _database(name: str, folder: Path) -> Iterator[str | None]:
    if name == "postgresql":
        with postgresql(folder / "postgresql") as url:
            yield url
    else:
        yield None


def measure(*, quick: bool = False, size: Size | None = None, only: Sequence[str] = ()) -> Table:
    """All set-ups, or only some."""
    size = size or (QUICK if quick else Size())
    ran = {1: "once"}.get(size.before, f"{size.before} times")
    put_off = f", put off by up to {size.jitter} s" if size.jitter else ""
    table = Table(
        "",
        "beats",
        "workers",
        "runs/s",
        "late, ms",
        "p99",
        "never ran",
        "waiting",
        "CPU ms a run, worker",
        "beat",
        "MB, worker",
        "beat",
        "Redis calls a run",
        box=box.MARKDOWN,
        title=f"{size.tasks:,} empty tasks every {size.every} s{put_off}, which are {size.due:.3g} runs/s",
        caption=(
            "celery: Celery alone, its own beat and pool of threads. Without celery-redbeat: it is not installed. "
            f"Measured once each task has run {ran} and no more waits than comes in a second, or after "
            f"{WARM_UP:g} s; waiting: messages in the queue when it began and when it ended."
        ),
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for set_up in SET_UPS[1:2] if quick else [one for one in SET_UPS if not only or str(one) in only]:
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
        "{} to {}".format(*found.waiting),
        f"{found.worker_ms:.2f}",
        f"{found.beat_ms:.2f}",
        f"{found.worker.megabytes:.0f}",
        f"{found.beat.megabytes:.0f}",
        f"{found.redis_calls:.1f}",
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument("--tasks", type=int, default=Size.tasks, help="how many there are")
    parser.add_argument("--every", type=int, default=Size.every, help="seconds between two runs of each")
    parser.add_argument("--jitter", type=int, default=Size.jitter, help="by how many more a start is put off")
    parser.add_argument("--seconds", type=float, default=Size.seconds, help="how many are measured")
    parser.add_argument("--before", type=int, default=Size.before, help="runs of each before that")
    parser.add_argument(
        "--only", action="append", choices=[*map(str, SET_UPS)], default=[], help="one set-up"
    )
    given = vars(parser.parse_args())
    Console(width=140).print(measure(only=given.pop("only"), size=Size(**given)))
