"""An idle poll of a task with references, as a worker makes it, reads no link out of the database."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from tasks.scheduled import all_tasks
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


def test_of_a_task_that_refers_to_another_they_are_read_once_that_one_has_linked_more(
    store: Store, tmp_path: Path
) -> None:
    projects = [Graph(f"{side} projects", place=f"{side}-p", deltas=True) for side in ("left", "right")]
    graphs = [Graph(side, refers_to=(f"{side}-p",), deltas=True) for side in ("left", "right")]
    first: Any = task(*projects, name="projects").run_every(hours=1)
    second: Any = task(*graphs, name="tasks", links="projects").run_every(hours=1)
    for one in (first, second):
        one.state_path = tmp_path / f"{one.name}.json"
    lock = MemorySyncLock(MemoryLockStore())
    read: list[str] = []
    event.listen(store.engine, "before_cursor_execute", lambda *told: read.append(told[2]))

    def reads_links(sync: Any) -> bool:
        read.clear()
        record: RunRecord = asyncio.run(run_session(sync, store=store, lock=lock))
        assert record.status == "succeeded", record.reason
        return any(
            one.startswith("SELECT") and "link.left_values" in one and "shape" not in one for one in read
        )

    before = set(all_tasks)
    first.schedule()
    try:
        graphs[0].add("paint", projects[0].add("house"))
        reads_links(second), reads_links(first)
        while reads_links(second):
            pass
        theirs = projects[1].ids()["house"]
        assert graphs[1].things[graphs[1].ids()["paint"]].refs == {theirs}
        projects[0].touch(projects[0].ids()["house"])
        reads_links(first)
        assert not reads_links(second)
        projects[1].add("barn")
        reads_links(first)
        assert reads_links(second)
        assert not reads_links(second)
    finally:
        all_tasks.clear()
        all_tasks.update(before)
        lock.close()
