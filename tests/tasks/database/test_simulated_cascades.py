"""Seeded histories of nodes with foreign keys that act, judged by an oracle that knows the users' edits only."""

from __future__ import annotations

import os
from collections import Counter

import pytest

from tests.tasks.database.simulated import restores
from tests.tasks.database.simulated.cascades import REACHABLE, FamilyWorld

STEPS = 60
#: Histories; `make proof` plays many more.
WORLDS = int(os.environ.get("LOCKSTEP_NODE_WORLDS", "160"))
FIRST = int(os.environ.get("LOCKSTEP_NODE_SEED", "0"))


@pytest.mark.timeout(3600)
def test_nothing_goes_that_nobody_deleted(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("ERROR", logger="tasks.database.engine.engine")
    reach: Counter[str] = Counter()
    for seed in range(FIRST, FIRST + WORLDS):
        world = FamilyWorld(seed)
        faults = world.play(STEPS)
        assert not faults, f"FamilyWorld({seed}).play({STEPS}), {world.trace[0]}: {faults[:3]}"
        reach += world.reach
    print(f"{WORLDS} histories of {STEPS} steps:", dict(sorted(reach.items())))
    if WORLDS >= 150:
        assert not [kind for kind in (*REACHABLE, *restores.REACHABLE) if not reach[kind]]
