"""The lock of the demo's task in the hands of the tour, so that no run comes between."""

from __future__ import annotations

import time

from worker.demo.stage import TASK, Stage, StageError
from worker.lock import NodeBusyError, RedisSyncLock
from worker.machine.state_directory import reachable_redis

#: Seconds within which a step must have come about.
PATIENCE = 60.0


class Holding:
    """The node's lock in this process's hands, taken between two runs."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def __enter__(self) -> str:
        client = reachable_redis(self._stage.settings)
        if client is None:
            raise StageError("demo: the Redis of `lockstep up` is gone")
        self._client = client
        self._lock = RedisSyncLock(client)
        give_up_at = time.monotonic() + PATIENCE
        while True:
            try:
                self._session = self._lock.acquire(TASK)
            except NodeBusyError:
                if time.monotonic() > give_up_at:
                    raise
                time.sleep(0.05)
            else:
                return self._session

    def __exit__(self, *_: object) -> None:
        self._lock.release(self._session, "succeeded")
        self._lock.close()
        self._client.close()
