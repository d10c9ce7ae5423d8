"""What Flower's `/metrics` tells beside what Flower knows: whether the schedule is kept, and who held an event loop."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import redis
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from config import Settings
from tasks.registry import load_tasks
from worker.pool.holds import Holds
from worker.redis_client import connect, impatient
from worker.schedule.claims import Claims
from worker.schedule.overbooking import measure, periods_of

log = logging.getLogger(__name__)

#: Seconds for which a page waits for Redis.
PATIENCE = 1.0


class Metrics(Collector):
    """Read from Redis whenever somebody asks; while Redis does not answer there are none of them."""

    def __init__(self, settings: Settings) -> None:
        tasks = load_tasks(settings)
        self._tasks = frozenset(tasks)
        self._periods = periods_of(tasks.values())
        with connect(settings) as client:
            self._client = impatient(client, PATIENCE)

    def describe(self) -> list[Metric]:
        """Nothing: to be registered must not take a Redis that answers."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The metrics as they are now."""
        try:
            left_out, holds = Claims(self._client).left_out(), Holds(self._client).all()
        except redis.RedisError as error:
            log.warning("The metrics of the schedule cannot be read: %s", error)
            return
        yield from self._schedule(left_out)
        count = CounterMetricFamily(
            "lockstep_loop_holds", "Times that a task's coroutine blocked its worker.", labels=["task"]
        )
        seconds = CounterMetricFamily(
            "lockstep_loop_held_seconds", "Seconds for which a worker stood still by that.", labels=["task"]
        )
        for task, held in holds.items():
            if task in self._tasks:
                count.add_metric([task], held.count)
                seconds.add_metric([task], held.seconds)
        yield from (count, seconds)

    def _schedule(self, left_out: dict[str, int]) -> Iterator[Metric]:
        found = measure(left_out, self._periods)
        due = sum(1 / every for every in self._periods.values())
        for name, told, value in (
            ("overbooked", "Whether more runs are due than are made.", found is not None),
            ("due_runs_per_second", "Runs that are due by the periods of all tasks.", due),
            ("made_runs_per_second", "Runs that are made of them.", found.made if found else due),
            (
                "late_tasks",
                "Tasks that still waited when they were due again.",
                found.late if found else 0,
            ),
        ):
            yield GaugeMetricFamily(f"lockstep_schedule_{name}", told, value)
        turns = GaugeMetricFamily(
            "lockstep_task_turns_left_out",
            "Turns in a row that a task missed, since its last one still waited in the queue.",
            labels=["task"],
        )
        for name in self._periods:
            turns.add_metric([name], left_out.get(name, 0))
        yield turns
