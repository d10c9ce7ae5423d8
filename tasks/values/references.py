"""References to other objects, as both sides have them in common: which linked objects are meant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from tasks.values.plain import PLAIN

#: The ids of two linked objects, the left one first.
Linked: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True)
class References:
    """What an object of one side refers to.

    Equal for values that mean the same linked objects: what has no counterpart says nothing across, and is neither an
    edit nor anybody's loss.
    """

    #: The objects that are linked, sorted.
    links: tuple[Linked, ...] = ()
    #: The ids of those that are not, on the side that shows them, sorted.
    alone: tuple[str, ...] = field(default=(), compare=False)
    #: What people call the linked ones, in their order; empty where nobody asked.
    titles: tuple[str, ...] = field(default=(), compare=False, repr=False)

    def __str__(self) -> str:
        """Their titles, where these are known; what is not linked by its id."""
        known = [title or left for title, (left, _) in zip(self.titles, self.links, strict=False)]
        known = known or [left for left, _ in self.links]
        return ", ".join([*known, *(f"{one} (not linked)" for one in self.alone if one)])

    def with_titles(self, titles: Mapping[Linked, str]) -> References:
        """The same, called as people do."""
        return replace(self, titles=tuple(titles.get(pair, "") for pair in self.links))

    @property
    def carried(self) -> References:
        """What goes across of it."""
        return References(self.links)

    def with_links(self, links: Iterable[Linked]) -> References:
        """The same with other linked objects."""
        return References(tuple(sorted(set(links))), self.alone)


def tells_more(value: Any, base: Any) -> bool:
    """Whether a value names other objects without a counterpart than its base does, which means the same."""
    return isinstance(value, References) and isinstance(base, References) and value.alone != base.alone


def untitled(value: Any) -> Any:
    """A value without what people call the objects in it."""
    kind = type(value)
    if kind in PLAIN or (kind is dict and PLAIN.issuperset(map(type, value.values()))):
        return value
    match value:
        case References(titles=titles) if titles:
            return replace(value, titles=())
        case Mapping() if not all(type(part) in PLAIN for part in value.values()):
            return {name: untitled(part) for name, part in value.items()}
        case list():
            return [untitled(part) for part in value]
    return value
