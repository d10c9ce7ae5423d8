"""What a listing of changes promises, where a task offers one."""

from __future__ import annotations

from typing import Any

from tasks.sides.listing import Changes
from tasks.sync_task.task import wrote
from tasks.testing.calling import answer
from tasks.testing.equality import SIDES, alike
from tasks.testing.histories.history import TOKENS
from tasks.testing.histories.reading import Seen, look
from tasks.testing.invariants import BrokenError, Invariant
from tasks.testing.task.contract import Contract


async def deltas(contract: Contract) -> None:
    """Changes since a cursor agree with the full listing."""
    for side in SIDES:
        if not wrote(contract.task, f"{side}_changes"):
            continue
        contract.told.clear()
        edited, gone, _ = [await contract.make(side, token) for token in TOKENS[:3]]
        cursor = getattr(await answer(getattr(contract.task, f"get_{side}_objects")()), "cursor", None)
        if cursor is None:  # a side that lists little needs none
            why = f"get_{side}_objects gave no cursor for so few objects"
            contract.skipped |= dict.fromkeys((f"{side}_changes", f"{side}_get_obj"), why)
            continue
        attribute, value = contract.some_change(edited)
        await contract.set(side, edited, attribute, value)
        await contract.make(side, TOKENS[3])
        contract.told.append(f"{side}_delete_obj({gone.id})")
        await contract.engine[side].delete(gone.obj)
        await _compare(contract, side, cursor, (edited.id, gone.id))


async def _compare(contract: Contract, side: str, cursor: Any, touched: tuple[str, str]) -> None:
    edited, gone = touched
    contract.told.append(f"{side}_changes({cursor!r})")
    changes = await answer(getattr(contract.task, f"{side}_changes")(cursor))
    if changes is NotImplemented:
        return
    if not isinstance(changes, Changes):
        raise BrokenError(
            Invariant.DELTAS, f"{side}_changes must return Changes, not {type(changes).__name__}"
        )
    full = {one.id: one for one in await contract.all(side)}
    named = {one.id: one for one in [await look(contract.task, side, obj) for obj in changes.changed]}
    missing = [
        one for one in full if one not in named and one not in touched and _is_new(contract, full[one])
    ]
    if edited not in named or missing:
        what = f"the edit of {edited}" if edited not in named else f"the new object {missing[0]}"
        raise BrokenError(
            Invariant.DELTAS, f"{side}_changes does not name {what}, which the full listing shows"
        )
    for one, seen in named.items():
        if one not in full:
            raise BrokenError(
                Invariant.DELTAS, f"{side}_changes names {one} as changed, which is not there any more"
            )
        if seen != full[one]:
            raise BrokenError(
                Invariant.DELTAS, f"{side}_changes shows {one} otherwise than the full listing does"
            )
    wrong = sorted(set(map(str, changes.deleted)) & full.keys())
    if wrong:
        raise BrokenError(
            Invariant.DELTAS, f"{side}_changes says that {wrong[0]} is deleted, which is listed"
        )
    get_obj = getattr(contract.task, f"{side}_get_obj")
    contract.told.append(f"{side}_get_obj of both")
    alone = await answer(get_obj(edited))
    if alone is None or await look(contract.task, side, alone) != full[edited]:
        raise BrokenError(Invariant.DELTAS, f"{side}_get_obj({edited!r}) is not what the full listing shows")
    if await answer(get_obj(gone)) is not None:
        raise BrokenError(
            Invariant.DELTAS, f"{side}_get_obj gives an object that was deleted; it must give None"
        )


def _is_new(contract: Contract, seen: Seen) -> bool:
    return alike(seen.values[contract.alphabet.key], contract.alphabet.names[TOKENS[3]][0])


#: The checks of this module.
CHECKS = (deltas,)
