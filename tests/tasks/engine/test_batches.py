"""Pairs that are merely linked are kept many at a time, before anything is written, and truly counted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from tasks import State
from tasks.engine.report import Order
from tasks.errors import ItemError, LockLostError, StateError
from tasks.journal.contract import Proof
from tasks.journal.state_journal import StateJournal
from tasks.merge import Effect, Intent
from tests.tasks.boards import Boards


class Journal(StateJournal):
    """Takes three pairs at once, and says in which order it was asked."""

    batch = 3

    def __init__(self) -> None:
        super().__init__(State())
        self.told: list[Any] = []
        #: Left ids that it refuses, and after how many calls it is away.
        self.refused: set[str] = set()
        self.away: tuple[int, Exception] | None = None

    async def begin(self, intent: Intent | None, effect: Effect | None = None) -> None:
        self.told.append(intent.side.value if intent else "effect")
        await super().begin(intent, effect)

    async def confirm_all(self, proofs: Sequence[Proof]) -> None:
        if self.away is not None and len(self.told) >= self.away[0]:
            raise self.away[1]
        if any(proof.put is not None and proof.put.left_id in self.refused for proof in proofs):
            raise ItemError("it cannot be kept")
        self.told.append(len(proofs))
        await super().confirm_all(proofs)


def boards(pairs: int) -> Boards:
    task = Boards()
    for number in range(pairs):
        task.pair(A=f"row {number}", B="")
    return task


async def test_pairs_are_kept_in_batches_before_anything_is_written() -> None:
    task, journal, progress = boards(7), Journal(), []
    task.notion.add(A="new", B="")

    def tell(phase: str, done: int, total: int) -> None:
        progress.append((phase, done, total, len(journal.state.ids)))

    report = await task.run(journal, order=Order(clock=task.clock), progress=tell)
    assert report.status == "succeeded"
    assert journal.told == [3, 3, 1, "right", 1]
    assert report.outcome.counts["linked"] == 7
    # Done is what is kept, never what is only about to be.
    applied = [(done, kept) for phase, done, total, kept in progress if phase == "apply"]
    assert applied == [(0, 0), (3, 3), (6, 6), (7, 7), (8, 8)]


async def test_what_is_refused_fails_alone() -> None:
    task, journal = boards(7), Journal()
    journal.refused = {"n5"}
    report = await task.run(journal, order=Order(clock=task.clock))
    assert report.status == "failed"
    assert report.outcome.failures == ["adopt n5 and o5: it cannot be kept"]
    assert journal.told == [3, 1, 1, 1]
    assert sorted(journal.state.ids) == ["n1", "n2", "n3", "n4", "n6", "n7"]
    assert report.outcome.counts["linked"] == 6
    journal.refused = set()
    assert (
        await task.run(journal, order=Order(clock=lambda: task.now + timedelta(days=9)))
    ).status == "succeeded"
    assert len(journal.state.ids) == 7


@pytest.mark.parametrize("error", [StateError("the store is away"), LockLostError("taken over")])
async def test_a_store_that_is_away_or_taken_over_ends_the_run(error: Exception) -> None:
    task, journal = boards(7), Journal()
    task.notion.add(A="new", B="")
    journal.away = (1, error)
    with pytest.raises(type(error)):
        await task.run(journal, order=Order(clock=task.clock))
    assert (journal.told, len(journal.state.ids), task.other.writes) == ([3], 3, 0)
    journal.away = None
    assert (await task.run(journal, order=Order(clock=task.clock))).status == "succeeded"
    assert (len(journal.state.ids), task.other.writes) == (8, 1)


async def test_neither_side_waits_for_the_creates_of_the_other() -> None:
    task, journal = Boards(), Journal()
    for number in range(80):
        task.notion.add(A=f"left {number}", B="")
        task.other.add(a=f"right {number}", b="")
    assert (await task.run(journal, order=Order(clock=task.clock))).status == "succeeded"
    begun = [one for one in journal.told if isinstance(one, str)]
    assert len(begun) == 160
    assert {"left", "right"} == set(begun[:40])
    # Each side makes them in the order in which the other one lists them.
    made = [row.values for row in task.other.rows.values()][80:]
    assert [values["a"] for values in made] == [f"left {number}" for number in range(80)]
