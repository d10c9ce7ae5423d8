"""The base as a run advances it: each link as both sides showed it last, kept as soon as that is proved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tasks.journal.contract import Journal
from tasks.merge import Link
from tasks.sides import ID, End


class Bases:
    """The links of a run, in memory and in the journal."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.links: dict[tuple[ID, ID], Link] = {}
        #: With what an object is linked, by its end and id.
        self.counterparts: dict[tuple[End, ID], ID] = {}

    def know(self, links: Iterable[Link]) -> None:
        """Begin with these links."""
        self.links = {(link.left_id, link.right_id): link for link in links}
        self.counterparts = {}
        for link in self.links.values():
            self._pair_off(link)

    async def advance(
        self,
        pair: tuple[ID, ID],
        left: Mapping[str, Any],
        right: Mapping[str, Any],
        settle: Sequence[str] = (),
    ) -> None:
        """Take values that both sides show into the base of a link."""
        link = self.links[pair]
        fresh = replace(link, left={**link.left, **left}, right={**link.right, **right})
        await self.put(fresh, settle=settle)

    async def put(self, link: Link, *, instead_of: Link | None = None, settle: Sequence[str] = ()) -> None:
        """Keep a link, maybe in the place of another one, and close the intents that led to it."""
        await self.journal.confirm(put=link, drop=instead_of, settle=settle)
        self.links[link.left_id, link.right_id] = link
        self._pair_off(link)

    async def drop(self, pair: tuple[ID, ID]) -> None:
        """Forget a link, if it is known."""
        link = self.links.get(pair)
        if link is not None:
            await self.journal.confirm(drop=link)
            del self.links[pair]
            for end in End:
                self.counterparts.pop((end, link.id_on(end)), None)

    def _pair_off(self, link: Link) -> None:
        self.counterparts[End.LEFT, link.left_id] = link.right_id
        self.counterparts[End.RIGHT, link.right_id] = link.left_id
