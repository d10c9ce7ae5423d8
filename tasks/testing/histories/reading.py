"""What both sides show at a moment, read through the task's own listing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tasks.sync_task.task import SyncTask
from tasks.testing.calling import answer
from tasks.testing.equality import SIDES
from tasks.testing.invariants import BrokenError, Invariant


@dataclass(frozen=True, slots=True)
class Seen:
    """One object as its side shows it."""

    id: str
    #: By Notion attribute, on both sides.
    values: Mapping[str, Any]
    hash: Any = field(default=None, compare=False)
    obj: Any = field(default=None, compare=False, repr=False)


@asynccontextmanager
async def opened(task: SyncTask) -> AsyncIterator[None]:
    """The task with its clients open, as in a run."""
    try:
        await answer(task.open())
        await answer(task.check())
        yield
    finally:
        await answer(task.close())


def native(task: SyncTask, side: str, attribute: str) -> str:
    """A side's own name of an attribute."""
    return attribute if side == "notion" else task.attr_map[attribute]


def native_values(task: SyncTask, side: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by a side's own names."""
    return {native(task, side, attribute): value for attribute, value in values.items()}


async def look(task: SyncTask, side: str, obj: Any) -> Seen:
    """One object in the common form.

    Raises:
        BrokenError: the task cannot say what the object shows.
    """
    obj_id = await answer(getattr(task, f"{side}_id")(obj))
    if obj_id is None or str(obj_id) == "":
        raise BrokenError(
            Invariant.CONTRACT, f"{side}_id gives {obj_id!r}; every object has an id that is a text"
        )
    shown = await answer(getattr(task, f"{side}_to_dict")(obj))
    values = {}
    for attribute in task.attr_map:
        name = native(task, side, attribute)
        if not isinstance(shown, Mapping) or name not in shown:
            raise BrokenError(
                Invariant.CONTRACT,
                f"{side}_to_dict does not give {name!r}, which attr_map names; it gives {shown!r}",
            )
        values[attribute] = shown[name]
    return Seen(str(obj_id), values, await answer(getattr(task, f"{side}_hash")(obj)), obj)


async def listing(task: SyncTask, side: str) -> list[Seen]:
    """All objects of a side.

    Raises:
        BrokenError: the listing is none, or names an object twice.
    """
    listed = await answer(getattr(task, f"get_{side}_objects")())
    if not isinstance(listed, list | tuple):
        raise BrokenError(
            Invariant.CONTRACT,
            f"get_{side}_objects must return a list or a Listing, not {type(listed).__name__}",
        )
    partial = getattr(listed, "partial", None)
    if partial is not None:
        raise BrokenError(
            Invariant.PARTIAL,
            f"the listing of {side} says that it is partial ({partial}) on a side that holds a few objects only, so "
            "no deletion would ever be carried across",
        )
    seen = [await look(task, side, obj) for obj in listed]
    ids = [one.id for one in seen]
    twice = sorted({one for one in ids if ids.count(one) > 1})
    if twice:
        raise BrokenError(Invariant.STABLE_IDS, f"the listing of {side} names {twice[0]} more than once")
    return seen


async def both(task: SyncTask) -> dict[str, list[Seen]]:
    """All objects of both sides."""
    return {side: await listing(task, side) for side in SIDES}
