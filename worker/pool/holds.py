"""Coroutines that held a worker's event loop: told in the log, and kept in Redis for status and metrics."""

from __future__ import annotations

import json
import logging
import os
import socket
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import redis

from worker.pool import event_loop
from worker.pool.event_loop import Call
from worker.pool.loop_watch import Hold
from worker.telling.numbers import some

log = logging.getLogger(__name__)

#: One hash each, of task -> how often it held a loop, for how many seconds in all, and the last time as JSON.
COUNT, SECONDS, LAST = (f"lockstep:holds:{part}" for part in ("count", "seconds", "last"))


@dataclass(frozen=True, slots=True)
class Held:
    """How often and how long one task's coroutines held a worker's loop."""

    task: str
    count: int
    seconds: float
    #: Of the last time: when, in which worker, and where they stood.
    at: datetime
    worker: str
    where: str

    def __str__(self) -> str:
        return (
            f"{self.task} blocked a worker's event loop {some(self.count, 'time')}, for {self.seconds:.0f} s in all, "
            f"in which no run of that worker went on: last at {self.at:%Y-%m-%d %H:%M:%S} UTC on {self.worker}, "
            f"{self.where}"
        )

    def to_json(self) -> dict[str, Any]:
        """The same for scripts."""
        return {**asdict(self), "at": self.at.isoformat()}


class Holds:
    """The records in Redis. Every method may raise `redis.RedisError`."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def found(self, task: str, where: str, at: float) -> None:
        """A hold began."""
        last = {"at": at, "where": where, "worker": f"{socket.gethostname()}:{os.getpid()}"}
        pipeline = self._client.pipeline()
        pipeline.hincrby(COUNT, task, 1)
        pipeline.hset(LAST, task, json.dumps(last))
        pipeline.execute()

    def over(self, task: str, seconds: float) -> None:
        """It ended, after so long."""
        self._client.hincrbyfloat(SECONDS, task, seconds)

    def all(self) -> Mapping[str, Held]:
        """What is known, by task."""
        pipeline = self._client.pipeline(transaction=False)
        for key in (COUNT, SECONDS, LAST):
            pipeline.hgetall(key)
        counts, seconds, lasts = pipeline.execute()
        found = {}
        for task, text in lasts.items():
            last = json.loads(text)
            found[task] = Held(
                task=task,
                count=int(counts.get(task, 0)),
                seconds=float(seconds.get(task, 0)),
                at=datetime.fromtimestamp(last["at"], UTC),
                worker=last["worker"],
                where=last["where"],
            )
        return found


_holds: Holds | None = None


def share(client: redis.Redis) -> None:
    """Keep what this process finds in the Redis of `client` from now on."""
    global _holds  # noqa: PLW0603  there is one loop per process
    _holds = Holds(client)


def unshare() -> None:
    """Keep nothing more."""
    global _holds  # noqa: PLW0603
    _holds = None


def tell_hold(hold: Hold[Call[Any]]) -> None:
    """Tell of a hold, once, and let the run that it is know of it."""
    call, holds = hold.owner, _holds
    if call is not None and call.watcher is not None:
        call.watcher.held(hold.seconds, over=hold.stage == "over")
    if hold.stage == "lasts":
        return
    name = call.name if call is not None else ""
    if hold.stage == "found":
        log.warning(
            "%s holds the event loop: it blocks at %s, and no other run of this worker goes on until it is done. "
            "Await what takes its time, or make the method a plain function.",
            f"Task {name!r}" if name else "A coroutine",
            hold.where,
        )
    else:
        log.info(
            "%s held the event loop for %.1f s.", f"Task {name!r}" if name else "A coroutine", hold.seconds
        )
    if holds is not None and name:
        event_loop.process_loop().apart(_keep, holds, name, hold, time.time())


def _keep(holds: Holds, name: str, hold: Hold[Any], at: float) -> None:
    try:
        if hold.stage == "found":
            holds.found(name, hold.where, at)
        else:
            holds.over(name, hold.seconds)
    except redis.RedisError as error:
        log.debug("That %s held the event loop could not be kept: %s", name, error)
