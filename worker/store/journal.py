"""The journal of one session, in SQL."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from tasks.calls import uninterrupted
from tasks.journal import Base
from tasks.merge import Conflict, Intent, Link
from worker.store.conflicts import Conflicts
from worker.store.links import Links
from worker.store.runs import take_fence
from worker.store.store import Store


class SqlJournal:
    """Keeps what a session proves; each call is one transaction that an older session is refused in."""

    def __init__(self, store: Store, task: str, run_id: str, fence: int) -> None:
        self._store = store
        self._task = task
        self._run_id = run_id
        self._fence = fence

    async def load(self) -> Base:
        """All links and open intents."""
        return await asyncio.to_thread(self._store.links.load, self._task)

    async def begin(self, intent: Intent) -> None:
        """Keep an intent before its write is sent."""
        await self._write(lambda connection: Links.begin(connection, self._task, intent, self._run_id))

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

    async def _write(self, change: Callable[[Connection], None]) -> None:
        def transaction() -> None:
            with self._store.write() as connection:
                take_fence(connection, self._task, self._fence)
                change(connection)

        # A write that was begun is waited for, even when the run is cancelled: what it confirms has happened.
        await uninterrupted(asyncio.to_thread(transaction))
