"""One run of a history, crashed around each of its effects in turn."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any

from tasks import ConflictMode
from tests.world.rounds import History, begin, play, play_round, run
from tests.world.services import FIELDS, fold, joined
from tests.world.task import WorldJournal
from tests.world.world import World

#: Runs without a crash after which nothing may be left to do.
ENOUGH = 10


def sweep(history: History, rng: Random) -> Counter[str]:
    """Crash the last run of a history before and after each effect; what was done, counted.

    After each crash the run is started again, sometimes to crash again, and then left alone. What both
    services show at the end must be what they show without any crash, and every value that is in the ledger
    then must be in it too.
    """
    world, journal = begin(history)
    for each in history.rounds[:-1]:
        play_round(world, journal, history.mode, each)
    for edit in history.rounds[-1].edits:
        play(world, edit)
    world.faults = {}
    whole, whole_journal = copy.deepcopy((world, journal))
    before = world.reached["batch - next"]
    effects = to_quiet(whole, whole_journal, history.mode)
    done = Counter(histories=1, effects=effects, idle=not effects)
    done["between batches"] = whole.reached["batch - next"] - before
    for number, when in places(effects):
        hurt, hurt_journal = copy.deepcopy((world, journal))
        crash(hurt, hurt_journal, history.mode, number, when)
        done["points"] += 1
        for _ in range(rng.choice((0, 0, 0, 1, 3))):
            again = rng.choice(("before", "after"))
            done["crashes in a row"] += crash(hurt, hurt_journal, history.mode, rng.randrange(effects), again)
        to_quiet(hurt, hurt_journal, history.mode)
        what = f"crashed {when} effect {number} of {effects}"
        if shown(hurt) != shown(whole):
            assert only_winners_differ(hurt, whole), f"{what}: {shown(hurt)} instead of {shown(whole)}"
            done["other winner"] += 1
        assert kept(hurt) >= kept(whole), f"{what}: not in the ledger: {kept(whole) - kept(hurt)}"
    return done


def places(effects: int) -> Iterator[tuple[int, str]]:
    """Before and after each effect."""
    for number in range(effects):
        yield number, "before"
        yield number, "after"


def crash(world: World, journal: WorldJournal, mode: ConflictMode, number: int, when: str) -> bool:
    """A run that crashes around one of its effects, if it comes so far."""
    world.faults = {number: f"crash-{when}"}
    crashed = run(world, journal, mode) == "crashed"
    assert crashed is (number < world.effects)
    return crashed


def to_quiet(world: World, journal: WorldJournal, mode: ConflictMode) -> int:
    """Run until nothing is written any more; the effects of the first run."""
    world.faults, first = {}, 0
    for number in range(ENOUGH):
        world.writes = 0
        world.clock += timedelta(days=2)
        status = run(world, journal, mode)
        assert status in ("succeeded", "conflicts", "halted"), status
        first = first if number else world.effects
        # What a listing may lack yet is awaited for some runs.
        if number >= (6 if world.traits.deltas else 1) and not world.writes:
            return first
    raise AssertionError("every run writes something")


def shown(world: World) -> dict[str, list[Any]]:
    """What both services show, without ids."""
    exact = (lambda value: value) if not world.traits.folds else fold
    return {
        side: sorted(
            [obj.values["Token"], *(exact(obj.values[name]) for name in FIELDS)] for obj in objs.values()
        )
        for side, objs in world.sides.items()
    }


def only_winners_differ(hurt: World, whole: World) -> bool:
    """Whether nothing but the winner of a conflict is another one, with both values in the ledger.

    A task that writes attribute by attribute, or one value to both sides, can be cut off between two writes:
    the first one makes its object look edited later than it was.
    """
    if not (hurt.traits.piecemeal or hurt.traits.resolver) or not hurt.equal_values():
        return False
    for obj in hurt.sides["notion"].values():
        expected = whole.find("notion", obj.values["Token"])
        if expected is None:
            return False
        for name in FIELDS:
            values = {obj.values[name], expected.values[name]}
            rows = [row for row in kept(hurt) & kept(whole) if row[0] == name]
            if len(values) > 1 and not any(values <= {*row[1:], joined(*row[1:])} for row in rows):
                return False
    return len(hurt.sides["notion"]) == len(whole.sides["notion"])


def kept(world: World) -> set[tuple[Any, ...]]:
    """What is in the ledger, as far as it is about values."""
    return {(c.attribute, c.first.value, c.second.value) for c in world.ledger if c.attribute is not None}
