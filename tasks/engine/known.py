"""The links of a run, as far as it has to know them: those of some objects, or all of them.

A run that reads changes only looks up the links of what changed, and of what a plan may speak of without a change; the
others are only counted. A link that was looked up is kept: it is the base from before the run.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, ItemsView, Iterable, Iterator, Mapping, Sequence, ValuesView
from dataclasses import replace
from typing import Any

from tasks.journal.contract import Base, Journal, numbers_of
from tasks.merge import Link
from tasks.sides import ID, End
from tasks.values.references import Linked

#: Objects, by the end at which they are.
Ids = Mapping[End, Collection[ID]]


class Known:
    """What is known of the links of a task.

    Arguments:
        journal: where they are kept.
        base: what it recalls of the task without them.
    """

    def __init__(self, journal: Journal, base: Base) -> None:
        self._journal = journal
        self._numbers = Counter(base.others)
        #: What the run works on.
        self.base = base
        #: Whether that has every link.
        self.is_whole = False
        self._all: Sequence[Link] | None = None
        self._by_id: dict[End, dict[ID, Link]] = {}
        self._ids: dict[End, Collection[ID]] = {}
        #: What was asked for so far; `None` where there is no link.
        self._asked: dict[End, dict[ID, Link | None]] = {end: {} for end in End}
        #: With what objects are linked whose links were not asked for.
        self._partners: dict[tuple[End, ID], Linked | None] = {}
        self._loading = asyncio.Lock()

    @classmethod
    async def all_of(cls, journal: Journal) -> Known:
        """All links of a task."""
        known = cls(journal, await journal.recall())
        await known.load_all()
        return known

    async def load_all(self) -> None:
        """Have every link.

        Raises:
            StateError: one cannot be read.
        """
        async with self._loading:  # both sides may ask at once
            if self.is_whole:
                return
            if self._all is None:
                self._all = (await self._journal.load()).links
            self.base, self.is_whole = replace(self.base, links=self._all, others={}), True

    async def load_unsettled(self, attributes: Collection[str], ids: Ids) -> None:
        """Have the links of which a plan may say something though nothing changed, and those of these objects.

        Args:
            attributes: those that are kept in step.
            ids: other objects in question, by their end.

        Raises:
            StateError: one cannot be read.
        """
        if self.is_whole:
            return
        self._take(await self._journal.unsettled(attributes))
        waiting = _waiting(self.base)
        await self.load({end: {*waiting[end], *ids.get(end, ())} for end in End})

    async def load(self, ids: Ids) -> None:
        """Have the links of these objects, too.

        Raises:
            StateError: one cannot be read.
        """
        if self.is_whole:
            return
        for end in End:
            asked = self._asked[end]
            fresh = [one for one in ids.get(end, ()) if one and one not in asked]
            if fresh:
                self._take(await self._journal.links(end, fresh))
                for one in fresh:
                    asked.setdefault(one, None)
        self._renew()

    async def load_referring(self, pairs: Collection[Linked]) -> None:
        """Have the links whose bases refer to these objects, too.

        Raises:
            StateError: one cannot be read.
        """
        if self.is_whole or not pairs:
            return
        self._take(
            await self._journal.referring({end: [pair[end is End.RIGHT] for pair in pairs] for end in End})
        )
        self._renew()

    async def load_out_of_sight(self) -> None:
        """Have the links of which an object is out of sight, too.

        Raises:
            StateError: one cannot be read.
        """
        if not self.is_whole:
            self._take(await self._journal.out_of_sight())
            self._renew()

    def _renew(self) -> None:
        links = [link for link in list(self._asked[End.LEFT].values()) if link is not None]
        self.base = replace(self.base, links=links, others=self._numbers - numbers_of(links))

    def are_linked(self, ids: Ids) -> bool:
        """Whether all these objects are linked, whose links were loaded."""
        return all(self._asked[end].get(one) for end, some in ids.items() for one in some)

    async def meet(self, ids: Ids) -> None:
        """Learn with what these objects are linked, without having their links.

        Raises:
            StateError: that cannot be read.
        """
        for end in End:
            fresh = [one for one in ids.get(end, ()) if (end, one) not in self._partners]
            found = await self._journal.counterparts(end, fresh) if fresh else {}
            for one in fresh:
                across = found.get(one)
                self._partners[end, one] = None if across is None else _linked(end, one, across)

    def partner(self, end: End, obj_id: ID) -> Linked | None:
        """With what an object was linked when the run first asked; looked up at once where it did not."""
        if (end, obj_id) not in self._partners:
            found = self._journal.look_up(end, [obj_id])
            self._partners[end, obj_id] = (found[0].left_id, found[0].right_id) if found else None
        return self._partners[end, obj_id]

    def get(self, end: End, obj_id: ID) -> Link | None:
        """The link of an object, looked up at once where it is not known."""
        if self._all is not None:
            if end not in self._by_id:
                self._by_id[end] = {link.id_on(end): link for link in self._all}
            return self._by_id[end].get(obj_id)
        asked = self._asked[end]
        if obj_id not in asked:
            self._take(self._journal.look_up(end, [obj_id]))
            asked.setdefault(obj_id, None)
        return asked[obj_id]

    def ids(self, end: End) -> Collection[ID]:
        """The objects of a side that are linked, asked for at once."""
        if end not in self._ids:
            self._ids[end] = self._journal.ids_at(end)
        return self._ids[end]

    def all(self) -> Sequence[Link]:
        """Every link, loaded at once where they are not known."""
        if self._all is None:
            self._all = self._journal.look_up(End.LEFT, None)
        return self._all

    def _take(self, links: Iterable[Link]) -> None:
        for link in links:
            for end in End:
                self._asked[end].setdefault(link.id_on(end), link)


def _linked(end: End, one: ID, across: ID) -> Linked:
    return (one, across) if end is End.LEFT else (across, one)


def _waiting(base: Base) -> dict[End, set[ID]]:
    """The objects of open intents, and those that the last run had to leave."""
    found: dict[End, set[ID]] = {end: set() for end in End}
    for held in base.memory.held:
        for end, one in zip(End, held.pair, strict=True):
            found[end].add(one)
    for intent in base.intents:
        found[intent.side].add(intent.target_id or "")
        found[intent.side.opposite].add(intent.source_id)
    return found


class Synced(Mapping[ID, Mapping[str, Any]]):
    """What a side showed of each linked object when both sides agreed last, by its own names.

    An object is looked up when it is asked for, so that most runs need not know all links. To go through the values of
    all objects loads them.
    """

    def __init__(self, names: Mapping[str, str], known: Known, end: End) -> None:
        self._names, self._known, self._end = names, known, end

    def __getitem__(self, obj_id: ID) -> Mapping[str, Any]:
        link = self._known.get(self._end, obj_id) if isinstance(obj_id, str) else None
        if link is None:
            raise KeyError(obj_id)
        return {self._names.get(name, name): value for name, value in link.base_on(self._end).items()}

    def __contains__(self, obj_id: object) -> bool:
        return isinstance(obj_id, str) and self._known.get(self._end, obj_id) is not None

    def __iter__(self) -> Iterator[ID]:
        return iter(self._known.ids(self._end))

    def __len__(self) -> int:
        return len(self._known.ids(self._end))

    def items(self) -> ItemsView[ID, Mapping[str, Any]]:
        """Every object with what it showed."""
        self._known.all()  # else each would be looked up by itself
        return super().items()

    def values(self) -> ValuesView[Mapping[str, Any]]:
        """What each object showed."""
        self._known.all()
        return super().values()
