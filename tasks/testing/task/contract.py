"""What every method of a task promises, tried one by one on fresh sides."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from tasks.sync_task.task import wrote
from tasks.testing.calling import answer
from tasks.testing.equality import SIDES, across, agree, alike, is_blank
from tasks.testing.histories.history import TOKENS
from tasks.testing.histories.people import TaskPerson
from tasks.testing.histories.player import Setup
from tasks.testing.histories.reading import Seen, listing, look, native, native_values, opened
from tasks.testing.invariants import BrokenError, Invariant
from tasks.testing.wording import listed, shown

#: Objects that are made to see whether a listing shows all of them.
MANY = 12


class Contract:
    """One check on one fresh task; `told` says what was done, `skipped` which methods were left out, and why."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.task = setup.make_task()
        self.alphabet = setup.alphabet
        self.told: list[str] = []
        self.skipped: dict[str, str] = {}
        self.people = {
            side: setup.people[side](self.task) if side in setup.people else TaskPerson(self.task, side)
            for side in SIDES
        }
        self.engine = {side: TaskPerson(self.task, side) for side in SIDES}

    async def run(self, check: Callable[[Contract], Awaitable[None]]) -> BrokenError | None:
        """What the check found broken, if it did."""
        try:
            async with opened(self.task):
                await check(self)
        except BrokenError as broken:
            return broken
        except Exception as error:
            last = self.told[-1] if self.told else "opening"
            return BrokenError(Invariant.CONTRACT, f"{last}: raises {type(error).__name__}: {error}")
        return None

    # -- doing ----------------------------------------------------------------------------------------------

    async def make(self, side: str, token: str, values: Mapping[str, Any] | None = None) -> Seen:
        """Make an object as the engine does, and see to it that what is returned is what is listed."""
        filled = self.alphabet.filled(token, values or {})
        self.told.append(f"{side}_create_obj({listed(native_values(self.task, side, filled))})")
        made = await self.engine[side].create(native_values(self.task, side, filled))
        if made is None:
            raise BrokenError(Invariant.CONTRACT, f"{side}_create_obj must return the object that it made")
        seen = await look(self.task, side, made)
        now = {one.id: one for one in await self.all(side)}
        if seen.id not in now:
            raise BrokenError(
                Invariant.PARTIAL,
                f"{side}_create_obj returned {seen.id}, and a listing that says it is complete does not show it",
            )
        for name, value in seen.values.items():
            if not alike(value, now[seen.id].values[name]):
                raise BrokenError(
                    Invariant.CONTRACT,
                    f"{side}_create_obj returns an object with {name}={shown(value)}, and the listing shows "
                    f"{shown(now[seen.id].values[name])}",
                )
        return now[seen.id]

    async def all(self, side: str) -> list[Seen]:
        """All objects of a side."""
        return await listing(self.task, side)

    async def find(self, side: str, obj_id: str) -> Seen | None:
        """One object of the listing."""
        return next((one for one in await self.all(side) if one.id == obj_id), None)

    async def set(self, side: str, seen: Seen, attribute: str, value: Any) -> Seen:
        """Set an attribute as the engine does; the object as it is listed then."""
        name = native(self.task, side, attribute)
        batched = wrote(self.task, f"{side}_update_attrs")
        method = f"{side}_update_attrs" if batched else f"{side}_update_obj"
        self.told.append(f"{method}({name}={shown(value)})")
        returned = await self.engine[side].update(seen.obj, name, value)
        now = await self.find(side, seen.id)
        if now is None:
            raise BrokenError(
                Invariant.STABLE_IDS,
                f"{method} of {name}: the object {seen.id} is not listed under its id any more",
            )
        if (
            batched
            and returned is not None
            and not alike((await look(self.task, side, returned)).values[attribute], now.values[attribute])
        ):
            raise BrokenError(
                Invariant.PROOF_FIRST,
                f"{method} must return the object as it is now; it shows another {name}",
            )
        return now

    def agree(self, attribute: str, notion: Any, other: Any) -> bool:
        """Whether both sides show the same."""
        return agree(self.task, attribute, notion, other)

    def some_change(self, seen: Seen) -> tuple[str, Any]:
        """An attribute and a value that an object does not have."""
        for attribute, tried in self.alphabet.values.items():
            for value in tried:
                if not alike(seen.values[attribute], value):
                    return attribute, value
        key = self.alphabet.key
        names = [*self.alphabet.names["k1"], *self.alphabet.names["k2"]]
        return key, next(name for name in names if not alike(seen.values[key], name))


