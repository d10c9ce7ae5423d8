"""The signs of life of a worker, from a thread of their own: also while its main loop is held up, and saying so."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import redis
from celery.worker import state as _state

from worker.pool.task_pool import TaskPool
from worker.signs import WORKER, Definition, Life
from worker.signs.record import SILENT

log = logging.getLogger(__name__)

#: Celery's requests, of which its stubs know too little.
state: Any = _state

#: Seconds between two looks at whether a sign is due.
LOOK = 1.0
#: Seconds between two turns of the main loop that are noted.
TURN = 2.0
#: Seconds that the end of a worker waits for its thread, which may be waiting for Redis.
PATIENCE = 1.0


class WorkerLife:
    """Gives the signs of one worker until it ends."""

    def __init__(
        self,
        worker: Any,
        client: redis.Redis,
        tasks: Mapping[str, Definition],
        tell: Callable[[], Mapping[str, Any]] | None = None,
    ) -> None:
        """`worker` is Celery's, with the consumer that it has by now; `tell` says what else there is to tell."""
        self._worker = worker
        self._more = tell or dict
        self._client = client
        self._life = Life(WORKER, client, tasks=tasks, name=str(worker.hostname), tell=self._told)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="signs of life", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def read(self, tasks: Mapping[str, Definition]) -> None:
        """These are the tasks that the worker has by now."""
        self._life.read(tasks)

    def end(self) -> None:
        """Give the last sign; safe to repeat."""
        if self._stop.is_set():
            return
        self._stop.set()
        self._thread.join(PATIENCE)
        self._life.end()
        self._client.close()

    def _work(self) -> None:
        stopping = False
        while not self._stop.is_set():
            if not stopping and self._worker.is_stopping:
                stopping = True
                self._life.hurry()
            try:
                self._life.give()
            except (redis.ConnectionError, redis.TimeoutError) as error:
                log.debug("No sign of life could be given: %s", error)  # the consumer tells of the outage
            except Exception:
                # Whatever fails here must not end the signs, nor the worker.
                log.warning("No sign of life could be given.", exc_info=True)
            self._stop.wait(LOOK)

    def _told(self) -> dict[str, Any]:
        worker = self._worker
        turned = getattr(worker.consumer, "turned_at", None)
        hangs = turned is None or time.monotonic() - turned > SILENT
        return {
            "pool": "threads" if isinstance(worker.pool, TaskPool) else "prefork",
            "concurrency": worker.concurrency,
            "queues": sorted(worker.app.amqp.queues.consume_from),
            "takes": not hangs and not worker.is_stopping,
            "stopping": worker.is_stopping,
            "running": _running(),
            **self._more(),
        }


def _running() -> list[tuple[str, float]]:
    """The messages at work: the task of each, and for how many seconds."""
    now = time.time()
    return [
        (str(request.name), round(max(now - request.time_start, 0.0), 3))
        for request in tuple(state.requests.values())
        if request in state.active_requests and request.time_start
    ]
