"""What a run with nothing to do asks of the database: each thing once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from bench.scale_apps.empty import EmptyTask
from config import get_settings
from worker.lock import MemoryLockStore, MemorySyncLock
from worker.session.run import run_session
from worker.store import Store


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("LOCKSTEP_STATE_DIR", str(tmp_path / "state"))
    get_settings.cache_clear()
    store = Store(f"sqlite:///{tmp_path / 'lockstep.db'}")
    store.migrate()
    yield store
    store.close()
    get_settings.cache_clear()


async def test_an_empty_run_that_lists_in_full_asks_nothing_twice(store: Store) -> None:
    lock = MemorySyncLock(MemoryLockStore())
    task = EmptyTask("empty", {"Name": "title"}).run_every(hours=1)
    for number in range(2):  # the first one makes what later ones find
        await run_session(task, store=store, lock=lock, message_id=f"before {number}")
    said: list[str] = []
    begun: list[Any] = []
    event.listen(store.engine, "begin", begun.append)

    @event.listens_for(store.engine, "before_cursor_execute")
    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        said.append(statement)

    record = await run_session(task, store=store, lock=lock, message_id="measured")
    lock.close()
    assert record.status == "succeeded", record.reason
    assert (len(begun), len(said)) == (5, 10)
    assert len(set(said)) == len(said)
