"""What a side promises that can take an object out of its trash."""

from __future__ import annotations

from tasks.sync_task.task import wrote
from tasks.testing.calling import answer
from tasks.testing.equality import SIDES, alike
from tasks.testing.histories.history import TOKENS
from tasks.testing.histories.reading import look
from tasks.testing.invariants import BrokenError, Invariant
from tasks.testing.task.contract import Contract
from tasks.testing.wording import shown


async def restores(contract: Contract) -> None:
    """An object that was deleted and is restored is listed again, under its id and with its values."""
    for side in SIDES:
        method = f"{side}_restore_obj"
        if not wrote(contract.task, method):
            continue
        contract.told.clear()
        gone, stays = [await contract.make(side, token) for token in TOKENS[:2]]
        contract.told.append(f"{side}_delete_obj({gone.id})")
        await contract.engine[side].delete(gone.obj)
        before = {one.id for one in await contract.all(side)}
        contract.told.append(f"{method}({gone.id})")
        returned = await answer(getattr(contract.task, method)(gone.id))
        now = {one.id: one for one in await contract.all(side)}
        if returned is None or returned is NotImplemented:
            if now.keys() != before:
                raise BrokenError(
                    Invariant.NO_RESURRECTION,
                    f"{method} says that it restores nothing, and the listing shows other objects than before",
                )
            continue  # it is gone for good
        if gone.id not in now:
            raise BrokenError(
                Invariant.STABLE_IDS,
                f"{method} returns an object, and a listing that says it is complete does not show {gone.id}",
            )
        if now.keys() != {gone.id, stays.id}:
            raise BrokenError(
                Invariant.NO_RESURRECTION, f"{method} of {gone.id} changes what else {side} lists"
            )
        if (await look(contract.task, side, returned)).id != gone.id:
            raise BrokenError(Invariant.STABLE_IDS, f"{method} of {gone.id} returns another object")
        for name, value in gone.values.items():
            if not alike(value, now[gone.id].values[name]):
                raise BrokenError(
                    Invariant.NO_LOST_UPDATE,
                    f"{method} brings {gone.id} back with {name}={shown(now[gone.id].values[name])}; "
                    f"when it was deleted it was {shown(value)}",
                )


#: The checks of this module.
CHECKS = (restores,)
