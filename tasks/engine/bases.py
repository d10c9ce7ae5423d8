"""The base as a run advances it: each link as both sides showed it last, kept as soon as that is proved."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from tasks.engine.proofs import advanced, nameless
from tasks.journal.contract import Journal, Proof
from tasks.merge import Link
from tasks.sides import ID, End
from tasks.values.references import Linked


class Bases:
    """The links of a run, in memory and in the journal."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.links: dict[tuple[ID, ID], Link] = {}
        #: Whether these are all; else the journal is asked for others.
        self.are_all = True
        #: How many there are besides.
        self.rest = 0
        #: With what an object is linked, by its end and id.
        self.counterparts: dict[tuple[End, ID], ID] = {}
        #: Linked objects of which this run concludes nothing from references to them.
        self.doubtful: frozenset[Linked] = frozenset()

    def know(self, links: Iterable[Link]) -> None:
        """Begin with these links."""
        self.links = {(link.left_id, link.right_id): link for link in links}
        self.counterparts = {}
        for link in self.links.values():
            self._pair_off(link)

    @property
    def count(self) -> int:
        """How many pairs are linked."""
        return len(self.links) + self.rest

    async def learn_referring(self, pairs: Collection[Linked]) -> None:
        """Know of the links that refer to these objects, too."""
        if self.are_all:
            return
        ids = {end: [pair[end is End.RIGHT] for pair in pairs] for end in End}
        for link in await self.journal.referring(ids):
            if (link.left_id, link.right_id) not in self.links:  # else it is as this run knows it
                self._take(link, None)
                self.rest -= 1

    async def counterpart(self, end: End, obj_id: ID) -> ID | None:
        """With what an object is linked, if it is."""
        if self.are_all or (end, obj_id) in self.counterparts:
            return self.counterparts.get((end, obj_id))
        return (await self.journal.counterparts(end, [obj_id])).get(obj_id)

    async def advance(
        self,
        pair: tuple[ID, ID],
        left: Mapping[str, Any],
        right: Mapping[str, Any],
        settle: Sequence[str] = (),
    ) -> None:
        """Take values that both sides show into the base of a link."""
        await self.put(advanced(self.links[pair], left, right, self.doubtful), settle=settle)

    async def put(self, link: Link, *, instead_of: Link | None = None, settle: Sequence[str] = ()) -> None:
        """Keep a link, maybe in the place of another one, and close the intents that led to it."""
        link = nameless(link)
        await self.journal.confirm(put=link, drop=instead_of, settle=settle)
        self._take(link, instead_of)

    async def keep(self, proofs: Sequence[Proof]) -> None:
        """Keep what is known of several pairs, in one transaction."""
        if not proofs:
            return
        await self.journal.confirm_all(proofs)
        for proof in proofs:
            self._take(proof.put, proof.drop)

    async def drop(self, pair: tuple[ID, ID]) -> None:
        """Forget a link, if it is known."""
        link = self.links.get(pair)
        if link is not None:
            await self.journal.confirm(drop=link)
            self._forget(link)

    def _forget(self, link: Link) -> None:
        self.links.pop((link.left_id, link.right_id), None)
        for end in End:
            if self.counterparts.get((end, link.id_on(end))) == link.id_on(end.opposite):
                del self.counterparts[end, link.id_on(end)]

    def _take(self, link: Link | None, instead_of: Link | None) -> None:
        if instead_of is not None:
            self._forget(instead_of)
        if link is not None:
            self.links[link.left_id, link.right_id] = link
            self._pair_off(link)

    def _pair_off(self, link: Link) -> None:
        self.counterparts[End.LEFT, link.left_id] = link.right_id
        self.counterparts[End.RIGHT, link.right_id] = link.left_id
