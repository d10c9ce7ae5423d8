"""The lock over a Redis that restarts, loses its data, does not answer, or whose answers get lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from tasks.errors import LockLostError
from tests.harness import RedisServer, eventually, free_port
from worker.errors import RedisUnavailableError
from worker.lock import NodeBusyError, RedisSyncLock, SessionRecord
from worker.redis_client import connect_url


class LossyConnection(redis.Connection):
    """Drops the answer to a script once for each loss that was ordered."""

    losses: ClassVar[int] = 0
    dropped: ClassVar[int] = 0
    _script = False

    def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        packed = b"".join(command) if isinstance(command, list) else command
        super().send_packed_command(command, check_health)
        # Afterwards: sending may have connected first, which sends commands of its own.
        self._script = b"EVALSHA" in packed

    def read_response(self, *args: Any, **kwargs: Any) -> Any:
        answer = super().read_response(*args, **kwargs)
        if self._script and LossyConnection.losses > 0:
            LossyConnection.losses -= 1
            LossyConnection.dropped += 1
            self.disconnect()
            raise redis.ConnectionError("the answer was lost")
        return answer


@pytest.fixture
def lossy(shared_redis: RedisServer) -> Iterator[redis.Redis]:
    LossyConnection.losses = LossyConnection.dropped = 0
    pool = redis.ConnectionPool.from_url(
        shared_redis.url,
        connection_class=LossyConnection,
        retry=Retry(ConstantBackoff(0.01), 3),
    )
    with redis.Redis(connection_pool=pool) as client:
        yield client
    LossyConnection.losses = 0
    pool.disconnect()


@pytest.fixture
def own_client(own_redis: RedisServer) -> Iterator[redis.Redis]:
    with connect_url(own_redis.url) as client:
        yield client


def test_a_claim_whose_answer_was_lost_is_the_same_claim(lossy: redis.Redis, prefix: str) -> None:
    lock = RedisSyncLock(lossy, prefix=prefix)
    lock.release(lock.acquire("warm up"), "succeeded")
    LossyConnection.losses = 2
    session = lock.acquire("books")
    assert LossyConnection.dropped == 2
    record = lock.holder("books")
    assert record is not None
    assert (record.session_id, record.fence) == (session, lock.fence(session))
    assert lock.history("books") == []
    lock.close()


def test_a_takeover_whose_answer_was_lost_still_tells_of_the_dead_session(
    lossy: redis.Redis, prefix: str
) -> None:
    told: list[SessionRecord] = []
    dead = RedisSyncLock(lossy, prefix=prefix, lease_seconds=0.3)
    old = dead.acquire("books")
    dead.close()
    time.sleep(0.4)
    lock = RedisSyncLock(lossy, prefix=prefix, lease_seconds=30, on_abandoned=told.append)
    LossyConnection.losses = 1
    lock.acquire("books")
    assert LossyConnection.dropped == 1
    assert [record.session_id for record in told] == [old]
    assert len(lock.history("books")) == 1
    lock.close()


def test_a_release_whose_answer_was_lost_counts_once(lossy: redis.Redis, prefix: str) -> None:
    lock = RedisSyncLock(lossy, prefix=prefix)
    session = lock.acquire("books")
    lock.hold("books")
    LossyConnection.losses = 1
    assert lock.release(session, "succeeded", {"n": 1})
    assert LossyConnection.dropped == 1
    assert [record.result for record in lock.history("books")] == [{"n": 1}]
    lock.close()


def test_a_claim_without_any_answer_can_be_tried_again_with_its_id(lossy: redis.Redis, prefix: str) -> None:
    lock = RedisSyncLock(lossy, prefix=prefix)
    lock.release(lock.acquire("warm up"), "succeeded")
    LossyConnection.losses = 4
    with pytest.raises(RedisUnavailableError, match="did not answer"):
        lock.acquire("books", session_id="s1")
    assert lock.acquire("books", session_id="s1") == "s1"
    lock.check("s1")
    lock.close()


def test_scripts_are_loaded_again_after_they_were_flushed(client: redis.Redis, prefix: str) -> None:
    lock = RedisSyncLock(client, prefix=prefix)
    session = lock.acquire("books")
    client.script_flush()
    lock.hold("books")
    client.script_flush()
    assert lock.release(session, "succeeded")
    lock.close()


@pytest.mark.processes
@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_lock_outlives_a_restart_of_redis(
    own_redis: RedisServer, own_client: redis.Redis, end: str
) -> None:
    lock, other = RedisSyncLock(own_client, lease_seconds=3), RedisSyncLock(own_client, lease_seconds=3)
    session = lock.acquire("books")
    fence = lock.fence(session)
    # Where the disk is busy, Redis keeps what it has promised in memory for a while.
    eventually(lambda: own_client.info("persistence")["aof_buffer_length"] == 0)
    getattr(own_redis, end)()
    time.sleep(0.3)
    own_redis.start()

    eventually(own_client.ping)
    with pytest.raises(NodeBusyError):
        other.acquire("books")
    lock.update_phase(session, "apply")
    time.sleep(3.2)
    lock.check(session)
    record = other.holder("books")
    assert record is not None
    assert (record.session_id, record.fence, record.phase, record.live) == (session, fence, "apply", True)
    assert lock.release(session, "succeeded")
    lock.close()
    other.close()


@pytest.mark.processes
def test_a_holder_finds_out_that_redis_lost_its_data(own_client: redis.Redis) -> None:
    lock, other = RedisSyncLock(own_client, lease_seconds=1.5), RedisSyncLock(own_client, lease_seconds=1.5)
    session = lock.acquire("books")
    fence = lock.fence(session)
    told = threading.Event()
    lock.on_lost(session, told.set)

    own_client.flushall()

    # It does not take the node back: another may have held and released it since, unseen.
    assert told.wait(1.0)
    with pytest.raises(LockLostError, match="lost its data"):
        lock.check(session)
    assert not lock.release(session, "succeeded")
    assert lock.holder("books") is None
    assert other.fence(other.acquire("books")) > fence
    lock.close()
    other.close()


@pytest.mark.processes
def test_hold_finds_out_at_once_that_redis_lost_its_data(own_client: redis.Redis) -> None:
    lock = RedisSyncLock(own_client, lease_seconds=30)
    session = lock.acquire("books")
    own_client.flushall()
    with pytest.raises(LockLostError):
        lock.hold("books")
    with pytest.raises(LockLostError):
        lock.check(session)
    lock.close()


@pytest.mark.processes
@pytest.mark.parametrize("away", ["stop", "pause"])
def test_a_session_goes_on_without_redis_for_most_of_its_lease(
    own_redis: RedisServer, own_client: redis.Redis, away: str
) -> None:
    lease = 2.0
    lock = RedisSyncLock(own_client, lease_seconds=lease)
    session = lock.acquire("books")
    told = threading.Event()
    lock.on_lost(session, told.set)
    getattr(own_redis, away)()
    away_at = time.monotonic()
    while time.monotonic() - away_at < 0.35 * lease:
        lock.check(session)
        time.sleep(0.02)
    assert told.wait(lease)
    assert time.monotonic() - away_at < 1.1 * lease
    with pytest.raises(LockLostError, match="no heartbeat was answered"):
        lock.check(session)
    if away == "pause":
        own_redis.resume()
    lock.close()


def test_without_redis_nothing_is_acquired() -> None:
    port = free_port()
    with connect_url(f"redis://:geheim@127.0.0.1:{port}/0") as client:
        lock = RedisSyncLock(client)
        with pytest.raises(RedisUnavailableError, match=f"127.0.0.1:{port}.*REDIS_URL") as caught:
            lock.acquire("books")
        assert "geheim" not in str(caught.value)
        for read in (lock.holders, lambda: lock.holder("books"), lambda: lock.history("books")):
            with pytest.raises(RedisUnavailableError):
                read()
        lock.close()


def test_a_phase_is_told_later_when_redis_is_away(own_redis: RedisServer, own_client: redis.Redis) -> None:
    lock = RedisSyncLock(own_client, lease_seconds=6)
    session = lock.acquire("books")
    own_redis.stop()
    lock.update_phase(session, "apply")
    own_redis.start()

    def phase() -> str:
        record = lock.holder("books")
        assert record is not None
        return record.phase

    eventually(lambda: phase() == "apply", timeout=5)
    lock.check(session)
    lock.close()


def test_hold_is_no_proof_when_redis_is_away(own_redis: RedisServer, own_client: redis.Redis) -> None:
    lock = RedisSyncLock(own_client, lease_seconds=30)
    session = lock.acquire("books")
    own_redis.stop()
    with pytest.raises(LockLostError, match="could not be proved"):
        lock.hold("books")
    lock.check(session)
    with pytest.raises(RedisUnavailableError):
        lock.release(session, "succeeded")
    lock.close()


def test_a_clock_of_redis_that_was_set_back_blocks_for_one_lease_only(
    client: redis.Redis, prefix: str
) -> None:
    lease = 0.5
    dead = RedisSyncLock(client, lease_seconds=lease, prefix=prefix)
    dead.acquire("books")
    dead.close()
    client.hincrby(f"{prefix}:{{books}}:lock", "beat", 3_600_000)
    lock = RedisSyncLock(client, lease_seconds=lease, prefix=prefix)
    with pytest.raises(NodeBusyError):
        lock.acquire("books")
    time.sleep(1.2 * lease)
    lock.acquire("books")
    lock.close()


def test_the_fence_grows_even_when_the_counter_is_ahead_of_the_clock(
    client: redis.Redis, prefix: str
) -> None:
    lock = RedisSyncLock(client, prefix=prefix)
    ahead = int(time.time() * 1000) + 3_600_000
    client.set(f"{prefix}:{{books}}:fence", ahead)
    session = lock.acquire("books")
    assert lock.fence(session) == ahead + 1
    lock.close()


def test_no_record_of_a_lock_expires(client: redis.Redis, prefix: str) -> None:
    lock = RedisSyncLock(client, prefix=prefix)
    lock.release(lock.acquire("books"), "succeeded")
    lock.acquire("books")
    keys = list(client.scan_iter(match=f"{prefix}:*"))
    assert sorted(keys) == [f"{prefix}:{{books}}:{part}" for part in ("fence", "history", "lock")]
    assert {client.ttl(key) for key in keys} == {-1}
    lock.close()


def test_a_client_that_answers_in_bytes_serves_too(shared_redis: RedisServer, prefix: str) -> None:
    with redis.Redis.from_url(shared_redis.url) as client:
        lock = RedisSyncLock(client, prefix=prefix)
        session = lock.acquire("büro")
        [record] = lock.holders()
        assert (record.session_id, record.node_id) == (session, "büro")
        assert lock.release(session, "succeeded")
        assert lock.history("büro")[0].status == "succeeded"
        lock.close()
