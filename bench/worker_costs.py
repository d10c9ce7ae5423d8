"""What a run costs a worker process that has many at once, beside what Celery alone costs it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from celery import Celery

from bench.scale_apps.noted import SENT, noted
from bench.site import READY, Running, Site

#: Tasks, and how often each runs before it is measured: its first runs keep what later ones find.
TASKS, QUICK_TASKS, BEFORE = 100, 4, 3
#: Runs that are measured of each task.
ROUNDS, QUICK_ROUNDS = 3, 1
#: Threads of the pool.
AT_ONCE = "32"


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one run, of many that were asked for at once."""

    cpu_seconds: float
    #: Commands that Redis carried out, the worker's own and those of the queue among them.
    commands: float


def empty_run(folder: Path, database_url: str | None, *, quick: bool = False) -> Cost:
    """A run of a task without objects, in a worker of Lockstep."""
    settings = {"LOCKSTEP_TASKS": "bench.scale_apps.empty"}
    with Site(folder, {**settings, **_size(quick=quick)}, database_url) as site:
        return _cost(
            site, "worker", lambda client, number: _send(client, f"sync.empty-{number}", {}), quick=quick
        )


def celery_alone(folder: Path) -> Cost:
    """A task that returns at once, in a worker of Celery with its own pool of threads."""
    with Site(folder, _size(quick=False)) as site:
        return _cost(
            site,
            "bench.scale_apps.plain",
            lambda client, number: _send(client, "empty", {"name": f"sync.empty-{number}"}),
            quick=False,
        )


def _size(*, quick: bool) -> dict[str, str]:
    return {"EMPTY_TASKS": str(QUICK_TASKS if quick else TASKS), "EMPTY_EVERY": "3600"}


def _send(client: Celery, name: str, kwargs: dict[str, str]) -> None:
    client.send_task(name, kwargs=kwargs, headers={SENT: time.time()}, ignore_result=True)


def _cost(site: Site, application: str, send: Callable[[Celery, int], None], *, quick: bool) -> Cost:
    worker = site.celery(application, "worker", "--concurrency", AT_ONCE, "--loglevel=INFO", ready=" ready.")
    client = Celery(broker=site.server.url)
    rounds, tasks = (QUICK_ROUNDS, QUICK_TASKS) if quick else (ROUNDS, TASKS)
    for before in range(BEFORE):
        _ask_for(client, send, tasks)
        _wait_for(site, worker, (before + 1) * tasks)
    cpu, commands = worker.use().cpu_seconds, site.redis_calls()
    for _ in range(rounds):
        _ask_for(client, send, tasks)
    _wait_for(site, worker, (BEFORE + rounds) * tasks)
    cpu, commands = worker.use().cpu_seconds - cpu, site.redis_calls() - commands
    client.close()
    runs = rounds * tasks
    return Cost(cpu / runs, commands / runs)


def _ask_for(client: Celery, send: Callable[[Celery, int], None], tasks: int) -> None:
    for number in range(tasks):
        send(client, number)


def _wait_for(site: Site, worker: Running, number: int) -> None:
    """Wait until so many runs have ended in all.

    Raises:
        RuntimeError: they do not.
    """
    give_up_at = time.monotonic() + READY
    while sum(1 for _ in noted(site.notes)) < number:
        if worker.process.poll() is not None or time.monotonic() > give_up_at:
            raise RuntimeError(f"the worker did not make {number} runs: {worker.log}")
        time.sleep(0.1)
