"""A journal in memory, for the steps of a sync that go from state to state."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from tasks.journal.contract import BATCH, Base, Linked, Lull, Memory, Proof
from tasks.journal.ledger import LedgerEntry
from tasks.journal.state import State
from tasks.journal.state_changes import change_state, prove
from tasks.journal.state_links import (
    base_of,
    counterparts_of,
    ids_in,
    links_of,
    out_of_sight_in,
    outline_of,
    referring_in,
    unsettled_in,
)
from tasks.merge import ID, Effect, End, Intent, Link


class StateJournal:
    """Keeps everything in a `State`."""

    batch = BATCH

    def __init__(self, state: State, beside: Mapping[str, Linked] | None = None) -> None:
        self.state = state.model_copy(deep=True)
        self._beside = dict(beside or {})
        #: With the state of which it is said.
        self._lull: tuple[State, Lull] | None = None
        #: How often something was kept of pairs.
        self._proved = 0

    async def load(self) -> Base:
        """The state in the words of the merge."""
        return base_of(self.state)

    async def recall(self) -> Base:
        """The state without its links."""
        state, lull = self._lull or (None, None)
        return replace(outline_of(self.state), lull=lull if state is self.state else None)

    async def unsettled(self, attributes: Collection[str]) -> Sequence[Link]:
        """The links of which a run may say something though neither side changed."""
        return unsettled_in(self.state, attributes)

    async def out_of_sight(self) -> Sequence[Link]:
        """The links of which an object is out of sight."""
        return out_of_sight_in(self.state)

    async def referring(self, ids: Mapping[End, Collection[ID]]) -> Sequence[Link]:
        """The links whose bases refer to any of these objects."""
        return referring_in(self.state, ids)

    def look_up(self, end: End, ids: Collection[ID] | None) -> Sequence[Link]:
        """The links of these objects of a side, or all."""
        return links_of(self.state, end, ids)

    def ids_at(self, end: End) -> Collection[ID]:
        """The objects of a side that are linked."""
        return ids_in(self.state, end)

    async def links(self, end: End, ids: Collection[ID]) -> Sequence[Link]:
        """The links of these objects of a side."""
        return links_of(self.state, end, ids)

    async def counterparts(self, end: End, ids: Collection[ID]) -> Mapping[ID, ID]:
        """With what these objects of a side are linked."""
        return counterparts_of(self.state, end, ids)

    async def pairing(self) -> str | None:
        """How often something was kept of pairs."""
        return str(self._proved)

    def beside(self, task: str) -> Linked:
        """The links of another task, if it was given one."""
        return self._beside.get(task) or StateJournal(State())

    async def keep_lull(self, lull: Lull) -> None:
        """Keep this as long as nothing of a link or an intent is kept, in this object only."""
        self._lull = self.state, lull

    async def begin(self, intent: Intent | None, effect: Effect | None = None) -> None:
        """Keep an intent."""
        self._lull = None if intent is not None else self._lull
        change_state(self.state, begin=intent)

    async def confirm(
        self, *, put: Link | None = None, drop: Link | None = None, settle: Sequence[str] = ()
    ) -> None:
        """Keep what a write proved."""
        await self.confirm_all([Proof(put, drop, settle)])

    async def confirm_all(self, proofs: Sequence[Proof]) -> None:
        """Keep what is known of several pairs."""
        self._lull = None
        self._proved += 1
        prove(self.state, proofs)

    async def keep_conflict(self, entry: LedgerEntry) -> None:
        """The caller of a step holds both values; there is no ledger here."""

    async def remember(self, memory: Memory, *, forget: Sequence[str] = ()) -> None:
        """Keep it in the state."""
        self._lull = None if forget else self._lull
        change_state(self.state, memory=memory, forget=forget)
