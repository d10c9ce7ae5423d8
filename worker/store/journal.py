"""The journal of one session, in SQL."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from tasks.journal.contract import BATCH, Base, Linked, Lull, Memory, Proof, numbers_of
from tasks.journal.ledger import LedgerEntry
from tasks.journal.together import Together
from tasks.merge import ID, Effect, End, Intent, Link
from worker.store.store import Store
from worker.store.tables import intents
from worker.store.tables.conflicts import Conflicts
from worker.store.tables.effects import Effects
from worker.store.tables.fences import hold_fence
from worker.store.tables.links import Links
from worker.store.tables.memory import Memories
from worker.store.tables.numbers import count_along, count_anew

log = logging.getLogger(__name__)


class SqlJournal:
    """Keeps what a session proves; each call is one transaction that an older session is refused in.

    The session's run was entered in the database with its fence (`Runs.begin`).
    """

    batch = BATCH

    def __init__(
        self,
        store: Store,
        task: str,
        run_id: str,
        fence: int,
        base: Base | None = None,
        before: Callable[[], None] = lambda: None,
    ) -> None:
        """`base` is what was read when the run was entered, without links: the first that is recalled.

        `before` is called, in a thread, before each transaction that a later run must know of.
        """
        self._store = store
        self._task = task
        self._run_id = run_id
        self._fence = fence
        self._base = base
        self._before = before
        self._memory: Memory | None = None
        #: What was recalled, as long as this session has written nothing since.
        self._recalled: Base | None = None
        #: Whether the links were found to be more or fewer than was counted along.
        self._miscounted = False
        self._together: Together[_Part] = Together(self._transaction)

    async def load(self) -> Base:
        """All links, open intents, and what is remembered of the task."""
        base, counted = await asyncio.to_thread(self._store.links.complete, self._task, self._recalled)
        self._memory = base.memory
        numbers = numbers_of(base.links)
        self._miscounted = counted != numbers
        if self._miscounted:
            log.error(
                "Task %r has these links: %s; not %s as noted.", self._task, dict(numbers), dict(counted)
            )
        return base

    async def recall(self) -> Base:
        """Open intents, and what is remembered of the task."""
        base, self._base = self._base, None
        if base is None:
            base = await asyncio.to_thread(self._store.links.recall, self._task)
        self._memory = base.memory
        self._recalled = base
        return base

    async def unsettled(self, attributes: Collection[str]) -> Sequence[Link]:
        """The links of which a run may say something though neither side changed."""
        return await asyncio.to_thread(self._store.links.unsettled, self._task, attributes)

    async def out_of_sight(self) -> Sequence[Link]:
        """The links of which an object is out of sight."""
        return await asyncio.to_thread(self._store.links.out_of_sight, self._task)

    async def referring(self, ids: Mapping[End, Collection[ID]]) -> Sequence[Link]:
        """The links whose bases refer to any of these objects."""
        return await asyncio.to_thread(self._store.links.referring, self._task, ids)

    def look_up(self, end: End, ids: Collection[ID] | None) -> Sequence[Link]:
        """The links of these objects of a side, or all, in the caller's thread."""
        links = self._store.links
        return links.all(self._task) if ids is None else links.find(self._task, end, ids)

    def ids_at(self, end: End) -> Collection[ID]:
        """The objects of a side that are linked, in the caller's thread."""
        return self._store.links.ids(self._task, end)

    async def links(self, end: End, ids: Collection[ID]) -> Sequence[Link]:
        """The links of these objects of a side."""
        return await asyncio.to_thread(self._store.links.find, self._task, end, ids)

    async def counterparts(self, end: End, ids: Collection[ID]) -> Mapping[ID, ID]:
        """With what these objects of a side are linked."""
        return await asyncio.to_thread(self._store.links.counterparts, self._task, end, ids)

    async def pairing(self) -> str | None:
        """A word that is another one once any pair was linked, came apart or came back."""
        return await asyncio.to_thread(self._store.links.pairing, self._task)

    def beside(self, task: str) -> Linked:
        """The links of another task in the same database, as they are now."""
        return SqlJournal(self._store, task, "", 0)

    async def keep_lull(self, lull: Lull) -> None:
        """Keep that this run had nothing to do."""
        await self._write(
            _Part(change=lambda connection: Links.keep_lull(connection, self._task, lull), counts=False)
        )

    async def begin(self, intent: Intent | None, effect: Effect | None = None) -> None:
        """Keep before a write is sent its intent, and what it replaces."""
        await self._write(_Part(intent, effect))

    async def confirm(
        self, *, put: Link | None = None, drop: Link | None = None, settle: Sequence[str] = ()
    ) -> None:
        """Keep what a write proved."""
        await self.confirm_all([Proof(put, drop, settle)])

    async def confirm_all(self, proofs: Sequence[Proof]) -> None:
        """Keep what is known of several pairs."""
        await self._write(_Part(proofs=proofs))

    async def keep_conflict(self, entry: LedgerEntry) -> None:
        """Keep both values before one is overwritten."""
        await self._write(
            _Part(change=lambda connection: Conflicts.keep(connection, self._task, entry, self._run_id))
        )

    async def remember(self, memory: Memory, *, forget: Sequence[str] = ()) -> None:
        """Replace what is remembered of the task, unless it is the same."""
        if not forget and _alike(memory, self._memory) and not self._miscounted:
            return

        def change(connection: Connection) -> None:
            Links.forget(connection, self._task, forget)
            Memories.remember(connection, self._task, memory)
            if self._miscounted:
                count_anew(connection, self._task)

        await self._write(
            _Part(change=change, stirs=bool(forget), counts=bool(forget) or self._is_news(memory))
        )
        self._memory, self._miscounted = memory, False

    def _is_news(self, memory: Memory) -> bool:
        """Whether more is remembered than how far the sides were read, which a later run may as well read again."""
        known = self._memory
        return known is None or not _alike(memory, replace(known, cursors=memory.cursors))

    async def _write(self, part: _Part) -> None:
        # A write that was begun is waited for, even when the run is cancelled: what it confirms has happened.
        self._recalled = None
        await self._together.add(part)

    def _transaction(self, parts: Sequence[_Part]) -> None:
        """Parts of calls that wait at once, so each is about another pair: a statement for all of a kind."""
        if any(part.counts for part in parts):
            self._before()
        proofs = [proof for part in parts for proof in part.proofs]
        with self._store.write() as connection:
            begun = [part.intent for part in parts if part.intent is not None]
            stirs = bool(proofs or begun) or any(part.stirs for part in parts)
            hold_fence(connection, self._task, self._fence, stirs=stirs)
            intents.begin(connection, self._task, begun, self._run_id)
            effects = [part.effect for part in parts if part.effect is not None]
            Effects.keep_all(connection, self._task, effects, self._run_id)
            intents.settle(connection, self._task, [key for proof in proofs for key in proof.settle])
            drops = [proof.drop for proof in proofs if proof.drop is not None]
            more = Counter[str]()
            for link in drops:
                more.update(Links.drop(connection, self._task, link))
            puts = [proof.put for proof in proofs if proof.put is not None]
            more.update(Links.put_all(connection, self._task, puts, self._run_id))
            count_along(connection, self._task, more)
            for part in parts:
                if part.change is not None:
                    part.change(connection)


@dataclass(frozen=True, slots=True)
class _Part:
    """What one call has to keep."""

    intent: Intent | None = None
    effect: Effect | None = None
    proofs: Sequence[Proof] = ()
    change: Callable[[Connection], None] | None = None
    #: Whether `change` changes links.
    stirs: bool = False
    #: Whether a later run that did not know of it would do something else.
    counts: bool = True


def _alike(one: Memory, two: Memory | None) -> bool:
    return two is not None and replace(one, held=tuple(one.held)) == replace(two, held=tuple(two.held))
