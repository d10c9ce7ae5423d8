"""A crash before and after every effect of a run ends where no crash would have.

Effects are the writes to both services and the entries in the journal. `LOCKSTEP_SWEEPS` is the number of
histories of which one run each is swept.
"""

from __future__ import annotations

import dataclasses
import os
from collections import Counter
from random import Random

import pytest

from tests.world import History, Round, chance
from tests.world.figures import report
from tests.world.sweep import sweep

SWEEPS = int(os.environ.get("LOCKSTEP_SWEEPS", "40"))

pytestmark = [
    pytest.mark.timeout(7200),
    pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning"),
]


def drawn(rng: Random) -> History:
    """A history without faults of its own, whose last run has much to do."""
    history = chance.history(rng, faults=False)
    start = {token: ("a", rng.choice(chance.TEXTS), "both") for token in ("k1", "k2", "k3", "k4")}
    moves = [chance.move(rng) for _ in range(rng.randint(3, 7))]
    moves += [("edit", rng.choice(chance.SIDES), "k4", "Note", "b"), ("both", "k2", "Title")]
    moves += [
        ("create", rng.choice(chance.SIDES), f"new{number}", "a", "b") for number in range(rng.randint(0, 2))
    ]
    if rng.random() < 0.3:  # more pairs to be linked than are kept at once
        moves += [("create", end, f"two{number}", "a", "b") for number in range(3) for end in chance.SIDES]
    rng.shuffle(moves)
    # What a service made of a cut-off write looks like an edit, and joined with the rest it is a third value.
    folds = history.traits.folds and not history.traits.resolver
    return dataclasses.replace(
        history,
        traits=dataclasses.replace(history.traits, folds=folds),
        start={**history.start, **start},
        rounds=(Round(), *history.rounds[:2], Round(tuple(moves))),
    )


def test_a_crash_around_any_effect_ends_where_no_crash_would_have() -> None:
    done: Counter[str] = Counter()
    for seed in range(SWEEPS):
        rng = Random(f"sweep {seed}")
        try:
            done += sweep(drawn(rng), rng)
        except AssertionError as error:
            raise AssertionError(f"{error} (seed {seed})") from error
    report("crash sweep", **done)
    assert done["points"] == 2 * done["effects"]
    assert done["points"] > 5 * SWEEPS
    assert done["crashes in a row"]
    assert done["between batches"]