async def creates(contract: Contract) -> None:
    """A new object shows every value that it was given."""
    for side in SIDES:
        contract.told.clear()
        base = await contract.make(across(side), "k1")
        seen = await contract.make(side, "k1", _rest(contract, base))
        for name, value in base.values.items():
            if contract.agree(name, *_in_order(side, seen.values[name], value)):
                continue
            raise BrokenError(
                Invariant.CONVERGENCE if is_blank(seen.values[name]) else Invariant.FIXPOINT,
                f"{side}_create_obj was given {native(contract.task, side, name)}={shown(value)}, and the object "
                f"shows {shown(seen.values[name])}",
            )
        for one in SIDES:
            for left in await contract.all(one):
                await contract.engine[one].delete(left.obj)


def _rest(contract: Contract, seen: Seen) -> dict[str, Any]:
    return {name: value for name, value in seen.values.items() if name != contract.alphabet.key}


def _in_order(side: str, mine: Any, theirs: Any) -> tuple[Any, Any]:
    return (mine, theirs) if side == "notion" else (theirs, mine)


async def ids(contract: Contract) -> None:
    """The id of an object stays the same, and is its own."""
    for side in SIDES:
        contract.told.clear()
        made = [await contract.make(side, token) for token in TOKENS[:2]]
        if made[0].id == made[1].id:
            raise BrokenError(Invariant.STABLE_IDS, f"{side}_id is {made[0].id!r} for two objects")
        contract.told.append(f"get_{side}_objects() twice")
        listings = [sorted(one.id for one in await contract.all(side)) for _ in range(2)]
        if len(listings[0]) != len(listings[1]):
            raise BrokenError(
                Invariant.PARTIAL,
                f"the listing of {side}, which says it is complete, shows {len(listings[0])} objects and then "
                f"{len(listings[1])}, with no edit between",
            )
        if listings[0] != listings[1]:
            raise BrokenError(Invariant.STABLE_IDS, f"{side}_id is not the same in two listings: {listings}")


async def hashes(contract: Contract) -> None:
    """A pair has one hash, and it stays the same from listing to listing."""
    seen = {side: await contract.make(side, "k1") for side in SIDES}
    for side in SIDES:
        again = await contract.find(side, seen[side].id)
        if again is None or str(again.hash) != str(seen[side].hash):
            raise BrokenError(
                Invariant.STATE_LOSS,
                f"{side}_hash of an unchanged object is {seen[side].hash!r} and then {again and again.hash!r}: without "
                "its memory the task would double every object",
            )
    if seen["notion"].values != seen["other"].values and not all(
        contract.agree(name, value, seen["other"].values[name])
        for name, value in seen["notion"].values.items()
    ):
        return  # another check tells of that
    ours, theirs = seen["notion"].hash, seen["other"].hash
    if str(ours) != str(theirs):
        raise BrokenError(
            Invariant.STATE_LOSS,
            f"notion_hash is {ours!r} and other_hash {theirs!r} for two objects with the same values: they are not "
            "paired, so a first sync doubles them",
        )


async def updates(contract: Contract) -> None:
    """An update changes the attribute that it names, and no other one."""
    values = {**contract.alphabet.values, contract.alphabet.key: contract.alphabet.names["k1"]}
    for side in SIDES:
        contract.told.clear()
        seen = await contract.make(side, "k1")
        for attribute, tried in values.items():
            for value in tried:
                del contract.told[1:]
                before = seen
                seen = await contract.set(side, before, attribute, value)
                if (
                    not alike(before.values[attribute], value)
                    and alike(before.values[attribute], seen.values[attribute])
                    and not _is_lossy(contract, side, attribute)
                ):
                    name = native(contract.task, side, attribute)
                    raise BrokenError(
                        Invariant.CONVERGENCE,
                        f"an update of {name} in {side} from {shown(before.values[attribute])} to {shown(value)} "
                        "leaves the old value",
                    )
                for rest in contract.task.attr_map:
                    if rest != attribute and not alike(before.values[rest], seen.values[rest]):
                        raise BrokenError(
                            Invariant.NO_LOST_UPDATE,
                            f"an update of {attribute} in {side} changes {rest} as well, "
                            f"from {shown(before.values[rest])} to {shown(seen.values[rest])}",
                        )


