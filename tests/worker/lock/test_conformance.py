"""What every lock must do, over Redis and in memory alike."""

from __future__ import annotations

import os
import pickle
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from tasks.errors import LockLostError
from worker.lock import NodeBusyError, SessionEndedError, SessionRecord, SyncLock

MakeLock = Callable[..., SyncLock]

SHORT = 0.6


def abandon(lock: SyncLock) -> None:
    """Let the lock's heartbeat stop as if its process had died, and its leases run out."""
    lock._keeper.close()
    time.sleep(SHORT * 1.3)


def test_a_session_is_readable_by_others(make_lock: MakeLock) -> None:
    lock, other = make_lock(), make_lock()
    before = datetime.now(UTC) - timedelta(seconds=1)
    session = lock.acquire("books")
    lock.update_phase(session, "apply")

    record = other.holder("books")

    assert record is not None
    assert record.session_id == session
    assert record.node_id == "books"
    assert (record.host, record.pid) == (socket.gethostname(), os.getpid())
    assert record.phase == "apply"
    assert record.fence == lock.fence(session)
    assert before < record.started_at <= record.beat_at < datetime.now(UTC) + timedelta(seconds=1)
    assert record.lease_seconds == 30
    assert record.status == "running"
    assert record.live
    assert other.holder("films") is None


def test_a_busy_node_names_its_session(make_lock: MakeLock) -> None:
    lock = make_lock()
    session = lock.acquire("books")
    lock.update_phase(session, "list")

    with pytest.raises(NodeBusyError) as caught:
        make_lock().acquire("books")

    assert caught.value.record.session_id == session
    assert caught.value.record.live
    for part in ("'books'", session, socket.gethostname(), str(os.getpid()), "'list'", "since"):
        assert part in str(caught.value)
    assert pickle.loads(pickle.dumps(caught.value)).record == caught.value.record


def test_the_same_object_is_shut_out_too(make_lock: MakeLock) -> None:
    lock = make_lock()
    lock.acquire("books")
    with pytest.raises(NodeBusyError):
        lock.acquire("books")
    lock.acquire("films")


def test_release_frees_the_node_and_keeps_a_record(make_lock: MakeLock) -> None:
    lock, other = make_lock(), make_lock()
    session = lock.acquire("books")
    lock.update_phase(session, "apply")
    fence = lock.fence(session)

    assert lock.release(session, "succeeded", {"created": 2, "when": datetime(2026, 1, 2, tzinfo=UTC)})

    assert other.holder("books") is None
    [record] = other.history("books")
    assert (record.session_id, record.status, record.phase, record.fence) == (
        session,
        "succeeded",
        "apply",
        fence,
    )
    assert record.result == {"created": 2, "when": "2026-01-02 00:00:00+00:00"}
    assert record.ended_at is not None
    assert record.ended_at >= record.started_at
    assert not record.live
    assert other.fence(other.acquire("books")) > fence


def test_a_released_session_holds_nothing(make_lock: MakeLock) -> None:
    lock = make_lock()
    session = lock.acquire("books")
    lock.release(session, "succeeded")
    with pytest.raises(LockLostError):
        lock.check(session)
    with pytest.raises(LockLostError):
        lock.hold("books")
    with pytest.raises(LockLostError):
        lock.update_phase(session, "apply")
    with pytest.raises(LockLostError):
        lock.fence(session)
    assert lock.history("books")[0].result is None


def test_release_by_one_who_does_not_hold_changes_nothing(make_lock: MakeLock) -> None:
    lock, other = make_lock(), make_lock()
    session = lock.acquire("books")
    before = other.holder("books")

    assert not other.release(session, "succeeded")
    assert not other.release("nobody", "succeeded")

    assert other.holder("books") == before
    assert other.history("books") == []
    assert lock.release(session, "succeeded")
    assert not lock.release(session, "failed")
    assert [record.status for record in lock.history("books")] == ["succeeded"]


def test_a_session_id_serves_once(make_lock: MakeLock) -> None:
    lock, other = make_lock(), make_lock()
    assert lock.acquire("books", session_id="s1") == "s1"
    with pytest.raises(NodeBusyError):
        lock.acquire("books", session_id="s1")
    with pytest.raises(NodeBusyError):
        other.acquire("books", session_id="s1")
    lock.check("s1")
    lock.release("s1", "succeeded")
    for again in (lock, other):
        with pytest.raises(SessionEndedError):
            again.acquire("books", session_id="s1")
    assert lock.holder("books") is None


def test_one_of_fifty_racers_wins(make_lock: MakeLock) -> None:
    racers = [make_lock() for _ in range(50)]
    gate = threading.Barrier(len(racers))

    def race(lock: SyncLock) -> str | None:
        gate.wait()
        try:
            return lock.acquire("books")
        except NodeBusyError:
            return None

    fences: list[int] = []
    for _ in range(3):
        with ThreadPoolExecutor(len(racers)) as pool:
            sessions = list(pool.map(race, racers))
        [(lock, session)] = [(lock, s) for lock, s in zip(racers, sessions, strict=True) if s]
        fences.append(lock.fence(session))
        assert lock.release(session, "succeeded")
    assert fences == sorted(set(fences))


