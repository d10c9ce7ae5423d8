"""A process that holds a node and writes to a file while it may: `lock_holder.py URL PREFIX NODE LEASE FILE`.

Each line of the file is the fence of its writer. SIGTERM makes it release. It ends with 3 when it finds out
that the node was lost, and then tells whether a release was still accepted.
"""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

from tasks.errors import LockLostError
from worker.lock import RedisSyncLock
from worker.redis_client import connect_url


def main(url: str, prefix: str, node: str, lease: str, file: str) -> int:
    lock = RedisSyncLock(connect_url(url), lease_seconds=float(lease), prefix=prefix)
    session = lock.acquire(node)
    lock.update_phase(session, "writing")
    asked: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: asked.append(number))
    print("acquired", session, lock.fence(session), flush=True)
    with Path(file).open("a") as output:
        while not asked:
            try:
                lock.check(session)
            except LockLostError as error:
                print("lost:", error, flush=True)
                print("late release:", lock.release(session, "succeeded"), flush=True)
                return 3
            output.write(f"{lock.fence(session)}\n")
            output.flush()
            time.sleep(0.01)
    print("release:", lock.release(session, "succeeded"), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
