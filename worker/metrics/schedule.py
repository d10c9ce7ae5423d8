"""Whether the schedule is kept, and who held an event loop: what Redis tells by itself, and Flower shows as well."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from prometheus_client import Metric

from worker.metrics.catalogue import family
from worker.pool.holds import Held
from worker.schedule.overbooking import measure


def schedule_metrics(
    left_out: Mapping[str, int], holds: Collection[Held], periods: Mapping[str, float], tasks: Collection[str]
) -> Iterator[Metric]:
    """The metrics.

    Args:
        left_out: how many turns of each entry were left out in a row.
        holds: whose coroutines held a worker's loop.
        periods: the seconds between two runs of each task that has a period.
        tasks: the tasks that are defined.
    """
    found = measure(left_out, periods)
    due = sum(1 / every for every in periods.values())
    for name, value in (
        ("overbooked", found is not None),
        ("due_runs_per_second", due),
        ("made_runs_per_second", found.made if found else due),
        ("late_tasks", found.late if found else 0),
    ):
        told = family(f"lockstep_schedule_{name}")
        told.add_metric([], float(value))
        yield told
    turns = family("lockstep_task_turns_left_out")
    for name in periods:
        turns.add_metric([name], left_out.get(name, 0))
    count, seconds = family("lockstep_loop_holds"), family("lockstep_loop_held_seconds")
    for held in holds:
        if held.task in tasks:
            count.add_metric([held.task], held.count)
            seconds.add_metric([held.task], held.seconds)
    yield from (turns, count, seconds)
