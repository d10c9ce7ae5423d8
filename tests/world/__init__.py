"""Two services in memory, users who edit them, faults, and an oracle that knows nothing of the engine.

Every object carries a token in a synced attribute, so that the oracle can tell what is the same thing on
both sides without asking for links. It keeps the history of every value and judges every single write of
the engine by it: was a user's value lost, was something deleted that nobody deleted, was something doubled?
"""

from __future__ import annotations

from tests.world import chance
from tests.world.rounds import REACHED, TOLD, History, Round, begin, play_round, run, settle, tell
from tests.world.services import Traits, opposite
from tests.world.task import WorldJournal, WorldTask
from tests.world.world import JOURNAL_FAULTS, LISTING_FAULTS, WRITE_FAULTS, World

__all__ = [
    "JOURNAL_FAULTS",
    "LISTING_FAULTS",
    "REACHED",
    "TOLD",
    "WRITE_FAULTS",
    "History",
    "Round",
    "Traits",
    "World",
    "WorldJournal",
    "WorldTask",
    "begin",
    "chance",
    "opposite",
    "play_round",
    "run",
    "settle",
    "tell",
]
