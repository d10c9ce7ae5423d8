"""A journal that tells which links a run has asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

from tasks.journal.state import State
from tasks.journal.state_journal import StateJournal
from tasks.merge import ID, End, Link


class Watched(StateJournal):
    """Tells which links a run has asked for."""

    def __init__(self) -> None:
        super().__init__(State())
        self.calls: Counter[str] = Counter()
        self.given: set[ID] = set()

    def give(self, kind: str, links: Sequence[Link]) -> Sequence[Link]:
        self.calls[kind] += 1
        self.given |= {link.left_id for link in links}
        return links

    async def load(self) -> Any:
        base = await super().load()
        self.give("load", base.links)
        return base

    async def unsettled(self, attributes: Collection[str]) -> Sequence[Link]:
        return self.give("unsettled", await super().unsettled(attributes))

    async def links(self, end: End, ids: Collection[ID]) -> Sequence[Link]:
        return self.give("links", await super().links(end, ids))
