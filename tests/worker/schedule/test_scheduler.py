"""The scheduler in this process, over a real Redis and a real history."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis
from celery.beat import Scheduler

from tests.worker.schedule.conftest import Beat, MakeBeat
from worker.lock import RedisSyncLock
from worker.machine.redis_server import RedisServer
from worker.schedule.claims import KEY, Claim
from worker.store import Store

Queued = Callable[[], list[dict[str, Any]]]
Ran = Callable[..., None]


def tasks(queued: Queued) -> list[str]:
    return [headers["task"] for headers in queued()]


def test_an_entry_is_sent_at_once_and_then_after_its_period(beat: MakeBeat, queued: Queued) -> None:
    one = beat(milk={"every": 0.3})
    assert one.turn() == pytest.approx(0.3, abs=0.1)
    one.turn()
    assert tasks(queued) == ["sync.milk"]
    time.sleep(0.31)
    one.turn()
    assert tasks(queued) == ["sync.milk"] * 2


def test_no_message_expires_whatever_the_clocks_of_beat_and_worker_say(
    beat: MakeBeat, queued: Queued
) -> None:
    beat(milk={"every": 2}).turn()
    (headers,) = queued()
    assert headers["expires"] is None


def test_two_beats_send_once(beat: MakeBeat, queued: Queued) -> None:
    one, two = beat(milk={"every": 60}), beat(milk={"every": 60})
    one.turn()
    assert two.turn() > 1
    assert tasks(queued) == ["sync.milk"]


def test_a_beat_goes_on_where_another_ended(beat: MakeBeat, queued: Queued) -> None:
    one = beat(milk={"every": 60})
    one.turn()
    one.close()
    assert beat(milk={"every": 60}).turn() == pytest.approx(5, abs=0.1)  # sleeps its longest
    assert beat(milk={"every": 1}).turn() <= 1  # the period has changed, the last run has not
    assert len(queued()) == 1


def test_an_empty_redis_is_filled_from_the_history(beat: MakeBeat, queued: Queued, ran: Ran) -> None:
    ran("milk", started_at=datetime.now(UTC) - timedelta(seconds=100))
    ran("bread", started_at=datetime.now(UTC) - timedelta(seconds=100))
    ran("eggs", "cancelled", started_at=datetime.now(UTC) - timedelta(seconds=5))
    beat(milk={"every": 600}, bread={"every": 60}, eggs={"every": 600}).turn()
    assert sorted(tasks(queued)) == ["sync.bread", "sync.eggs"]


def test_redis_emptied_under_a_beat_repeats_nothing(
    beat: MakeBeat, queued: Queued, client: redis.Redis
) -> None:
    one = beat(milk={"every": 0.5})
    one.turn()
    client.flushall()
    one.turn()
    assert queued() == []
    time.sleep(0.5)
    one.turn()
    assert len(queued()) == 1


def test_a_task_that_is_gone_leaves_the_schedule(beat: MakeBeat, queued: Queued, client: redis.Redis) -> None:
    beat(milk={"every": 60}, bread={"every": 60}).turn()
    beat(bread={"every": 60}).turn()
    assert client.hkeys(KEY) == ["bread"]
    assert len(queued()) == 2


def test_a_total_is_sent_as_often_as_runs_have_run(beat: MakeBeat, queued: Queued, ran: Ran) -> None:
    one = beat(milk={"every": 0.1, "total": 2})
    one.turn()
    assert len(queued()) == 1
    ran("milk", "skipped")
    ran("milk", "abandoned")
    time.sleep(0.12)
    one.turn()
    assert len(queued()) == 2
    ran("milk")
    ran("milk", "failed")
    time.sleep(0.12)
    assert one.turn() == 5
    time.sleep(0.2)
    assert one.turn() == 5
    assert len(queued()) == 2
    assert beat(milk={"every": 0.1, "total": 2}).turn() == 5
    assert len(queued()) == 2
    beat(milk={"every": 0.1, "total": 3}).turn()  # raised
    assert len(queued()) == 3


def test_the_last_run_of_a_total_is_waited_for(
    beat: MakeBeat, queued: Queued, ran: Ran, client: redis.Redis
) -> None:
    ran("milk")
    lock = RedisSyncLock(client, lease_seconds=5)
    session = lock.acquire("milk")
    one = beat(milk={"every": 0.1, "total": 2})
    one.turn()
    assert queued() == []
    lock.release(session, "abandoned")
    time.sleep(0.6)
    one.turn()
    assert len(queued()) == 1
    lock.close()


def test_runs_without_a_period_follow_each_other(beat: MakeBeat, queued: Queued, ran: Ran) -> None:
    one = beat(milk={"total": 3, "periodic": False, "every": 60})
    one.turn()
    time.sleep(0.6)
    one.turn()
    assert len(queued()) == 1
    for number in (2, 3):
        ran("milk")
        time.sleep(0.9)
        one.turn()
        assert len(queued()) == number
    ran("milk")
    time.sleep(0.9)
    assert one.turn() == 5
    assert len(queued()) == 3


def test_a_lost_single_run_is_sent_again(beat: MakeBeat, queued: Queued, client: redis.Redis) -> None:
    """Lost in the queue, or with its worker; but not while a session holds the node."""
    one = beat(milk={"total": 1, "periodic": False, "every": 0.6})
    one.turn()
    client.delete("celery")
    lock = RedisSyncLock(client, lease_seconds=5)
    session = lock.acquire("milk")
    time.sleep(0.7)
    one.turn()
    assert queued() == []
    lock.release(session, "cancelled")
    time.sleep(1.2)
    one.turn()
    assert len(queued()) == 1
    lock.close()


@pytest.mark.parametrize("status", ["running", "succeeded"])
def test_runs_without_a_period_wait_for_none_that_an_emptied_redis_has_lost(
    beat: MakeBeat, queued: Queued, ran: Ran, client: redis.Redis, status: str
) -> None:
    """A worker died in its first run, or it had ended; then Redis lost the message of what was to follow."""
    beat(milk={"total": 2, "periodic": False, "every": 600}).turn()
    ran("milk", status)
    client.flushall()
    second = beat(milk={"total": 2, "periodic": False, "every": 600})
    second.turn()
    assert len(queued()) == 1
    time.sleep(0.6)
    second.turn()
    beat(milk={"total": 2, "periodic": False, "every": 600}).turn()
    assert len(queued()) == 1


def test_a_claim_without_a_message_is_sent_by_the_next_beat(
    beat: MakeBeat, queued: Queued, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first beat dies between the two: here it is never asked again."""
    one = beat(milk={"every": 60})
    with monkeypatch.context() as patch:
        patch.setattr(Scheduler, "apply_async", lambda *_, **__: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            one.turn()
    two = beat({"resend_after": 0.3}, milk={"every": 60})
    assert two.turn() <= 0.3
    assert queued() == []
    time.sleep(0.35)
    two.turn()
    assert len(queued()) == 1
    two.turn()
    time.sleep(0.4)
    two.turn()
    assert len(queued()) == 1


def test_a_failed_message_is_sent_again_under_the_same_id(
    beat: MakeBeat, queued: Queued, client: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    one = beat(milk={"every": 60})
    client.set("celery", "this is no queue")  # the broker refuses, the claim goes through
    assert one.turn() == pytest.approx(2, abs=0.3)
    assert "beat tries again" in caplog.text
    assert "Traceback" not in caplog.text
    number = client.hget(KEY, "milk")
    client.delete("celery")
    time.sleep(2)
    one.turn()
    (headers,) = queued()
    assert '"pending":0' in client.hget(KEY, "milk").replace(" ", "")
    assert str(headers["id"])
    assert number.split('"claim":')[1][:10] == client.hget(KEY, "milk").split('"claim":')[1][:10]


def test_a_failed_message_stays_the_same_when_its_task_gets_other_times(
    beat: MakeBeat, queued: Queued, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sentry opens a check-in at `apply_entry`: a second one for the same run would never be closed."""
    opened: list[str] = []
    apply = Scheduler.apply_entry

    def counted(self: Scheduler, entry: Any, producer: Any = None) -> None:
        opened.append(entry.options["task_id"])
        apply(self, entry, producer)

    monkeypatch.setattr(Scheduler, "apply_entry", counted)
    one = beat({"resend_after": 0.2}, milk={"every": 60})
    client.set("celery", "this is no queue")
    one.turn()
    one.scheduler._change_entries(dict(beat(milk={"every": 90}).scheduler.entries))
    client.delete("celery")
    deadline = time.monotonic() + 30
    while not (sent := queued()) and time.monotonic() < deadline:
        one.turn()
        time.sleep(0.05)
    assert [headers["id"] for headers in sent] == opened
    assert len(opened) == 1
    one.turn()
    assert one.scheduler.entries["milk"].every == 90
    assert len(queued()) == 1


def test_beat_starts_without_redis_and_waits_for_it(
    beat: MakeBeat, queued: Queued, server: RedisServer, client: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    one = beat(milk={"every": 60}, bread={"every": 60})
    server.stop()
    assert 0 < one.turn() <= 2
    assert 0 < one.turn() <= 2
    assert caplog.text.count("Redis does not answer") == 1
    server.start()
    time.sleep(2)
    one.turn()
    assert len(queued()) == 2


def test_an_unreadable_history_delays_only_limited_entries(
    beat: MakeBeat, queued: Queued, store: Store
) -> None:
    one = beat(milk={"total": 1, "periodic": False}, bread={"every": 60})
    with store.write() as connection:
        connection.exec_driver_sql("ALTER TABLE run RENAME TO gone")
    one.turn()
    assert tasks(queued) == ["sync.bread"]
    with store.write() as connection:
        connection.exec_driver_sql("ALTER TABLE gone RENAME TO run")
    time.sleep(2.1)
    one.turn()
    assert sorted(tasks(queued)) == ["sync.bread", "sync.milk"]


def test_racing_beats_send_each_run_once(beat: MakeBeat, queued: Queued, client: redis.Redis) -> None:
    entries = {f"task-{number}": {"every": 0.5} for number in range(20)}
    beats = [beat(**entries) for _ in range(3)]
    began = time.monotonic()
    until = began + 2.2

    def work(one: Beat) -> None:
        while time.monotonic() < until:
            time.sleep(min(one.turn(), 0.05))
            queued()

    threads = [threading.Thread(target=work, args=(one,)) for one in beats]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - began
    for name in entries:
        last = json.loads(client.hget(KEY, name) or "{}")["claim"]
        sent = [headers["id"] for headers in queued() if headers["task"] == f"sync.{name}"]
        # However slow the machine is: no message twice, the last claim's is there, none more than periods passed.
        assert len(sent) == len(set(sent))
        assert Claim(name, True, last, 0, 0).message_id in sent
        assert 1 <= len(sent) <= 1 + took / 0.5


def test_ten_thousand_entries_tick_cheaply(
    beat: MakeBeat, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = {f"task-{number}": {"every": 3600} for number in range(10_000)}
    now = time.time() * 1000
    client.hset(
        KEY,
        mapping=dict.fromkeys(
            entries, f'{{"claim": 1, "last": {now:.0f}, "pending": 0, "by": "", "finished": -1}}'
        ),
    )
    one = beat(**entries)
    assert one.turn() == 5
    looked_at: list[str] = []
    look_at = one.scheduler._look_at

    def look(entry: Any) -> float | None:
        looked_at.append(entry.name)
        found: float | None = look_at(entry)
        return found

    monkeypatch.setattr(one.scheduler, "_look_at", look)
    asked = client.info("stats")["total_commands_processed"]
    for _ in range(1000):
        one.turn()
    assert looked_at == []
    # Signs of life, and this question itself.
    assert client.info("stats")["total_commands_processed"] - asked < 100
