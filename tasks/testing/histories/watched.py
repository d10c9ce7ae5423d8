"""A journal that outlives the crashes of a history, and keeps what a ledger keeps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tasks.journal.contract import Memory, Proof
from tasks.journal.ledger import LedgerEntry
from tasks.journal.state import State
from tasks.journal.state_journal import StateJournal
from tasks.merge import Effect, Intent
from tasks.testing.histories.instrument import Instrument


class WatchedJournal(StateJournal):
    """Each call is an effect around which a run can crash; what a finished call kept, stays."""

    #: Few, so that runs of a few objects crash between two batches.
    batch = 2

    def __init__(self, instrument: Instrument) -> None:
        super().__init__(State())
        self._instrument = instrument
        self.ledger: list[LedgerEntry] = []

    def lose(self) -> None:
        """Forget everything but the ledger, as when the database is gone."""
        self.state = State()

    def text(self) -> str:
        """What is remembered, to compare."""
        return self.state.to_json()

    async def begin(self, intent: Intent | None, effect: Effect | None = None) -> None:
        """Keep an intent."""
        with self._instrument.effect("note what is to be written"):
            await super().begin(intent, effect)

    async def confirm_all(self, proofs: Sequence[Proof]) -> None:
        """Keep what writes proved."""
        with self._instrument.effect("note what was written"):
            await super().confirm_all(proofs)

    async def keep_conflict(self, entry: LedgerEntry) -> None:
        """Keep both values."""
        with self._instrument.effect("note a conflict"):
            self.ledger.append(entry)

    async def remember(self, memory: Memory, *, forget: Sequence[str] = ()) -> None:
        """Keep it in the state."""
        with self._instrument.effect("note the end of the run"):
            await super().remember(memory, forget=forget)

    def kept(self, pair: tuple[str | None, str | None], attribute: str | None) -> list[tuple[Any, Any]]:
        """Both values of each conflict over an attribute of a pair, of which one id is enough."""
        return [
            (entry.first.value, entry.second.value)
            for entry in self.ledger
            if entry.attribute == attribute and (entry.first.id == pair[0] or entry.second.id == pair[1])
        ]
