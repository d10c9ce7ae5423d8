"""A run after Redis has lost its data while another run went on: that one may have writes on their way."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from config import get_settings
from tasks import LockLostError
from tests.tasks.sync_task.seed_style import Services, ToDos
from worker.lock import RedisSyncLock
from worker.session.run import run_session
from worker.store import RunRecord, SqlJournal, Store

#: A fifth of it is what the writes of a lost session have to arrive.
LEASE = 4.0

pytestmark = pytest.mark.processes


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("LOCKSTEP_STATE_DIR", str(tmp_path / "state"))
    get_settings.cache_clear()
    store = Store(f"sqlite:///{tmp_path / 'lockstep.db'}")
    store.migrate()
    yield store
    store.close()
    get_settings.cache_clear()


@pytest.fixture
def prefix() -> str:
    return f"test-{uuid.uuid4().hex}"


def goes_on(store: Store, lock: RedisSyncLock, task: ToDos) -> RunRecord:
    """A run of another worker, in the middle of its work."""
    run_id = lock.acquire(task.name, session_id=uuid.uuid4().hex)
    record = RunRecord(run_id=run_id, task=task.name, status="running", fence=lock.fence(run_id))
    assert store.runs.start(record, None) is None
    return record


async def test_its_writes_are_waited_for(
    store: Store, client: redis.Redis, prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    services = Services()
    services.page("Milk")
    task = ToDos(services)
    # The former one asks Redis seldom: it must not hear of it while the other one runs.
    former = RedisSyncLock(client, lease_seconds=15 * LEASE, prefix=prefix)
    lock = RedisSyncLock(client, lease_seconds=LEASE, prefix=prefix)
    one = goes_on(store, former, task)
    client.delete(*client.scan_iter(match=f"{prefix}:*"))
    began = time.monotonic()
    with caplog.at_level(logging.WARNING):
        other = await run_session(task, store=store, lock=lock)
    assert time.monotonic() - began >= 0.2 * LEASE
    assert other.status == "succeeded"
    assert "Redis has forgotten its last run" in caplog.text
    former.check(one.run_id)  # it does not know yet, so that its lock does not hold it back
    with pytest.raises(LockLostError, match="another session"):
        await SqlJournal(store, task.name, one.run_id, one.fence).begin(None)
    former.close()
    lock.close()


async def test_one_whose_lease_ran_out_has_had_its_time(
    store: Store, client: redis.Redis, prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    task = ToDos(Services())
    former = RedisSyncLock(client, lease_seconds=0.6, prefix=prefix)
    goes_on(store, former, task)
    former.close()
    await asyncio.sleep(1)
    lock = RedisSyncLock(client, lease_seconds=LEASE, prefix=prefix)
    with caplog.at_level(logging.WARNING):
        assert (await run_session(task, store=store, lock=lock)).status == "succeeded"
    assert "Took node" in caplog.text
    assert "forgotten" not in caplog.text
    lock.close()
