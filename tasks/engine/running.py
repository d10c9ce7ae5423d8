"""A run whose sides are open and described: what everything that goes on in it works with."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from tasks.engine.adapter import Adapter
from tasks.engine.calls import Calls
from tasks.engine.known import Known, Synced
from tasks.engine.sync import Sync
from tasks.journal.contract import Base, Journal
from tasks.mapping import Mapping as Attributes
from tasks.sides import End

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
        sides = (self.sync.sides[end].scope() for end in End)
        return "\n".join(filter(None, (*sides, self.sync.scope())))

    def remembered(self) -> dict[str, Any]:
        """What the sides and the task want to know again."""
        kept = {end.value: self.sync.sides[end].remembered() for end in End}
        return kept | {"pairs": self.sync.remembered_pairs()}


def adapters_of(sync: Sync, mapping: Attributes, caller: Calls) -> dict[End, Adapter]:
    """Both sides of a task in the words of the merge."""
    return {
        end: Adapter(
            sync.name,
            end,
            sync.sides[end],
            mapping,
            caller,
            sync.labels[end],
            sync.writes(end),
            sync.filters(end),
            sync.match,
        )
        for end in End
    }


@asynccontextmanager
async def opened(
    sync: Sync, journal: Journal, caller: Calls, check_lock: Callable[[], None]
) -> AsyncIterator[tuple[Running, Known]]:
    """The sides opened, told of what is remembered, described and checked; closed again however the run ends.

    Raises:
        TaskDefinitionError: the sides cannot be kept in step as the task says.
        SideError: a side cannot be reached.
    """
    try:
        for end in End:
            await caller.call(end, sync.sides[end].open)
        known = Known(journal, await journal.recall())
        recall(sync, known.base)
        for end in End:
            await recall_side(sync, known, caller, end)
        described = {end: await caller.call(end, sync.sides[end].describe) for end in End}
        mapping = sync.mapped(described)
        for warning in mapping.warnings:
            log.warning("Task %r: %s", sync.name, warning)
        for end in End:
            await check_side(sync, mapping, caller, end)
        yield Running(sync, mapping, journal, caller, check_lock), known
    finally:
        try:
            await caller.call(End.LEFT, sync.sides[End.LEFT].close)
        finally:
            await caller.call(End.RIGHT, sync.sides[End.RIGHT].close)


def recall(sync: Sync, base: Base) -> None:
    """Let a task take over what its earlier runs left."""
    kept: Mapping[str, Any] = base.memory.own or {}
    sync.recall_pairs(kept.get("pairs"))
    sync.recall_columns({end: kept.get("columns", {}).get(end.value, {}).get("names", ()) for end in End})


async def recall_side(sync: Sync, known: Known, caller: Calls, end: End) -> None:
    """Let a side take over what its earlier runs left."""
    kept: Mapping[str, Any] = known.base.memory.own or {}
    synced = Synced(sync.names_at(end), known, end)
    await caller.call(end, sync.sides[end].recall, kept.get(end.value), synced)


async def check_side(sync: Sync, mapping: Attributes, caller: Calls, end: End) -> None:
    """Have a side see whether it can work with what is synced.

    Raises:
        TaskDefinitionError: it cannot.
        SideError: the service cannot be reached, or the place is not there.
    """
    read = dict.fromkeys((*mapping.at(end), *sync.also_read(end)))
    await caller.call(end, sync.sides[end].check, list(read))
    if end in sync.columns:
        await caller.call(end, sync.sides[end].accept, sync.columns[end].names)


def without(base: Base, attributes: list[str]) -> Base:
    """The base without what it says of these attributes."""
    if not attributes:
        return base

    def cut(values: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in values.items() if name not in attributes}

    links = [replace(link, left=cut(link.left), right=cut(link.right)) for link in base.links]
    return replace(base, links=links)