def _is_lossy(contract: Contract, side: str, attribute: str) -> bool:
    lossy = contract.task.lossy.get(attribute)
    return lossy is not None and lossy.side == side


async def fixpoints(contract: Contract) -> None:
    """A value that crosses over and comes back is what it was."""
    values = {**contract.alphabet.values, contract.alphabet.key: contract.alphabet.names["k1"]}
    seen = {side: await contract.make(side, "k1") for side in SIDES}
    for attribute, tried in values.items():
        for start in SIDES:
            end = across(start)
            for value in tried:
                del contract.told[2:]
                here = await contract.set(start, seen[start], attribute, value)
                first = here.values[attribute]
                there = await contract.set(end, seen[end], attribute, first)
                crossed = there.values[attribute]
                if not contract.agree(attribute, *_in_order(start, first, crossed)):
                    raise BrokenError(
                        Invariant.FIXPOINT,
                        f"{attribute}: {start} shows {shown(first)}; written to {end} it shows {shown(crossed)}. Let "
                        "to_dict and the writes of both sides speak one form, or declare the attribute lossy",
                    )
                again = await contract.set(end, there, attribute, crossed)
                if not alike(again.values[attribute], crossed):
                    raise BrokenError(
                        Invariant.FIXPOINT,
                        f"{attribute} in {end} shows {shown(crossed)}; the same written again shows "
                        f"{shown(again.values[attribute])}",
                    )
                seen = {start: here, end: again}


async def deletions(contract: Contract) -> None:
    """A deleted object is gone, and only that one."""
    for side in SIDES:
        contract.told.clear()
        gone, stays = [await contract.make(side, token) for token in TOKENS[:2]]
        live = await answer(getattr(contract.task, f"{side}_is_gone")(stays.id))
        if wrote(contract.task, f"{side}_is_gone") and live:
            raise BrokenError(
                Invariant.PARTIAL, f"{side}_is_gone says that an object is deleted that is listed"
            )
        contract.told.append(f"{side}_delete_obj({gone.id})")
        await contract.engine[side].delete(gone.obj)
        for _ in range(2):
            left = [one.id for one in await contract.all(side)]
            if gone.id in left:
                raise BrokenError(
                    Invariant.NO_RESURRECTION,
                    f"{side}_delete_obj was called for {gone.id}, which is still listed",
                )
            if stays.id not in left:
                raise BrokenError(
                    Invariant.PARTIAL, f"{side}_delete_obj of {gone.id} took {stays.id} away as well"
                )
        if not await answer(getattr(contract.task, f"{side}_is_gone")(gone.id)):
            raise BrokenError(
                Invariant.CONVERGENCE,
                f"{side}_is_gone does not say that a deleted object is deleted, so its counterpart would stay for ever",
            )


async def listings(contract: Contract) -> None:
    """A listing shows all objects."""
    key = contract.alphabet.key
    for side in SIDES:
        names = [name for names in contract.alphabet.names.values() for name in dict.fromkeys(names)][:MANY]
        made = []
        contract.told = []
        for name in names:
            del contract.told[:]
            made.append((await contract.make(side, "k1", {key: name})).id)
        contract.told = [f"{len(names)} objects made in {side}", f"get_{side}_objects()"]
        missing = sorted(set(made) - {one.id for one in await contract.all(side)})
        if missing:
            raise BrokenError(
                Invariant.PARTIAL,
                f"{len(made)} objects were made in {side}, and the listing, which says it is complete, lacks "
                f"{len(missing)} of them",
            )


#: The checks of this module, in the order in which they are made.
CHECKS = (creates, ids, hashes, listings, updates, fixpoints, deletions)
