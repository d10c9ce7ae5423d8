"""Four worker processes with one token against a rate limiter: a budget in each process, and one for all.

`LOCKSTEP_BENCH_SECONDS` is how long each of the two is measured; 20 by default.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis
from pydantic import SecretStr
from rich.table import Table

from sandbox.notion import RateLimit, Sandbox
from tasks.services.notion import NotionClient
from worker import rate_limit
from worker.machine.child_process import tied
from worker.machine.redis_server import RedisServer
from worker.redis_client import connect_url

PROCESSES = 4
#: Tasks of each process; the first one of the first process has many requests at once, the others have few.
TASKS = 5
MANY, FEW = 40, 2
#: Requests per second that the limiter grants.
RATE = 3.0
TOKEN = SecretStr("ntn_bench")


@dataclass(frozen=True)
class Measured:
    """What the limiter saw from the first request on."""

    seconds: float
    #: Requests by the status of their answer.
    statuses: Counter[int]
    #: Requests of each task in the last minute, where that is known.
    tasks: dict[str, float]
    #: Seconds that a request waited on average, where that is known.
    waited: float | None

    @property
    def share(self) -> float:
        """Requests that were let through, as a share of those that the limiter grants."""
        return self.statuses[200] / (RATE * self.seconds)


def measure(*, quick: bool = False) -> Table:
    """Both ways, one after the other, each against a fresh limiter."""
    seconds = 1.0 if quick else float(os.environ.get("LOCKSTEP_BENCH_SECONDS", "20"))
    title = f"{PROCESSES} processes with {TASKS} tasks each, one token of {RATE:g} requests/s, {seconds:g} s"
    table = Table(title=title, title_justify="left")
    for header in ("", "requests/s", "share", "429s", "s waited", "requests of a task"):
        table.add_column(header, justify="right")
    for name, shared in (("a budget in each process", False), ("one budget in Redis", True)):
        found = run(seconds, shared=shared)
        table.add_row(
            name,
            f"{found.statuses[200] / found.seconds:.2f}",
            f"{found.share:.1%}",
            str(found.statuses[429]),
            "-" if found.waited is None else f"{found.waited:.1f}",
            f"{min(found.tasks.values()):.0f} to {max(found.tasks.values()):.0f}" if found.tasks else "-",
        )
    return table


def run(seconds: float, *, shared: bool) -> Measured:
    """Let the processes send all they may for so many seconds from their first request on."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        redis_server = stack.enter_context(RedisServer(folder))
        client = stack.enter_context(connect_url(redis_server.url))
        sandbox = stack.enter_context(Sandbox(rate_limit=RateLimit(per_second=RATE)))
        stack.enter_context(_workers(sandbox.url, redis_server.url if shared else ""))
        if not sandbox.counters.wait(1, 60):
            raise RuntimeError("no worker process has sent a request")
        time.sleep(seconds)
        return Measured(seconds, sandbox.counters.by_status(), *_use(client))


def _use(client: redis.Redis) -> tuple[dict[str, float], float | None]:
    """Requests of each task, and the average wait, as the shared budget tells them."""
    for budget in rate_limit.budgets(client):
        return {name: task.requests for name, task in budget.tasks.items()}, budget.waited / budget.requests
    return {}, None


@contextmanager
def _workers(url: str, redis_url: str) -> Iterator[None]:
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for number in range(PROCESSES):
            command = [sys.executable, "-m", "bench.rate_limit", url, redis_url, str(number)]
            processes.append(subprocess.Popen(tied(command), cwd=Path(__file__).parents[1]))
        yield
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()


async def work(url: str, number: int) -> None:
    """Send requests of all tasks of one process without end."""
    async with NotionClient(TOKEN, base_url=url) as notion:

        async def requests(task: int) -> None:
            busy = number == task == 0
            with rate_limit.spending(f"task {number}-{task}"):
                await asyncio.gather(*(one_after_the_other() for _ in range(MANY if busy else FEW)))

        async def one_after_the_other() -> None:
            while True:
                await notion.read("users/me", subject="the bench")

        await asyncio.gather(*(requests(task) for task in range(TASKS)))


if __name__ == "__main__":
    notion_url, redis_url, process = sys.argv[1:]
    if redis_url:
        rate_limit.share(connect_url(redis_url), rate=RATE)
    asyncio.run(work(notion_url, int(process)))
