"""A run whose sides are open and described: what everything that goes on in it works with."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from tasks.engine.adapter import Adapter
from tasks.engine.calls import Calls
from tasks.engine.sync import Sync
from tasks.journal.contract import Base, Journal
from tasks.mapping import Mapping as Attributes
from tasks.sides import ID, End

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Running:
    """A task, its sides in the words of the merge, and where the run keeps what must outlive it."""

    sync: Sync
    mapping: Attributes
    journal: Journal
    caller: Calls
    check_lock: Callable[[], None]

    @property
    def adapters(self) -> dict[End, Adapter]:
        """Both sides."""
        return adapters_of(self.sync, self.mapping, self.caller)

    def scope(self) -> str:
        """What the listings of both sides hold."""
        return "\n".join(filter(None, (self.sync.sides[end].scope() for end in End)))

    def remembered(self) -> dict[str, Any]:
        """What the sides and the task want to know again."""
        kept = {end.value: self.sync.sides[end].remembered() for end in End}
        return kept | {"pairs": self.sync.remembered_pairs()}


def adapters_of(sync: Sync, mapping: Attributes, caller: Calls) -> dict[End, Adapter]:
    """Both sides of a task in the words of the merge."""
    return {end: Adapter(sync.name, end, sync.sides[end], mapping, caller, sync.labels[end]) for end in End}


@asynccontextmanager
async def opened(
    sync: Sync, journal: Journal, caller: Calls, check_lock: Callable[[], None]
) -> AsyncIterator[tuple[Running, Base]]:
    """The sides opened, told of what is remembered, described and checked; closed again however the run ends.

    Raises:
        TaskDefinitionError: the sides cannot be kept in step as the task says.
        SideError: a side cannot be reached.
    """
    try:
        for end in End:
            await caller.call(end, sync.sides[end].open)
        base = await journal.load()
        kept: Mapping[str, Any] = base.memory.own or {}
        sync.recall_pairs(kept.get("pairs"))
        for end in End:
            await caller.call(end, sync.sides[end].recall, kept.get(end.value), _Synced(sync, base, end))
        described = {end: await caller.call(end, sync.sides[end].describe) for end in End}
        mapping = sync.mapped(described)
        for warning in mapping.warnings:
            log.warning("Task %r: %s", sync.name, warning)
        for end in End:
            await caller.call(end, sync.sides[end].check, mapping.at(end))
        yield Running(sync, mapping, journal, caller, check_lock), base
    finally:
        try:
            await caller.call(End.LEFT, sync.sides[End.LEFT].close)
        finally:
            await caller.call(End.RIGHT, sync.sides[End.RIGHT].close)


class _Synced(Mapping[ID, Mapping[str, Any]]):
    """What a side showed of each linked object when both sides agreed last, by its own names.

    It is made when it is asked for: most sides never do, and the base may be long.
    """

    def __init__(self, sync: Sync, base: Base, end: End) -> None:
        self._names = sync.names_at(end)
        self._base, self._end = base, end

    @cached_property
    def _shown(self) -> dict[ID, Mapping[str, Any]]:
        return {link.id_on(self._end): link.base_on(self._end) for link in self._base.links}

    def __getitem__(self, obj_id: ID) -> Mapping[str, Any]:
        return {self._names.get(name, name): value for name, value in self._shown[obj_id].items()}

    def __iter__(self) -> Iterator[ID]:
        return iter(self._shown)

    def __len__(self) -> int:
        return len(self._shown)


def without(base: Base, attributes: list[str]) -> Base:
    """The base without what it says of these attributes."""
    if not attributes:
        return base

    def cut(values: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in values.items() if name not in attributes}

    links = [replace(link, left=cut(link.left), right=cut(link.right)) for link in base.links]
    return replace(base, links=links)
