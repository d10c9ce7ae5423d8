"""Seeded histories of several nodes under faults, judged by an oracle that shares no code with the engine."""

from __future__ import annotations

import os
import re
from collections import Counter

import pytest

from tests.tasks.database.simulated import restores
from tests.tasks.database.simulated.world import REACHABLE, World

#: Steps of one history; a step is an edit, a run, a fault.
STEPS = 60
#: Histories; `make proof` plays many more.
WORLDS = int(os.environ.get("LOCKSTEP_NODE_WORLDS", "160"))
FIRST = int(os.environ.get("LOCKSTEP_NODE_SEED", "0"))


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("ERROR", logger="tasks.database.engine.engine")


@pytest.mark.timeout(3600)
def test_nodes_converge_and_lose_nothing() -> None:
    reach: Counter[str] = Counter()
    for seed in range(FIRST, FIRST + WORLDS):
        world = World(seed)
        faults = world.play(STEPS)
        assert not faults, f"World({seed}).play({STEPS}), {world.trace[0]}: {faults[:3]}"
        reach += world.reach
    print(f"{WORLDS} histories of {STEPS} steps:", dict(sorted(reach.items())))
    if WORLDS >= 150:
        assert not [kind for kind in (*REACHABLE, *restores.REACHABLE) if not reach[kind]]


@pytest.mark.parametrize("seed", range(3))
def test_the_same_seed_gives_the_same_trace(seed: int) -> None:
    one, other = World(seed), World(seed)
    one.play(STEPS)
    other.play(STEPS)
    assert one.trace == other.trace
    # No two marks of exchanges are alike, in no world.
    first, second = (re.sub(r"'[0-9a-f]{8,16}'", "", world.everything()) for world in (one, other))
    assert first == second
