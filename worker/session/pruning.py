"""The run that drops what is old from the database: once a day, and locked and in the history like any other."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from config import Settings
from tasks.engine.outcome import Outcome
from tasks.engine.report import Order, RunReport
from tasks.engine.sync import Progress, silent
from tasks.journal.contract import Journal
from tasks.merge import Plan
from tasks.scheduled import PRUNE, Scheduled
from tasks.uninterrupted import uninterrupted
from worker.store import Store
from worker.store.retention import Retention, prunable, prune

log = logging.getLogger(__name__)

#: Seconds between two transactions, in which others get their turn.
PAUSE = 0.02


class Pruning(Scheduled):
    """Keeps a database from growing without end.

    Args:
        retention: how long each kind is kept.
        address: of the database.
    """

    def __init__(self, retention: Retention, address: str) -> None:
        super().__init__(PRUNE)
        self.retention = retention
        self.address = address
        self.run_every(hours=24)

    async def __call__(self) -> None:
        """Nothing: without a database there is nothing to drop."""

    async def run(
        self,
        journal: Journal,
        *,
        check_lock: Callable[[], None] = lambda: None,
        progress: Progress = silent,
        order: Order | None = None,
        dry_run: bool = False,
    ) -> RunReport:
        """Drop what is old, or only count it.

        Raises:
            StoreError: the database cannot be used.
            LockLostError: another process prunes.
        """
        store, now = Store(self.address), datetime.now(UTC)
        try:
            if dry_run or (order is not None and order.dry_run):
                found = await asyncio.to_thread(prunable, store, self.retention, now)
                return RunReport("planned", "", Plan(), _outcome(found))
            progress("prune", 0, 0)
            dropped: Counter[str] = Counter()
            steps = prune(store, self.retention, now)
            while (some := await asyncio.to_thread(next, steps, None)) is not None:
                dropped += some
                check_lock()
                await asyncio.sleep(PAUSE)
            log.info("Pruned: %s.", in_words(dropped))
            return RunReport("succeeded", "", Plan(), _outcome(dropped))
        finally:
            await uninterrupted(asyncio.to_thread(store.close))


def pruning_of(settings: Settings) -> Pruning:
    """The run with the times that are set."""
    return Pruning(
        Retention(
            runs=timedelta(days=settings.keep_runs_days),
            skipped=timedelta(days=settings.keep_skipped_days),
            undo=timedelta(days=settings.keep_undo_days),
            conflicts=timedelta(days=settings.keep_conflicts_days),
            plans=timedelta(days=settings.keep_plans_days),
        ),
        settings.sql_url(),
    )


#: What each kind is called: one, and more.
WORDS = {
    "runs": ("run", "runs"),
    "skipped": ("skipped run", "skipped runs"),
    "undo": ("run's undo data", "runs' undo data"),
    "conflicts": ("settled conflict", "settled conflicts"),
    "plans": ("plan", "plans"),
    "alerts": ("alert", "alerts"),
}


def in_words(dropped: Mapping[str, int]) -> str:
    """How many of each kind."""
    told = [
        f"{number} {words[number != 1]}" for kind, words in WORDS.items() if (number := dropped.get(kind))
    ]
    return ", ".join(told) or "nothing"


def _outcome(dropped: Counter[str]) -> Outcome:
    outcome = Outcome()
    outcome.counts.update(dropped)
    return outcome
