"""Runs many sessions, each in a process of its own: `crash_runs.py REDIS_URL`, with a JSON list on stdin.

Each entry is `{"dir": …, "at": …, "when": …}`: the directory of an installation and the effect at which its
process kills itself. The processes are forked from this one, so that Python need not start anew for each.
Printed is a JSON list of `[signal or 0, "status: reason", effects]`.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
from pathlib import Path
from typing import Any

from tests.harness.sides import ProbeSpec
from tests.worker.session.crash_probe import CrashTask, Effects
from worker.lock import RedisSyncLock
from worker.redis_client import connect_url
from worker.session.run import run_session
from worker.store import Store

LEASE = 1.0
AT_ONCE = 4


async def session(url: str, directory: Path, effects: Effects) -> tuple[str, list[str]]:
    """One session in this process."""
    effects.install()
    task = CrashTask(ProbeSpec(), directory / "sides", effects)
    task.run_every(minutes=1)
    task.state_path = directory / "probe.json"
    store = Store(f"sqlite:///{directory / 'lockstep.db'}")
    store.migrate()
    client = connect_url(url)
    lock = RedisSyncLock(client, lease_seconds=LEASE, prefix=directory.name)
    record = await run_session(task, store=store, lock=lock)
    lock.close()
    client.close()
    store.close()
    return f"{record.status}: {record.reason}", effects.names


def fork(url: str, order: dict[str, Any]) -> int:
    """Start a session in a new process; its pid."""
    pid = os.fork()
    if pid:
        return pid
    directory = Path(order["dir"])
    try:
        ended = asyncio.run(session(url, directory, Effects(order["at"], order["when"])))
        (directory / "ended.json").write_text(json.dumps(ended))
    except BaseException as error:
        (directory / "ended.json").write_text(json.dumps((f"{type(error).__name__}: {error}", [])))
    finally:
        os._exit(0)


def main(url: str) -> None:
    orders = json.load(sys.stdin)
    gc.freeze()
    signals: dict[str, int] = {}
    at_work: dict[int, str] = {}
    for order in [*orders, *[None] * AT_ONCE]:
        while at_work and (order is None or len(at_work) >= AT_ONCE):
            pid, status = os.wait()
            signals[at_work.pop(pid)] = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        if order is not None:
            Path(order["dir"], "ended.json").unlink(missing_ok=True)
            at_work[fork(url, order)] = order["dir"]
    ends = []
    for order in orders:
        file = Path(order["dir"], "ended.json")
        ends.append([signals[order["dir"]], *(json.loads(file.read_text()) if file.exists() else ("", []))])
    json.dump(ends, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
