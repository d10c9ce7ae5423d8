"""Runs of tasks that are paused, and tasks that are paused because they fail."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from config import get_settings
from tasks import SideError
from tests.harness.stores import new_store
from tests.tasks.sync_task.seed_style import Services, ToDos
from worker.lock import MemorySyncLock
from worker.session.run import run_session
from worker.store import RunRecord, Store
from worker.store.tables.pauses import BY_ITSELF, Pause


@pytest.fixture(autouse=True)
def _state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LOCKSTEP_STATE_DIR", str(tmp_path / "state"))
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = new_store(tmp_path / "lockstep.db")
    yield store
    store.close()


class Down(ToDos):
    """A task whose other side can be switched off."""

    down = True

    def get_other_objects(self) -> list[object]:
        if self.down:
            raise SideError("the list cannot be reached")
        return list(super().get_other_objects())


async def run(task: ToDos, store: Store, *, by_hand: bool = False) -> RunRecord:
    lock = MemorySyncLock()
    try:
        return await run_session(task, store=store, lock=lock, message_id=None if by_hand else uuid4().hex)
    finally:
        lock.close()


def paused(store: Store, task: str, **values: object) -> None:
    store.pauses.keep(Pause(task=task, since=datetime.now(UTC), by="Ann", why="moving", **values))  # type: ignore[arg-type]


async def test_a_message_of_a_task_that_is_paused_is_skipped_with_the_reason(store: Store) -> None:
    task = ToDos(Services())
    paused(store, task.name)
    skipped = await run(task, store)
    assert skipped.status == "skipped"
    assert skipped.reason.startswith("paused by Ann since ")
    assert skipped.reason.endswith(": moving")
    assert store.runs.list(task.name)[0].run_id == skipped.run_id
    assert (await run(task, store, by_hand=True)).status == "succeeded"
    assert store.pauses.of(task.name) is not None


async def test_a_pause_ends_by_itself_and_by_hand(store: Store) -> None:
    task = ToDos(Services()).run_every(minutes=5)
    paused(store, task.name, until=datetime.now(UTC) - timedelta(seconds=1))
    assert (await run(task, store)).status == "succeeded"
    paused(store, task.name, until=datetime.now(UTC) + timedelta(hours=1))
    assert (await run(task, store)).status == "skipped"
    ended = store.pauses.end(task.name)
    assert ended is not None
    assert ended.why == "moving"
    assert (await run(task, store)).status == "succeeded"


async def test_a_skipped_message_uses_up_no_run_of_a_total(store: Store) -> None:
    task = ToDos(Services()).run_once()
    paused(store, task.name)
    assert (await run(task, store)).status == "skipped"
    store.pauses.end(task.name)
    assert (await run(task, store)).status == "succeeded"
    assert (await run(task, store)).reason == "the only run of this task is done"


async def test_failures_in_a_row_pause_a_task_and_are_told_once(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    task = Down(Services()).run_every(minutes=5).pause_after(3)
    assert [(await run(task, store)).status for _ in range(2)] == ["failed"] * 2
    task.down = False
    assert (await run(task, store)).status == "succeeded"  # not in a row
    task.down = True
    statuses = [(await run(task, store)).status for _ in range(5)]
    assert statuses == ["failed"] * 3 + ["skipped"] * 2
    pause = store.pauses.of(task.name)
    assert pause is not None
    assert (pause.by, pause.by_itself) == (BY_ITSELF, True)
    assert pause.why == "its last 3 runs failed, the last one with: the list cannot be reached"
    told = [
        line for line in caplog.records if line.levelno == logging.ERROR and "is paused" in line.getMessage()
    ]
    assert [line.getMessage().endswith(f"lockstep resume {task.name}") for line in told] == [True]
    store.pauses.end(task.name)
    statuses = [(await run(task, store)).status for _ in range(4)]
    assert statuses == ["failed"] * 3 + ["skipped"]  # they are counted anew


async def test_runs_that_were_lost_with_their_workers_count_as_failures(store: Store) -> None:
    task = ToDos(Services()).run_every(minutes=5).pause_after(2)
    for number in range(2):
        store.runs.enter(
            RunRecord(run_id=f"lost-{number}", task=task.name, status="abandoned", reason="lost")
        )
    assert (await run(task, store)).status == "skipped"
    assert store.pauses.end(task.name) is not None
    assert (await run(task, store)).status == "succeeded"