def test_the_heartbeat_outlasts_the_lease(make_lock: MakeLock) -> None:
    lock, other = make_lock(lease_seconds=SHORT), make_lock(lease_seconds=SHORT)
    sessions = [lock.acquire(node) for node in ("books", "films", "songs")]
    end = time.monotonic() + 3 * SHORT
    while time.monotonic() < end:
        time.sleep(SHORT / 10)
        for session in sessions:
            lock.check(session)
        with pytest.raises(NodeBusyError):
            other.acquire("films")
    assert all(lock.release(session, "succeeded") for session in sessions)


def test_a_session_whose_lease_ran_out_is_taken_over(make_lock: MakeLock) -> None:
    told: list[SessionRecord] = []
    lock, other = make_lock(lease_seconds=SHORT), make_lock(lease_seconds=SHORT, on_abandoned=told.append)
    old = lock.acquire("books")
    lock.update_phase(old, "apply")
    fence = lock.fence(old)
    abandon(lock)
    stale = other.holder("books")
    assert stale is not None
    assert not stale.live

    new = other.acquire("books")

    assert other.fence(new) > fence
    [record] = other.history("books")
    assert (record.session_id, record.status, record.phase) == (old, "abandoned", "apply")
    assert told == [record]
    with pytest.raises(LockLostError):
        lock.check(old)


def test_a_late_release_is_refused(make_lock: MakeLock) -> None:
    lock, other = make_lock(lease_seconds=SHORT), make_lock(lease_seconds=SHORT)
    old = lock.acquire("books")
    abandon(lock)
    new = other.acquire("books")
    history = other.history("books")

    assert not lock.release(old, "succeeded")

    assert other.history("books") == history
    other.check(new)
    assert other.release(new, "succeeded")
    assert [record.status for record in other.history("books")] == ["succeeded", "abandoned"]


def test_a_failing_note_about_a_dead_session_does_not_lose_the_node(
    make_lock: MakeLock, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(record: SessionRecord) -> None:
        raise OSError("no database")

    lock, other = make_lock(lease_seconds=SHORT), make_lock(lease_seconds=SHORT, on_abandoned=fail)
    lock.acquire("books")
    abandon(lock)
    other.check(other.acquire("books"))
    assert "no database" in caplog.text


def test_the_keeper_tells_a_lost_session(make_lock: MakeLock) -> None:
    lock, other = make_lock(lease_seconds=SHORT), make_lock(lease_seconds=SHORT)
    session = lock.acquire("books")
    threads: list[str] = []
    told = threading.Event()

    def note() -> None:
        threads.append(threading.current_thread().name)
        told.set()

    def fail() -> None:
        raise RuntimeError("callback")

    lock.on_lost(session, fail)
    lock.on_lost(session, note)
    lock._store.release(lock._keeper.get(session).beat(), "stolen", "null")  # type: ignore[union-attr]
    other.acquire("books")

    assert told.wait(SHORT)
    assert threads == ["lock-keeper"]
    with pytest.raises(LockLostError, match="another session"):
        lock.check(session)
    late = threading.Event()
    lock.on_lost(session, late.set)
    assert late.wait(1)


def test_hold_proves_and_renews(make_lock: MakeLock) -> None:
    lock, other = make_lock(), make_lock()
    session = lock.acquire("books")
    first = other.holder("books")
    time.sleep(0.05)
    lock.hold("books")
    second = other.holder("books")
    assert first is not None
    assert second is not None
    assert second.beat_at > first.beat_at
    with pytest.raises(LockLostError):
        other.hold("books")

    lock._store.release(lock._keeper.get(session).beat(), "stolen", "null")  # type: ignore[union-attr]
    with pytest.raises(LockLostError):
        lock.hold("books")
    with pytest.raises(LockLostError):
        lock.check(session)


def test_closing_loses_what_was_not_released(make_lock: MakeLock) -> None:
    lock = make_lock()
    session = lock.acquire("books")
    told = threading.Event()
    lock.on_lost(session, told.set)
    lock.close()
    assert told.is_set()
    with pytest.raises(LockLostError):
        lock.check(session)


def test_all_holders_are_listed(make_lock: MakeLock) -> None:
    lock, other = make_lock(), make_lock()
    assert other.holders() == []
    nodes = ["films", "books", "notion:2 {tag} *?[x]", "日本"]
    sessions = {node: lock.acquire(node) for node in nodes}
    assert [(r.node_id, r.session_id, r.live) for r in other.holders()] == [
        (node, sessions[node], True) for node in sorted(nodes)
    ]
    lock.release(sessions["films"], "succeeded")
    assert "films" not in [record.node_id for record in other.holders()]


def test_the_history_is_bounded(make_lock: MakeLock) -> None:
    lock = make_lock()
    for number in range(105):
        lock.release(lock.acquire("books"), f"run {number}")
    history = lock.history("books")
    assert [record.status for record in history] == [f"run {number}" for number in range(104, 4, -1)]


def test_an_empty_node_id_is_refused(make_lock: MakeLock) -> None:
    with pytest.raises(ValueError, match="node_id"):
        make_lock().acquire("")


def test_a_lease_must_be_positive(make_lock: MakeLock) -> None:
    with pytest.raises(ValueError, match="lease_seconds"):
        make_lock(lease_seconds=0)


def test_a_fence_is_larger_than_one_that_the_caller_knows_of(make_lock: MakeLock) -> None:
    lock = make_lock()
    ahead = lock.fence(lock.acquire("films")) + 10**9
    assert lock.fence(lock.acquire("books", last_fence=ahead)) == ahead + 1
