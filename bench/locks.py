"""The node lock beside redis-py's own, which knows no holder, phase, fence or takeover."""

from __future__ import annotations

import tempfile
from pathlib import Path

from rich.table import Table

from bench.timing import cpu_in_turns, in_turns
from worker.lock import RedisSyncLock
from worker.machine.redis_server import RedisServer
from worker.redis_client import connect_url

TIMES = 300


def measure() -> Table:
    """Taking and freeing a lock."""
    with tempfile.TemporaryDirectory() as folder, RedisServer(Path(folder)) as server:
        client = connect_url(server.url)
        lock = RedisSyncLock(client)
        lock.ready()

        def ours() -> None:
            for _ in range(TIMES):
                lock.release(lock.acquire("node"), "succeeded")

        def theirs() -> None:
            for _ in range(TIMES):
                with client.lock("plain", timeout=30):
                    pass

        times = [seconds / TIMES * 1e6 for seconds in in_turns(theirs, ours)]
        used = [seconds / TIMES * 1e6 for seconds in cpu_in_turns(theirs, ours)]
        lock.close()
        client.close()
    table = Table(title="Acquire and release", title_justify="left")
    for header in ("", "µs", "ratio", "CPU µs", "ratio"):
        table.add_column(header, justify="right")
    for name, each, cpu in zip(("redis-py Lock", "RedisSyncLock"), times, used, strict=True):
        table.add_row(name, f"{each:.0f}", f"{each / times[0]:.2f}", f"{cpu:.0f}", f"{cpu / used[0]:.2f}")
    return table
