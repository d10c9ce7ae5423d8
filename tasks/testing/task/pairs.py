"""What both sides of a task promise together: that they speak one form, know a pair by its key, and agree on time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tasks.conflict_modes import ConflictMode
from tasks.testing.equality import SIDES, across, alike, is_blank
from tasks.testing.invariants import BrokenError, Invariant
from tasks.testing.sides.reading import edited
from tasks.testing.task.trials import TaskTrial
from tasks.testing.wording import shown


async def creates(trial: TaskTrial) -> None:
    """A new object shows every value that its counterpart shows."""
    for side in SIDES:
        trial.told.clear()
        base = trial.common(across(side), await trial.make(across(side), "k1"))
        rest = {name: value for name, value in base.items() if name != trial.alphabet.key}
        seen = trial.common(side, await trial.make(side, "k1", rest))
        for name, value in base.items():
            if trial.agree(name, *_in_order(side, seen[name], value)):
                continue
            raise BrokenError(
                Invariant.CONVERGENCE if is_blank(seen[name]) else Invariant.FIXPOINT,
                f"{trial.sides[side].name('create')} was given {trial.reader.native(side, name)}={shown(value)}, and "
                f"the object shows {shown(seen[name])}",
            )
        for one in SIDES:
            for left in (await trial.sides[one].all()).values():
                await trial.sides[one].ask("delete", left.obj)


def _in_order(side: str, mine: Any, theirs: Any) -> tuple[Any, Any]:
    return (mine, theirs) if side == "notion" else (theirs, mine)


async def keys(trial: TaskTrial) -> None:
    """A pair has one key."""
    seen = {side: await trial.make(side, "k1") for side in SIDES}
    ours, theirs = (trial.common(side, seen[side]) for side in SIDES)
    if not all(trial.agree(name, value, theirs[name]) for name, value in ours.items()):
        return  # another check tells of that
    names = {side: trial.sides[side].name("key") for side in SIDES}
    if seen["notion"].key != seen["other"].key:
        raise BrokenError(
            Invariant.STATE_LOSS,
            f"{names['notion']} is {seen['notion'].key!r} and {names['other']} {seen['other'].key!r} for two objects "
            "with the same values: they are not paired, so a first sync doubles them",
        )


async def fixpoints(trial: TaskTrial) -> None:
    """A value that crosses over and comes back is what it was."""
    values = {**trial.alphabet.values, trial.alphabet.key: trial.alphabet.names["k1"]}
    seen = {side: await trial.make(side, "k1") for side in SIDES}
    for attribute, tried in values.items():
        for start in SIDES:
            end = across(start)
            for value in tried:
                del trial.told[2:]
                here = await trial.set(start, seen[start], attribute, value)
                first = trial.common(start, here)[attribute]
                there = await trial.set(end, seen[end], attribute, first)
                crossed = trial.common(end, there)[attribute]
                if not trial.agree(attribute, *_in_order(start, first, crossed)):
                    raise BrokenError(
                        Invariant.FIXPOINT,
                        f"{attribute}: {start} shows {shown(first)}; written to {end} it shows {shown(crossed)}. Let "
                        "to_dict and the writes of both sides speak one form, or declare the attribute lossy",
                    )
                again = await trial.set(end, there, attribute, crossed)
                after = trial.common(end, again)[attribute]
                if not alike(after, crossed):
                    raise BrokenError(
                        Invariant.FIXPOINT,
                        f"{attribute} in {end} shows {shown(crossed)}; the same written again shows {shown(after)}",
                    )
                seen = {start: here, end: again}


async def clocks(trial: TaskTrial) -> None:
    """The side that was edited later says so."""
    advance, task = trial.setup.advance, trial.task
    modes = {task.conflict_mode, *map(ConflictMode, task.conflict_modes.values())}
    if advance is None or ConflictMode.NEWER not in modes:
        return
    gap = max(*(side.granularity for side in trial.reader.sides.values()), timedelta(minutes=1))
    for first in SIDES:
        trial.told.clear()
        seen = {side: await trial.make(side, "k1" if first == "notion" else "k2") for side in SIDES}
        times = {}
        for side in (first, across(first)):
            trial.told.append("time passes")
            advance(task, 3 * gap)
            one = trial.sides[side]
            now = await one.change(seen[side], dict([one.some_change(seen[side])]))
            times[side] = await edited(one, now)
        early, late = times[first], times[across(first)]
        if early is not None and late is not None and late - early < gap:
            raise BrokenError(
                Invariant.CLOCKS,
                f"{first} was edited {3 * gap} before {across(first)}, and the times say {early} and {late}: in a "
                "conflict the older edit would win",
            )
