"""The journal of one session, in SQL."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from tasks.journal.contract import Base, Memory
from tasks.journal.together import Together
from tasks.merge import ID, Conflict, Effect, End, Intent, Link
from worker.store.store import Store
from worker.store.tables.conflicts import Conflicts
from worker.store.tables.effects import Effects
from worker.store.tables.fences import hold_fence
from worker.store.tables.links import Links
from worker.store.tables.memory import Memories


class SqlJournal:
    """Keeps what a session proves; each call is one transaction that an older session is refused in.

    The session's run was entered in the database with its fence (`Runs.start`).
    """

    def __init__(self, store: Store, task: str, run_id: str, fence: int) -> None:
        self._store = store
        self._task = task
        self._run_id = run_id
        self._fence = fence
        self._memory: Memory | None = None
        self._together: Together[Callable[[Connection], None]] = Together(self._transaction)

    async def load(self) -> Base:
        """All links, open intents, and what is remembered of the task."""
        base = await asyncio.to_thread(self._store.links.load, self._task)
        self._memory = base.memory
        return base

    async def links(self, end: End, ids: Collection[ID]) -> Sequence[Link]:
        """The links of these objects of a side."""
        return await asyncio.to_thread(self._store.links.find, self._task, end, ids)

    async def count(self) -> int:
        """How many pairs are linked."""
        return await asyncio.to_thread(self._store.links.count, self._task)

    async def begin(self, intent: Intent | None, effect: Effect | None = None) -> None:
        """Keep before a write is sent its intent, and what it replaces."""

        def change(connection: Connection) -> None:
            if intent is not None:
                Links.begin(connection, self._task, intent, self._run_id)
            if effect is not None:
                Effects.keep(connection, self._task, effect, self._run_id)

        await self._write(change)

    async def confirm(
        self, *, put: Link | None = None, drop: Link | None = None, settle: Sequence[str] = ()
    ) -> None:
        """Keep what a write proved."""

        def change(connection: Connection) -> None:
            Links.settle(connection, self._task, settle)
            if drop is not None:
                Links.drop(connection, self._task, drop)
            if put is not None:
                Links.put(connection, self._task, put, self._run_id)

        await self._write(change)

    async def keep_conflict(self, conflict: Conflict) -> None:
        """Keep both values before one is overwritten."""
        await self._write(lambda connection: Conflicts.keep(connection, self._task, conflict, self._run_id))

    async def remember(self, memory: Memory, *, forget: Sequence[str] = ()) -> None:
        """Replace what is remembered of the task, unless it is the same."""
        if not forget and _alike(memory, self._memory):
            return

        def change(connection: Connection) -> None:
            Links.forget(connection, self._task, forget)
            Memories.remember(connection, self._task, memory)

        await self._write(change)
        self._memory = memory

    async def _write(self, change: Callable[[Connection], None]) -> None:
        # A write that was begun is waited for, even when the run is cancelled: what it confirms has happened.
        await self._together.add(change)

    def _transaction(self, changes: Sequence[Callable[[Connection], None]]) -> None:
        with self._store.write() as connection:
            hold_fence(connection, self._task, self._fence)
            for change in changes:
                change(connection)


def _alike(one: Memory, two: Memory | None) -> bool:
    return two is not None and replace(one, held=tuple(one.held)) == replace(two, held=tuple(two.held))
