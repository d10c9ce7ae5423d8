"""The benches of scale: what they report is true of what they ran, and the simulation is one of queues."""

from __future__ import annotations

import heapq
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench import scale, simulation
from bench.scale import SetUp, Size, carry_out, delays_of
from bench.scale_apps.noted import Run
from bench.simulation import Event, Plant, served, served_apart, simulate


def test_a_run_is_due_one_period_after_the_one_before_was_sent() -> None:
    runs = [
        Run("a", 0.0, 0.5, 0.6),
        Run("a", 5.0, 5.25, 5.3),
        Run("a", 12.0, 12.5, 12.6),  # a turn of beat that came two seconds late
        Run("b", 11.0, 11.0, 11.1),
    ]
    assert delays_of(reversed(runs), 5.0, since=5.0) == [0.25, 2.5]
    assert delays_of(runs, 5.0, since=6.0) == [2.5]


def test_empty_tasks_run_by_beat_and_worker(tmp_path: Path) -> None:
    found = carry_out(SetUp("sqlite", 1, 1), Size(tasks=4, every=1, seconds=4.0), tmp_path / "site")
    assert found.starved == 0
    assert found.runs_per_second > 0
    assert len(found.delays) >= 4
    assert found.worker_ms > 0 < found.beat_ms
    assert found.redis_calls > 4


def queue(arrivals: list[float], each: float, servers: int) -> list[float]:
    """The same by a heap of servers, one piece of work after the other."""
    free = [0.0] * servers
    done = []
    for at in arrivals:
        began = max(at, heapq.heappop(free))
        heapq.heappush(free, began + each)
        done.append(began + each)
    return done


@pytest.mark.parametrize("servers", [1, 3, 50])
@pytest.mark.parametrize("each", [0.001, 0.9, 7.0])
def test_the_arithmetic_of_queues_is_that_of_servers_one_by_one(servers: int, each: float) -> None:
    arrivals = np.sort(np.random.default_rng(7).random(200) * 60)
    assert served(arrivals, each, servers) == pytest.approx(queue(list(arrivals), each, servers))


def test_each_group_waits_for_itself_only() -> None:
    chance = np.random.default_rng(8)
    arrivals, groups = chance.random(300) * 100, chance.integers(0, 9, 300)
    done = served_apart(arrivals, groups, 1.5)
    for group in range(9):
        mine = groups == group
        order = np.argsort(arrivals[mine])
        assert done[mine][order] == pytest.approx(queue(list(arrivals[mine][order]), 1.5, 1))


PLANT = Plant(tasks=600, tokens=60, workers=2, shards=3, database_cores=1, every=100.0)
OUTAGE = Event(began=50.0, ended=150.0)


def test_the_same_seed_gives_the_same_and_another_one_other_figures() -> None:
    assert simulate(PLANT) == simulate(PLANT) != simulate(PLANT, seed=2)


def test_after_an_outage_each_task_has_one_turn_to_make_up_for_or_none() -> None:
    usual = simulate(PLANT, seconds=300.0)
    caught_up = simulate(PLANT, OUTAGE, seconds=300.0)
    skipped = simulate(PLANT, Event(began=50.0, ended=150.0, catch_up=False), seconds=300.0)
    assert usual.runs == 3 * PLANT.tasks
    assert caught_up.runs + caught_up.left_out == usual.runs
    assert skipped.runs == usual.runs - PLANT.tasks
    assert skipped.left_out == PLANT.tasks
    assert caught_up.p99 > 5 * skipped.p99


def test_a_shard_that_is_away_takes_only_its_own_tasks_along() -> None:
    lost = simulate(PLANT, Event(began=50.0, ended=150.0, shard=1, catch_up=False), seconds=300.0)
    assert lost.left_out == PLANT.tasks // PLANT.shards


def test_jitter_flattens_the_herd() -> None:
    herd = simulate(PLANT, OUTAGE, seconds=300.0)
    spread = simulate(replace(PLANT, jitter=50.0), OUTAGE, seconds=300.0)
    assert spread.runs == herd.runs
    assert spread.p99 < herd.p99 / 2


def test_what_is_due_more_often_than_it_can_be_made_is_seen() -> None:
    found = simulate(replace(PLANT, every=5.0))
    assert found.budget == 2
    assert found.last > 5


def test_all_scenarios_are_told() -> None:
    table = simulation.measure(quick=True)
    assert table.row_count == 7
    assert str(table.title).startswith("2,000 tasks")
    assert scale.QUICK.tasks < scale.Size().tasks
