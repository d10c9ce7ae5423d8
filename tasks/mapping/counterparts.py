"""References on their way across: the ids of one end as those of the other, by the links of a task. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tasks.sides import ID, End
from tasks.values.opaque import Opaque
from tasks.values.references import Linked, References

#: Stands in a base for what it named that is linked no more, so that the base is kept anew.
_NO_MORE = ""


@dataclass(slots=True)
class Counterparts:
    """Which objects are linked, as a run knows it. Before it knows, none is."""

    pairs: Mapping[tuple[End, ID], Linked] = field(default_factory=dict)
    #: Linked objects of which one is not there, so that nothing follows from references to them in this run.
    doubtful: frozenset[Linked] = frozenset()
    #: Tells with what another object is linked, where `pairs` are not all.
    ask: Callable[[End, ID], Linked | None] | None = None

    def know(
        self,
        links: Iterable[Linked],
        doubtful: Collection[Linked] = (),
        ask: Callable[[End, ID], Linked | None] | None = None,
    ) -> None:
        """Take these for what is linked, and ask of others."""
        self.doubtful, self.ask = frozenset(doubtful), ask
        self.pairs = {
            (end, one): pair
            for pair in links
            if pair not in self.doubtful
            for end, one in zip(End, pair, strict=True)
        }

    def pair(self, end: End, one: ID) -> Linked | None:
        """The linked objects of which one is meant; `None` where it is not linked, or in doubt."""
        found = self.pairs.get((end, one))
        if found is None and self.ask is not None:
            found = self.ask(end, one)
        return None if found in self.doubtful else found

    def seen(self, end: End, ids: Iterable[ID]) -> References:
        """What these ids of an end mean."""
        own = set(ids)
        found = {one: pair for one in own if (pair := self.pair(end, one)) is not None}
        return References(tuple(sorted(set(found.values()))), tuple(sorted(own - found.keys())))

    def again(self, end: End, value: Any) -> Any:
        """What a value of an end means by now."""
        return self.seen(end, ids_of(end, value)) if isinstance(value, References) else value

    def agreed(self, value: Any) -> Any:
        """What a base still says: what is in doubt is left out for now, what is linked no more for good."""
        if not isinstance(value, References):
            return value
        kept = tuple(pair for pair in value.links if self.pair(End.LEFT, pair[0]) == pair)
        gone = set(value.links) - set(kept) - self.doubtful
        return References(kept, (*value.alone, _NO_MORE) if gone else value.alone)


def ids_of(end: End, value: References) -> tuple[ID, ...]:
    """The ids that an end shows for a value of its own."""
    linked = (pair[end is End.RIGHT] for pair in value.links)
    return (*linked, *(one for one in value.alone if one != _NO_MORE))


def with_doubtful(
    old: Mapping[str, Any], new: Mapping[str, Any], doubtful: Collection[Linked]
) -> dict[str, Any]:
    """New values for a base that goes on to know what is in doubt."""
    kept = dict(new)
    for name, value in new.items():
        before = old.get(name)
        if isinstance(value, References) and isinstance(before, References):
            kept[name] = value.with_links({*value.links, *(set(before.links) & set(doubtful))})
    return kept


@dataclass(frozen=True, slots=True)
class ByLinks:
    """References at both ends, each by the ids of its own objects. What has no counterpart stays where it is."""

    #: The task whose links say what belongs together; empty for the one that has this mapping.
    task: str = ""
    #: The ends that refer to one object only.
    single: frozenset[End] = frozenset()
    form: str = ""
    known: Counterparts = field(default_factory=Counterparts, compare=False)

    def common(self, end: End, value: Any) -> Any:
        """The linked objects that ids stand for."""
        if isinstance(value, Opaque):
            return value
        ids = () if value is None else value
        if not isinstance(ids, tuple | list | set | frozenset) or not all(
            isinstance(one, str) for one in ids
        ):
            return Opaque(f"a value of another kind than was said ({type(value).__name__})", odd=True)
        return self.known.seen(end, ids)

    def native(self, end: End, common: Any, current: Any = None) -> Any:
        """The ids of an end; those without a counterpart that it has already stay, where there is room."""
        if isinstance(common, Opaque):
            return common if current is None else current
        wanted = [pair[end is End.RIGHT] for pair in common.links] if isinstance(common, References) else []
        if current is None:  # what is brought back has all that it had
            return tuple(sorted(ids_of(end, common))) if isinstance(common, References) else ()
        shown = () if isinstance(current, Opaque) else tuple(current)
        kept = [one for one in shown if self.known.pair(end, one) is None and one not in wanted]
        if end not in self.single:
            return tuple(sorted({*wanted, *kept}))
        return tuple([one for one in wanted if one in shown][:1] or wanted[:1] or kept[:1])

    def is_coarse(self, end: End) -> bool:
        """Never: the common form holds all ids of its end."""
        return False
