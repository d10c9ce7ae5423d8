"""An idle poll of a task with references, as a worker makes it, reads no link out of the database."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from tests.tasks.references.graphs import Graph, task
from worker.lock import MemoryLockStore, MemorySyncLock
from worker.session.run import run_session
from worker.store import RunRecord, Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(f"sqlite:///{tmp_path / 'lockstep.db'}")
    made.migrate()
    yield made
    made.close()


def test_links_are_read_after_a_change_and_once_more(store: Store, tmp_path: Path) -> None:
    left, right = Graph("left", deltas=True), Graph("right", deltas=True)
    sync: Any = task(left, right).run_every(hours=1)
    sync.state_path = tmp_path / "graphs.json"
    lock = MemorySyncLock(MemoryLockStore())
    read: list[str] = []
    event.listen(store.engine, "before_cursor_execute", lambda *told: read.append(told[2]))

    def reads_links() -> bool:
        read.clear()
        record: RunRecord = asyncio.run(run_session(sync, store=store, lock=lock))
        assert record.status == "succeeded", record.reason
        return any(
            one.startswith("SELECT") and "link.left_values" in one and "shape" not in one for one in read
        )

    left.add("refers", left.add("goal"))
    assert reads_links()
    while reads_links():
        assert left.edges() == right.edges() == {("refers", "goal")}
    assert not reads_links()
    right.refer(right.ids()["refers"])
    assert reads_links()
    assert left.edges() == set()
