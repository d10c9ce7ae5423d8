"""What Flower's `/metrics` tells beside what Flower knows: whether the schedule is kept, and who held an event loop."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping

import redis
from prometheus_client import Metric
from prometheus_client.registry import Collector

from config import Settings, shards
from tasks.registry import load_anew, load_tasks
from tasks.scheduled import Scheduled
from worker.metrics.schedule import schedule_metrics
from worker.pool.holds import Held, Holds
from worker.redis_client import connect, impatient
from worker.reload import News, Watch, watched
from worker.schedule.claims import Claims
from worker.schedule.overbooking import periods_of

log = logging.getLogger(__name__)

#: Seconds for which a page waits for Redis.
PATIENCE = 1.0


class Metrics(Collector):
    """Read from Redis whenever somebody asks; while Redis does not answer there are none of them."""

    def __init__(self, settings: Settings) -> None:
        self._tasks: Mapping[str, Scheduled] = load_tasks(settings)
        #: What changes in the tasks is taken over.
        self.changes = Watch(settings, self._read_anew, watched(settings.tasks), on_news=lambda _: None)
        self._clients = [impatient(connect(place), PATIENCE) for place in shards.all_of(settings)]

    def _read_anew(self, settings: Settings) -> News:
        self._tasks = load_anew(settings)
        return News(list(self._tasks.values()), {})

    def describe(self) -> list[Metric]:
        """Nothing: to be registered must not take a Redis that answers."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The metrics as they are now."""
        left_out: dict[str, int] = {}
        holds: dict[str, Held] = {}
        try:
            for client in self._clients:
                left_out |= Claims(client).left_out()
                holds |= Holds(client).all()
        except redis.RedisError as error:
            log.warning("The metrics of the schedule cannot be read: %s", error)
            return
        tasks = self._tasks
        yield from schedule_metrics(left_out, holds.values(), periods_of(tasks.values()), tasks)
