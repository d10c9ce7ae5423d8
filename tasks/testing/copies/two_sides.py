"""A copy in memory of a task of two sides: what is mapped and by which rules, between stand-ins for the services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from tasks.errors import TaskDefinitionError
from tasks.mapping import Pair
from tasks.services.found import services
from tasks.sides import Attribute, End, Kind, Listing, Option, Side
from tasks.testing.copies.memory import POLICIES, MemoryObject, MemorySide
from tasks.two_way import TwoWay

#: What an attribute is of which nobody knows the kind before the service is asked.
UNKNOWN = Attribute(Kind.TEXT)


class CopySide(Side):
    """Keeps objects in memory, with the attributes that another side is known to have."""

    def __init__(self, label: str, attributes: Mapping[str, Attribute], title: str) -> None:
        self.label = label
        self.attributes = dict(attributes)
        self.title_name = title
        self.place = MemorySide(label)

    def describe(self) -> Mapping[str, Attribute]:
        """The attributes that are mapped."""
        return self.attributes

    async def list(self) -> Listing:
        """All of them."""
        return Listing(self.place.all())

    def id(self, obj: MemoryObject) -> str:
        """Its id."""
        return obj.id

    def key(self, obj: MemoryObject) -> str:
        """Its title."""
        return str(obj.values.get(self.title_name))

    def edited(self, obj: MemoryObject) -> Any:
        """When it was edited last."""
        return obj.edited

    def values(self, obj: MemoryObject) -> dict[str, Any]:
        """Its values."""
        return {name: obj.values.get(name) for name in self.attributes}

    async def create(self, key: str, values: Mapping[str, Any]) -> MemoryObject:
        """Make one."""
        return self.place.create(values)

    async def update(self, obj: MemoryObject, changes: Mapping[str, Any]) -> MemoryObject:
        """Set some values."""
        there = self.place.objects.get(obj.id)
        return self.place.update(obj.id, {**(there.values if there is not None else {}), **changes})

    async def delete(self, obj: MemoryObject) -> None:
        """Delete it."""
        self.place.delete(obj.id)


class CopyOfTwo(TwoWay):
    """A task of two sides in memory.

    Arguments:
        task: What is copied; nothing of it is called but its resolver, which is pure.

    Raises:
        TaskDefinitionError: nothing is known of what goes where before its sides are read.
    """

    def __init__(self, task: TwoWay) -> None:
        pairs, attributes = mapped(task)
        if not pairs:
            raise TaskDefinitionError(
                f"task {task.name!r}: what goes where is chosen when its sides are read, so there is nothing to try "
                "yet: write the pairs of attributes down, in [sync.map] or as its mapping"
            )
        titles = {end: pairs[0].at(end) for end in End}
        sides = {
            end: CopySide(task.sides[end].label, attributes[end], title) for end, title in titles.items()
        }
        super().__init__(
            task.name, sides[End.LEFT], sides[End.RIGHT], None, task.conflict_mode, ends=task.end_words
        )
        self.pairs = pairs
        for policy in POLICIES:
            if hasattr(task, policy):
                setattr(self, policy, getattr(task, policy))
        for end, side in sides.items():
            side.granularity = task.sides[end].granularity

    def advance(self, time: timedelta) -> None:
        """Let time pass on both sides."""
        for side in self.sides.values():
            if isinstance(side, CopySide):
                side.place.now += time


def known_attributes(side: Side) -> Mapping[str, Attribute]:
    """What the objects of a side always have, as its service announces it; nothing where that depends on the place."""
    here = type(side).__module__
    for found in services().values():
        if any(here == point.module or here.startswith(f"{point.module}.") for point in found.points):
            return found.load().attributes
    return {}


def mapped(task: TwoWay) -> tuple[tuple[Pair, ...], dict[End, dict[str, Attribute]]]:
    """The pairs of a task, the title's first, and what each end has of them.

    An attribute whose kind is not known here is taken to be of the kind across; of options that the mapping names.
    """
    known = {end: known_attributes(task.sides[end]) for end in End}
    pairs = task.pairs or _usual(known)
    attributes: dict[End, dict[str, Attribute]] = {end: {} for end in End}
    for pair in pairs:
        for end in End:
            across = known[end.opposite].get(pair.at(end.opposite), UNKNOWN)
            attributes[end][pair.at(end)] = known[end].get(pair.at(end)) or _guessed(pair, end, across)
    return tuple(sorted(pairs, key=lambda pair: not _is_title(pair, attributes))), attributes


def _usual(known: Mapping[End, Mapping[str, Attribute]]) -> tuple[Pair, ...]:
    names = {
        name for attributes in known.values() for name, one in attributes.items() if one.meaning != "done"
    }
    return tuple(Pair(name, name) for name in sorted(names))


def _guessed(pair: Pair, end: End, across: Attribute) -> Attribute:
    options: Sequence[str] = (
        list(pair.values) if end is End.LEFT else [str(one) for one in pair.values.values()]
    )
    if options:
        return Attribute(Kind.CHOICE, options=tuple(Option(one) for one in dict.fromkeys(options)))
    return across


def _is_title(pair: Pair, attributes: Mapping[End, Mapping[str, Attribute]]) -> bool:
    return any(attributes[end][pair.at(end)].meaning == "title" for end in End)
