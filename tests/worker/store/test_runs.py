from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import text

from tasks.errors import LockLostError, StateError
from worker.lock import MemoryLockStore, MemorySyncLock, NodeBusyError
from worker.store import RAN, RunRecord, Store

START = datetime(2026, 1, 1, tzinfo=UTC)


def record(number: int, **changes: Any) -> RunRecord:
    fields: dict[str, Any] = {
        "run_id": f"run {number}", "task": "task", "status": "running", "fence": number,
        "started_at": START + timedelta(minutes=number), "notes": [],
    }  # fmt: skip
    return RunRecord(**{**fields, **changes})


def ended(run: RunRecord, status: str = "succeeded", **changes: Any) -> RunRecord:
    return replace(run, status=status, finished_at=run.started_at + timedelta(seconds=2), **changes)


def ran(store: Store, number: int, status: str = "succeeded", **changes: Any) -> RunRecord:
    """A run from start to end."""
    run = record(number, **changes)
    assert store.runs.start(run, None) is None
    store.runs.finish(ended(run, status))
    return ended(run, status)


def test_a_run_comes_back_as_it_was_entered(store: Store) -> None:
    run = record(1, message_id="m", started_at=START.astimezone(timezone(timedelta(hours=5))))
    assert store.runs.start(run, None) is None
    assert store.runs.list() == [run]
    done = ended(run, "failed", reason="ünïcödé", counts={"right_created": 2}, notes=["one\ntwo"])
    store.runs.finish(done)
    (found,) = store.runs.list("task")
    assert found == done
    assert found.started_at == START
    assert found.started_at.tzinfo is UTC
    assert found.seconds == 2
    assert found.to_json()["counts"] == {"right_created": 2}
    assert run.seconds is None


def test_a_time_without_a_zone_is_refused(store: Store) -> None:
    with pytest.raises(Exception, match="a stored time needs a zone"):
        store.runs.enter(record(1, started_at=datetime(2026, 1, 1)))
    assert store.runs.list() == []


def test_history_counts_and_lists_what_it_is_asked_for(store: Store) -> None:
    for number, status in enumerate((*RAN, "cancelled"), 1):
        ran(store, number, status)
    store.runs.enter(record(8, status="skipped", finished_at=START))
    ran(store, 3, "succeeded", run_id="other", task="another")
    assert store.runs.count_finished("task") == len(RAN)
    assert store.runs.count_finished("unknown") == 0
    assert [run.run_id for run in store.runs.list("task")] == [f"run {n}" for n in (8, 6, 5, 4, 3, 2, 1)]
    assert [run.run_id for run in store.runs.list("task", 1, skipped=False)] == ["run 6"]
    assert len(store.runs.list()) == 8
    assert store.runs.last_started("task") == START + timedelta(minutes=5)
    assert store.runs.last_started("unknown") is None
    assert {name: run.run_id for name, run in store.runs.latest().items()} == {
        "task": "run 6", "another": "other",
    }  # fmt: skip
    store.runs.start(record(9), None)
    assert store.runs.last_started("task") == START + timedelta(minutes=9)
    assert store.runs.latest()["task"].status == "running"


def test_a_run_whose_worker_was_lost_is_marked_by_the_next(store: Store) -> None:
    store.runs.start(record(1), None)
    store.runs.start(record(1, run_id="other", task="another"), None)
    store.runs.start(record(2), None)
    second, first = store.runs.list("task")
    assert (second.status, first.status) == ("running", "abandoned")
    assert first.reason == "its worker was lost"
    assert first.finished_at == second.started_at
    assert store.runs.list("another")[0].status == "running"

    store.runs.finish(ended(record(1)))  # it was only frozen, and comes back
    assert store.runs.list("task")[1].status == "abandoned"
    assert store.runs.count_finished("task") == 0


def test_a_lost_run_can_be_marked_by_its_id(store: Store) -> None:
    store.runs.start(record(1), None)
    store.runs.abandon("run 1", "the lock was lost")
    store.runs.abandon("unknown", "x")
    assert [(run.status, run.reason) for run in store.runs.list()] == [("abandoned", "the lock was lost")]
    ran(store, 2)
    store.runs.abandon("run 2", "too late")
    assert (store.runs.list()[0].status, store.runs.list()[0].reason) == ("succeeded", "")


def test_a_message_runs_once(store: Store) -> None:
    ran(store, 1, message_id="m")
    assert (
        store.runs.start(record(2, message_id="m"), None) == "this message was delivered before and has run"
    )
    assert store.runs.start(record(2, message_id="n"), None) is None
    assert [run.run_id for run in store.runs.list()] == ["run 2", "run 1"]


@pytest.mark.parametrize("status", ["cancelled", "abandoned"])
def test_a_message_whose_run_did_not_come_to_an_end_runs_again(store: Store, status: str) -> None:
    ran(store, 1, status, message_id="m")
    assert store.runs.start(record(2, message_id="m"), None) is None


@pytest.mark.parametrize("status", RAN)
def test_a_total_counts_what_really_ran(store: Store, status: str) -> None:
    ran(store, 1, status)
    ran(store, 2, "cancelled")
    ran(store, 3, run_id="other", task="another")
    assert store.runs.start(record(4), 2) is None
    store.runs.finish(ended(record(4)))
    assert store.runs.start(record(5), 2) == "all 2 runs of this task are done"
    assert store.runs.count_finished("task") == 2


def test_an_older_session_cannot_start(store: Store) -> None:
    ran(store, 7)
    with pytest.raises(LockLostError, match="has taken over"):
        store.runs.start(record(6, run_id="late"), None)
    assert [run.run_id for run in store.runs.list()] == ["run 7"]


def test_a_total_is_exact_when_many_workers_race_for_it(
    open_store: Callable[[], Store], store: Store
) -> None:
    total, workers = 5, 4
    locks = MemoryLockStore()
    together = threading.Barrier(workers)

    def work(worker: int) -> int:
        mine, lock, done = open_store(), MemorySyncLock(locks), 0
        together.wait()
        for attempt in range(200):
            run_id = f"{worker}.{attempt}"
            try:
                lock.acquire("task", session_id=run_id)
            except NodeBusyError:
                continue
            run = record(1, run_id=run_id, fence=lock.fence(run_id))
            refused = mine.runs.start(run, total)
            if refused is None:
                mine.runs.finish(ended(run))
                done += 1
            lock.release(run_id, "done")
            if refused is not None:
                break
        lock.close()
        return done

    with ThreadPoolExecutor(workers) as pool:
        done = list(pool.map(work, range(workers)))
    assert sum(done) == total == store.runs.count_finished("task")


def test_starts_that_no_lock_keeps_apart_follow_each_other(
    open_store: Callable[[], Store], store: Store
) -> None:
    together = threading.Barrier(6)

    def start(fence: int) -> str:
        mine = open_store()
        together.wait()
        try:
            return mine.runs.start(record(fence), None) or "started"
        except LockLostError:
            return "refused"

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(start, range(1, 7)))
    assert set(answers) <= {"started", "refused"}
    assert answers[-1] == "started"
    runs = store.runs.list()
    assert len(runs) == answers.count("started")
    assert [run.run_id for run in runs if run.status == "running"] == ["run 6"]


def test_a_run_that_cannot_be_read_is_told(store: Store) -> None:
    ran(store, 1)
    with store.write() as connection:
        connection.execute(text("UPDATE run SET counts = '{torn'"))
    with pytest.raises(StateError, match="run run 1 of the history cannot be read"):
        store.runs.list()
