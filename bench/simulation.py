"""A large installation, simulated: a million tasks, their tokens' budgets, workers, Redis in shards, one database.

Nothing runs but the arithmetic of queues. What a run costs was measured by `python -m bench scale` and `requests`
(`Costs`); what comes out is how late runs are, and what is used up first. The same seed gives the same figures.

Each task belongs to a token and a shard. Its runs are due every so many seconds from a phase of its own:

    due          none is sent in an outage; afterwards one is made up for, at once, spread by jitter, or left out
    -> beat      of its shard, one message after another
    -> Redis     of its shard, one command after another
    -> a worker  as many at a time as there are worker processes: each keeps one core busy at the most
    -> database  as many at a time as it has cores
    -> budget    of its token, one request after another
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Ints: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class Costs:
    """What one idle run takes, in seconds, as measured."""

    #: CPU of a worker process for one run.
    worker: float = 0.012
    #: CPU of a beat for one message.
    beat: float = 0.0026
    #: Time of one shard of Redis, which does one thing at a time: about 30 commands of 10 µs.
    redis: float = 0.0003
    #: Time that the database has one of its cores busy for a run: 4 transactions.
    database: float = 0.003
    #: Requests of one run to a service, and how many one token may make in a second.
    requests: float = 3.0
    rate: float = 3.0


@dataclass(frozen=True, slots=True)
class Plant:
    """What there is."""

    tasks: int = 1_000_000
    tokens: int = 100_000
    #: Worker processes, each of which keeps one core busy at the most.
    workers: int = 200
    shards: int = 16
    database_cores: int = 16
    #: Seconds between two runs of a task.
    every: float = 900.0
    #: Seconds by which each start is put off at most.
    jitter: float = 0.0
    costs: Costs = field(default_factory=Costs)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that breaks: no run is sent from `began` to `ended`, on one shard or on all."""

    began: float = 0.0
    ended: float = 0.0
    shard: int | None = None
    #: Whether a turn that was missed is made up for; else it is left out.
    catch_up: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a scenario."""

    runs: int
    left_out: int
    #: Seconds from when a run could be begun at the earliest to its end: median, 99 of 100, and the last.
    median: float
    p99: float
    last: float
    #: How much of its time each part was at work, from 0 to 1; of beats, shards and tokens the busiest one.
    beat: float
    redis: float
    workers: float
    budget: float
    database: float
    #: Seconds after the event until runs were no later than before; 0 without one.
    recovered: float


def served(arrivals: Floats, each: float, servers: int = 1) -> Floats:
    """When the work is done that comes at these times, in this order, to servers that are alike.

    All work takes the same time, so they come free in turn: each of them has every n-th piece. Of one server the k-th
    piece ends `each` after it came or the one before ended, whichever is later, and so `each * (k + 1)` after the
    latest time by which a piece until then came too late for an unbroken row.
    """
    done = np.empty_like(arrivals)
    for one in range(min(servers, len(arrivals))):
        mine = arrivals[one::servers]
        row = each * np.arange(len(mine))
        done[one::servers] = np.maximum.accumulate(mine - row) + row + each
    return done


def served_apart(arrivals: Floats, groups: Ints, each: float) -> Floats:
    """The same where each group has one server of its own."""
    order = np.lexsort((arrivals, groups))
    sorted_groups = groups[order]
    first = (
        np.concatenate(([True], sorted_groups[1:] != sorted_groups[:-1]))
        if len(groups)
        else np.empty(0, bool)
    )
    place = np.arange(len(groups))
    row = each * (place - np.maximum.accumulate(np.where(first, place, 0)))
    # Far enough apart that no group meets the one before.
    apart = sorted_groups * (2 * (float(arrivals.max(initial=0.0)) + each * (len(groups) + 1)))
    done = np.empty_like(arrivals)
    done[order] = np.maximum.accumulate(arrivals[order] - row + apart) - apart + row + each
    return done


def due(plant: Plant, event: Event, seconds: float, chance: np.random.Generator) -> tuple[Floats, Ints, int]:
    """When all runs can be sent, and of which task each is; and how many are left out."""
    phase = chance.random(plant.tasks) * plant.every
    numbers = np.arange(plant.tasks)
    shard = numbers % plant.shards
    there = np.ones(plant.tasks, bool) if event.shard is None else shard == event.shard
    times, tasks = [], []
    missed = np.zeros(plant.tasks, np.int64)
    for turn in range(math.ceil(seconds / plant.every) + 1):
        at = phase + turn * plant.every
        away = there & (at >= event.began) & (at < event.ended)
        missed += away
        sent = ~away & (at < seconds)
        times.append(at[sent])
        tasks.append(numbers[sent])
    left_out = int(missed.sum())
    if event.catch_up and event.ended:
        late = numbers[missed > 0]  # one turn is made up for, however many were missed
        left_out -= len(late)
        times.append(np.full(len(late), event.ended))
        tasks.append(late)
    at_all = np.concatenate(times)
    if plant.jitter:
        at_all = at_all + plant.jitter * chance.random(len(at_all))
    order = np.argsort(at_all, kind="stable")
    return at_all[order], np.concatenate(tasks)[order], left_out


def simulate(
    plant: Plant, event: Event | None = None, *, seconds: float | None = None, seed: int = 1
) -> Outcome:
    """One scenario, for one period unless told otherwise."""
    event = event or Event()
    seconds = seconds or plant.every
    costs = plant.costs
    at, task, left_out = due(plant, event, seconds, np.random.default_rng(seed))
    shard, token = task % plant.shards, task % plant.tokens
    budget = costs.requests / costs.rate
    there = served_apart(served_apart(at, shard, costs.beat), shard, costs.redis)
    order = np.argsort(there, kind="stable")
    worked = served(served(there[order], costs.worker, plant.workers), costs.database, plant.database_cores)
    done = np.empty_like(at)
    done[order] = served_apart(worked, token[order], budget)
    delays = done - at
    late = np.sort(delays)
    busiest = int(np.bincount(shard, minlength=1).max())
    after = (at >= event.ended) & (delays > 3 * budget + 1.0) if event.ended else np.zeros(len(at), bool)
    return Outcome(
        len(at),
        left_out,
        float(late[len(late) // 2]),
        float(late[int(len(late) * 0.99)]),
        float(late[-1]),
        busiest * costs.beat / seconds,
        busiest * costs.redis / seconds,
        len(at) * costs.worker / plant.workers / seconds,
        int(np.bincount(token, minlength=1).max()) * budget / seconds,
        len(at) * costs.database / plant.database_cores / seconds,
        max(float(done[after].max(initial=event.ended)) - event.ended, 0.0),
    )


def scenarios(plant: Plant) -> Iterator[tuple[str, Plant, Event | None, float]]:
    """What is asked of a plant: each with its name, and the seconds that are looked at."""
    every = plant.every
    down = Event(began=0.5 * every, ended=1.5 * every)
    yield "an ordinary day", plant, None, every
    yield "half of the workers", replace(plant, workers=max(plant.workers // 2, 1)), None, every
    yield "one shard, one beat", replace(plant, shards=1), None, every
    yield "a shard is away for a period", plant, replace(down, shard=0), 3 * every
    yield "all is away for a period, then catches up", plant, down, 3 * every
    yield "the same, with a jitter of half a period", replace(plant, jitter=every / 2), down, 3 * every
    yield 'the same, with `catch_up = "skip"`', plant, replace(down, catch_up=False), 3 * every


QUICK = Plant(tasks=2_000, tokens=200, workers=2, shards=2, database_cores=1)


def measure(*, quick: bool = False, plant: Plant | None = None) -> Table:
    """All scenarios."""
    plant = plant or (QUICK if quick else Plant())
    table = Table(
        "",
        "runs",
        "left out",
        "done after, s",
        "p99",
        "last",
        "back after, s",
        "beat",
        "Redis",
        "workers",
        "budget",
        "database",
        box=box.MARKDOWN,
        title=f"{plant.tasks:,} tasks every {plant.every:g} s, {plant.tokens:,} tokens, {plant.workers} workers, "
        f"{plant.shards} shards, {plant.database_cores} cores of the database",
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for name, of_it, event, seconds in scenarios(plant):
        found = simulate(of_it, event, seconds=seconds)
        table.add_row(
            name,
            f"{found.runs:,}",
            f"{found.left_out:,}",
            *(f"{each:.1f}" for each in (found.median, found.p99, found.last, found.recovered)),
            *(
                f"{each:.0%}"
                for each in (found.beat, found.redis, found.workers, found.budget, found.database)
            ),
        )
    costs = plant.costs
    table.caption = (
        f"A run: {costs.worker * 1000:g} ms of a worker, {costs.beat * 1000:g} of a beat, "
        f"{costs.redis * 1000:g} of Redis, {costs.database * 1000:g} of the database, "
        f"{costs.requests:g} requests at {costs.rate:g}/s for each token."
    )
    return table


if __name__ == "__main__":
    Console(width=150).print(measure(quick="--quick" in sys.argv[1:]))
