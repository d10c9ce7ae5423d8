"""A look at both sides before they are synced: what their objects have, and some values of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tasks.engine.calls import Calls, calls
from tasks.errors import ItemError
from tasks.mapping import Pair, propose
from tasks.sides import Attribute, End, Side
from tasks.values.opaque import Opaque

#: Seconds that a listing may take which only serves to show some values.
PATIENCE = 20.0
#: Objects that are looked at, and values of each attribute that are shown.
OBJECTS, VALUES = 40, 2


@dataclass(frozen=True, slots=True)
class Seen:
    """What one side showed."""

    label: str
    attributes: Mapping[str, Attribute]
    #: Some values by attribute; those that were asked for only.
    samples: Mapping[str, Sequence[Any]]
    #: How many objects there are; `None` where the listing was given up.
    objects: int | None


async def look(sides: Mapping[End, Side]) -> tuple[Mapping[End, Seen], tuple[Pair, ...]]:
    """What both sides have, and the pairs that may be kept in step.

    Raises:
        TaskError: a side cannot be reached, refuses the login, or has no such place.
    """
    async with calls("init") as caller:
        try:
            left, right = await asyncio.gather(*(_described(caller, end, sides[end]) for end in End))
            pairs = propose(left, right)
            seen = await asyncio.gather(
                *(
                    _seen(caller, end, sides[end], attributes, [pair.at(end) for pair in pairs])
                    for end, attributes in ((End.LEFT, left), (End.RIGHT, right))
                )
            )
            return dict(zip(End, seen, strict=True)), pairs
        finally:
            for end in End:
                await caller.call(end, sides[end].close)


async def _described(caller: Calls, end: End, side: Side) -> Mapping[str, Attribute]:
    await caller.call(end, side.open)
    await caller.call(end, side.recall, None, {})
    described: Mapping[str, Attribute] = await caller.call(end, side.describe)
    return described


async def _seen(
    caller: Calls, end: End, side: Side, attributes: Mapping[str, Attribute], names: Sequence[str]
) -> Seen:
    await caller.call(end, side.check, names)
    try:
        async with asyncio.timeout(PATIENCE):
            listed = await caller.call(end, side.list)
    except TimeoutError:
        return Seen(side.full_label, attributes, {}, None)
    samples: dict[str, list[Any]] = {name: [] for name in names}
    for obj in listed[:OBJECTS]:
        try:
            values = await caller.call(end, side.values, obj)
        except ItemError:  # it is left alone by runs as well, which tell of it
            continue
        for name, shown in samples.items():
            value = values.get(name)
            empty = value is None or value in ("", ()) or isinstance(value, Opaque)
            if not empty and value not in shown and len(shown) < VALUES:
                shown.append(value)
    return Seen(side.full_label, attributes, samples, len(listed))
