"""A journal in memory, for the steps of a sync that go from state to state."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from tasks.journal.contract import Base, Memory
from tasks.journal.file import base_of, change_state, links_of
from tasks.journal.state import State
from tasks.merge import ID, Conflict, Effect, End, Intent, Link


class StateJournal:
    """Keeps everything in a `State`."""

    def __init__(self, state: State) -> None:
        self.state = state.model_copy(deep=True)

    async def load(self) -> Base:
        """The state in the words of the merge."""
        return base_of(self.state)

    async def links(self, end: End, ids: Collection[ID]) -> Sequence[Link]:
        """The links of these objects of a side."""
        return links_of(self.state, end, ids)

    async def count(self) -> int:
        """How many pairs are linked."""
        return len(self.state.ids)

    async def begin(self, intent: Intent | None, effect: Effect | None = None) -> None:
        """Keep an intent."""
        change_state(self.state, begin=intent)

    async def confirm(
        self, *, put: Link | None = None, drop: Link | None = None, settle: Sequence[str] = ()
    ) -> None:
        """Keep what a write proved."""
        change_state(self.state, put=put, drop=drop, settle=settle)

    async def keep_conflict(self, conflict: Conflict) -> None:
        """The caller of a step holds both values; there is no ledger here."""

    async def remember(self, memory: Memory, *, forget: Sequence[str] = ()) -> None:
        """Keep it in the state."""
        change_state(self.state, memory=memory, forget=forget)
