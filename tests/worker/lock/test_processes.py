"""Real processes that hold a node, killed and frozen."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis

from tests.harness import Process, RedisServer, eventually
from worker.lock import NodeBusyError, RedisSyncLock, SessionRecord

ROOT = Path(__file__).resolve().parents[3]
LEASE = 1.0

pytestmark = pytest.mark.processes


@pytest.fixture
def start(shared_redis: RedisServer, prefix: str, tmp_path: Path) -> Iterator[Callable[[], Process]]:
    """Starts a process that holds node `books` and writes its fence to `writes`."""
    with ExitStack() as stack:

        def start() -> Process:
            program = [sys.executable, "-m", "tests.harness.lock_holder"]
            arguments = [shared_redis.url, prefix, "books", str(LEASE), str(tmp_path / "writes")]
            log = tmp_path / "holder.log"
            env = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "HOME": str(tmp_path)}
            process = stack.enter_context(Process([*program, *arguments], log=log, env=env, cwd=tmp_path))
            process.wait_for_line(r"^acquired")
            return process

        yield start


@pytest.fixture
def told() -> list[SessionRecord]:
    return []


@pytest.fixture
def lock(client: redis.Redis, prefix: str, told: list[SessionRecord]) -> Iterator[RedisSyncLock]:
    lock = RedisSyncLock(client, lease_seconds=LEASE, prefix=prefix, on_abandoned=told.append)
    yield lock
    lock.close()


def fences(path: Path) -> list[int]:
    return [int(line) for line in (path / "writes").read_text().splitlines()]


def acquire_when_free(lock: RedisSyncLock) -> str:
    def attempt() -> str | None:
        try:
            return lock.acquire("books")
        except NodeBusyError:
            return None

    return eventually(attempt, timeout=5 * LEASE)


def test_a_killed_holder_is_taken_over_after_its_lease(
    start: Callable[[], Process], lock: RedisSyncLock, told: list[SessionRecord]
) -> None:
    holder = start()
    time.sleep(1.5 * LEASE)
    with pytest.raises(NodeBusyError) as busy:
        lock.acquire("books")
    assert busy.value.record.pid == holder.pid
    assert busy.value.record.phase == "writing"

    holder.kill()
    killed_at = time.monotonic()
    session = acquire_when_free(lock)

    assert 0.6 * LEASE < time.monotonic() - killed_at < 2 * LEASE
    [abandoned] = told
    assert (abandoned.pid, abandoned.status, abandoned.phase) == (holder.pid, "abandoned", "writing")
    assert lock.history("books") == [abandoned]
    assert lock.fence(session) > abandoned.fence


def test_a_holder_frozen_past_its_lease_writes_nothing_more(
    start: Callable[[], Process], lock: RedisSyncLock, tmp_path: Path
) -> None:
    holder = start()
    eventually(lambda: len(fences(tmp_path)) > 5)
    holder.stop()
    session = acquire_when_free(lock)
    lock.check(session)
    written = fences(tmp_path)
    assert lock.fence(session) > max(written)

    holder.cont()

    assert holder.wait_exit() == 3
    assert "lost: the lock of node 'books' was lost" in holder.output()
    assert "late release: False" in holder.output()
    assert fences(tmp_path) == written
    record = lock.holder("books")
    assert record is not None
    assert record.session_id == session
    assert lock.release(session, "succeeded")


def test_a_holder_frozen_past_its_lease_stops_even_if_nobody_took_over(
    start: Callable[[], Process], lock: RedisSyncLock, tmp_path: Path
) -> None:
    holder = start()
    eventually(lambda: len(fences(tmp_path)) > 5)
    holder.stop()
    time.sleep(1.2 * LEASE)
    written = fences(tmp_path)
    holder.cont()
    assert holder.wait_exit() == 3
    assert fences(tmp_path) == written
    assert "late release: True" in holder.output()
    assert lock.holder("books") is None


def test_a_short_freeze_does_no_harm(start: Callable[[], Process], tmp_path: Path) -> None:
    holder = start()
    eventually(lambda: len(fences(tmp_path)) > 5)
    holder.stop()
    time.sleep(0.2 * LEASE)
    written = len(fences(tmp_path))
    holder.cont()
    eventually(lambda: len(fences(tmp_path)) > written)
    holder.terminate()
    assert holder.wait_exit() == 0
    assert "release: True" in holder.output()


def test_a_forked_child_is_an_owner_of_its_own(lock: RedisSyncLock) -> None:
    lock.acquire("books")
    child = os.fork()
    if child == 0:
        try:
            try:
                lock.acquire("books")
                os._exit(1)
            except NodeBusyError:
                lock.acquire("films")
                time.sleep(1.5 * LEASE)
                lock.hold("films")
                os._exit(0)
        finally:
            os._exit(2)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    lock.hold("books")
    [films] = [record for record in lock.holders() if record.node_id == "films"]
    assert films.pid == child
