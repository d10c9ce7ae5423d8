"""The node lock beside redis-py's own, which knows no holder, phase, fence or takeover."""

from __future__ import annotations

import tempfile
from pathlib import Path

from rich.table import Table

from bench.timing import in_turns
from worker.lock import RedisSyncLock
from worker.machine.redis_server import RedisServer
from worker.redis_client import connect_url

TIMES = 300


def measure() -> Table:
    """Taking and freeing a lock."""
    with tempfile.TemporaryDirectory() as folder, RedisServer(Path(folder)) as server:
        client = connect_url(server.url)
        lock = RedisSyncLock(client)

        def ours() -> None:
            for _ in range(TIMES):
                lock.release(lock.acquire("node"), "succeeded")

        def theirs() -> None:
            for _ in range(TIMES):
                with client.lock("plain", timeout=30):
                    pass

        ours_each, theirs_each = (seconds / TIMES * 1e6 for seconds in in_turns(ours, theirs))
        lock.close()
        client.close()
    table = Table(title="Acquire and release", title_justify="left")
    for header in ("", "µs", "ratio"):
        table.add_column(header, justify="right")
    table.add_row("redis-py Lock", f"{theirs_each:.0f}", "1.00")
    table.add_row("RedisSyncLock", f"{ours_each:.0f}", f"{ours_each / theirs_each:.2f}")
    return table
