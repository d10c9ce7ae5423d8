"""A session that ends while Redis is away: its node is free soon after Redis is back, not a lease later."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.harness import MakeStack, ProbeSpec, RedisServer, eventually, stacks
from worker.errors import RedisUnavailableError
from worker.lock import MemoryLockStore, NodeBusyError, RedisSyncLock, late
from worker.lock.late import LateReleases
from worker.lock.redis_store import RedisLockStore
from worker.lock.store import Beat, Claim
from worker.redis_client import connect_url

pytestmark = pytest.mark.processes

LEASE = 20.0


@pytest.fixture
def make(tmp_path: Path) -> Iterator[MakeStack]:
    with stacks(tmp_path, lease_seconds=600) as make:
        yield make


@pytest.fixture
def own_client(own_redis: RedisServer) -> Iterator[redis.Redis]:
    with connect_url(own_redis.url) as client:
        yield client


def test_the_release_is_tried_again(own_redis: RedisServer, own_client: redis.Redis) -> None:
    lock, other = (RedisSyncLock(own_client, lease_seconds=LEASE) for _ in range(2))
    sessions = [lock.acquire(node) for node in ("books", "music")]
    own_redis.stop()
    for session in sessions:
        with pytest.raises(RedisUnavailableError):
            lock.release(session, "succeeded", {"n": 1})
    own_redis.start()
    eventually(lambda: lock.holders() == [], 0.5 * LEASE)
    assert [(each.status, each.result) for each in lock.history("music")] == [("succeeded", {"n": 1})]
    other.release(other.acquire("books"), "succeeded")
    eventually(lambda: "lock-late" not in {thread.name for thread in threading.enumerate()})
    lock.close()
    other.close()


def test_the_next_session_of_the_same_process_does_not_wait_for_that(
    own_redis: RedisServer, own_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(late, "PAUSE", 60)
    lock = RedisSyncLock(own_client, lease_seconds=600)
    session = lock.acquire("books")
    own_redis.stop()
    with pytest.raises(RedisUnavailableError):
        lock.release(session, "succeeded")
    own_redis.start()
    second = lock.acquire("books")  # at once
    assert [each.session_id for each in lock.history("books")] == [session]
    assert lock.release(second, "succeeded")
    lock.close()


def test_the_end_of_the_process_tries_it_once_more(
    own_redis: RedisServer, own_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(late, "PAUSE", 60)
    lock, other = (RedisSyncLock(own_client, lease_seconds=600) for _ in range(2))
    session = lock.acquire("books")
    own_redis.stop()
    with pytest.raises(RedisUnavailableError):
        lock.release(session, "succeeded")
    own_redis.start()
    with pytest.raises(NodeBusyError):
        other.acquire("books")
    lock.close()
    assert other.holder("books") is None
    other.close()


def test_it_never_releases_the_lock_of_another(
    own_redis: RedisServer, own_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(late, "PAUSE", 4)
    lock = RedisSyncLock(own_client, lease_seconds=3)
    other = RedisSyncLock(own_client, lease_seconds=LEASE)
    session = lock.acquire("books")
    own_redis.stop()
    with pytest.raises(RedisUnavailableError):
        lock.release(session, "succeeded")
    own_client.close()
    own_redis.start()
    # Faster than the next attempt: the lease is over, another takes the node.
    own_client.hincrby("lockstep:{books}:lock", "beat", -3_600_000)
    second = other.acquire("books")
    eventually(lambda: "lock-late" not in {thread.name for thread in threading.enumerate()})
    record = other.holder("books")
    assert record is not None
    assert (record.session_id, record.live) == (second, True)
    assert [each.status for each in other.history("books")] == ["abandoned"]
    lock.close()
    other.close()


@pytest.mark.parametrize("named", [True, False])
def test_a_claim_that_was_granted_without_an_answer_is_taken_back(
    own_redis: RedisServer, own_client: redis.Redis, named: bool
) -> None:
    """Redis stands still, gets on, and carries out what nobody waits for any more."""
    hasty = redis.Redis.from_url(own_redis.url, socket_timeout=0.3)
    lock, other = RedisSyncLock(hasty, lease_seconds=LEASE), RedisSyncLock(own_client, lease_seconds=LEASE)
    lock.release(lock.acquire("warm up"), "succeeded")
    own_redis.pause()
    with pytest.raises(RedisUnavailableError):
        lock.acquire("books", session_id="s1" if named else None)
    if named:  # else nobody could ask again
        lock.disclaim("books", "s1")
    own_redis.resume()
    eventually(lambda: [each.status for each in other.history("books")] == ["cancelled"], 0.5 * LEASE)
    assert other.holder("books") is None
    lock.close()
    other.close()


def test_it_is_given_up_when_the_lease_is_over(caplog: pytest.LogCaptureFixture) -> None:
    """By a clock that runs on while the machine sleeps; the store is asked no more."""
    now = 100.0

    class Away(MemoryLockStore):
        def release(self, session: Beat, status: str, result: str) -> bool:
            raise RedisUnavailableError("away")

    store = Away()
    store.claim(Claim("s1", "books", "me", "host", 1, 1.0))
    releases = LateReleases(store, lease_seconds=1.0, clock=lambda: now)
    releases.add(Beat("s1", "books", "me", ""), "succeeded", "null")
    time.sleep(0.3)
    assert threading.active_count() > 1
    with caplog.at_level(logging.WARNING):
        now += 1.0
        eventually(lambda: "lease is over" in caplog.text, 5)
    releases.close()


def test_a_run_that_ends_while_redis_is_away_keeps_nobody_from_its_node(make: MakeStack) -> None:
    """The lease is ten minutes here; nothing of it is waited for."""
    stack = make(ProbeSpec(every=3600))
    stack.sides().other.be_slow(listing=2)
    worker, beat = stack.worker("--without-mingle"), stack.beat()
    eventually(stack.sides().runs)
    beat.kill()
    stack.redis.stop()
    worker.wait_for_line("could not be released yet", timeout=40)
    stack.redis.start()
    with connect_url(stack.redis.url) as client:
        eventually(lambda: RedisLockStore(client).holders() == [], 20)
    assert [run.status for run in stack.history()] == ["succeeded"]
    assert "Traceback" not in worker.output(), worker.tail()
