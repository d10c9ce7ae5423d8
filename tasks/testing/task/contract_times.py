"""What the times of a task's objects promise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tasks.conflict_modes import ConflictMode
from tasks.testing.calling import answer
from tasks.testing.equality import SIDES, across
from tasks.testing.histories.reading import Seen
from tasks.testing.invariants import BrokenError, Invariant
from tasks.testing.task.contract import Contract


async def times(contract: Contract) -> None:
    """Times have zones and go forward with each edit."""
    for side in SIDES:
        contract.told.clear()
        seen = await contract.make(side, "k1")
        before = await _edited(contract, side, seen)
        attribute, value = contract.some_change(seen)
        after = await _edited(contract, side, await contract.set(side, seen, attribute, value))
        if before is not None and after is not None and after < before:
            raise BrokenError(
                Invariant.CLOCKS, f"{side}_timestamp goes back with an edit: {before} -> {after}"
            )


async def clocks(contract: Contract) -> None:
    """The side that was edited later says so."""
    advance = contract.setup.advance
    modes = {contract.task.conflict_mode, *map(ConflictMode, contract.task.conflict_modes.values())}
    if advance is None or ConflictMode.NEWER not in modes:
        return
    gap = max(contract.task.notion_granularity, contract.task.other_granularity, timedelta(minutes=1))
    for first in SIDES:
        contract.told.clear()
        seen = {side: await contract.make(side, "k1" if first == "notion" else "k2") for side in SIDES}
        edited = {}
        for side in (first, across(first)):
            contract.told.append("time passes")
            advance(contract.task, 3 * gap)
            attribute, value = contract.some_change(seen[side])
            edited[side] = await _edited(
                contract, side, await contract.set(side, seen[side], attribute, value)
            )
        early, late = edited[first], edited[across(first)]
        if early is not None and late is not None and late - early < gap:
            raise BrokenError(
                Invariant.CLOCKS,
                f"{first} was edited {3 * gap} before {across(first)}, and the times say {early} and {late}: in a "
                "conflict the older edit would win",
            )


async def _edited(contract: Contract, side: str, seen: Seen) -> datetime | None:
    moment = await answer(getattr(contract.task, f"{side}_timestamp")(seen.obj))
    if moment is None:
        return None
    if not isinstance(moment, datetime):
        raise BrokenError(
            Invariant.CLOCKS,
            f"{side}_timestamp must give a datetime or None, not {type(moment).__name__}: {moment!r}",
        )
    if moment.utcoffset() is None:
        raise BrokenError(
            Invariant.CLOCKS,
            f"{side}_timestamp gives {moment.isoformat()} without a zone: it would be taken for UTC, which a local "
            "time is not. Add tzinfo",
        )
    return moment.astimezone(UTC)


#: The checks of this module.
CHECKS = (times, clocks)
