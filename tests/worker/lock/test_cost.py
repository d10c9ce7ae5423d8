"""What a session costs: one script each way, and no thread that has to be woken for it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, ClassVar

import pytest
import redis
from celery import Celery

from config import load_settings
from config.celery import celery_settings
from tests.harness import RedisServer, eventually, stacks
from worker.lock import RedisSyncLock


class CountingConnection(redis.Connection):
    """Counts what is sent over it."""

    sent: ClassVar[list[bytes]] = []

    def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        self.sent.append(b"".join(command) if isinstance(command, list) else command)
        super().send_packed_command(command, check_health)  # type: ignore[no-untyped-call]  # redis has no type


class CountingCondition(threading.Condition):
    """Counts how often somebody is woken."""

    woken = 0

    def notify(self, n: int = 1) -> None:
        self.woken += 1
        super().notify(n)


def test_a_session_is_one_script_each_way_and_wakes_nobody(shared_redis: RedisServer, prefix: str) -> None:
    pool = redis.ConnectionPool.from_url(shared_redis.url, connection_class=CountingConnection)
    with redis.Redis(connection_pool=pool) as client:
        lock = RedisSyncLock(client, prefix=prefix)
        changed = lock._keeper._changed = CountingCondition()
        lock.release(lock.acquire("node"), "succeeded")
        eventually(lambda: lock._keeper._wakes_at > 0)  # it sleeps, after its start
        CountingConnection.sent.clear()
        woken = changed.woken
        for _ in range(10):
            session = lock.acquire("node")
            lock.on_lost(session, lambda: None)
            lock.release(session, "succeeded")
        assert len(CountingConnection.sent) == 20
        assert all(b"EVALSHA" in command for command in CountingConnection.sent)
        assert changed.woken == woken
        lock.close()
    pool.disconnect()


def test_a_keeper_that_sleeps_for_good_is_woken_by_the_next_session(
    shared_redis: RedisServer, prefix: str
) -> None:
    now = 1000.0
    pool = redis.ConnectionPool.from_url(shared_redis.url)
    with redis.Redis(connection_pool=pool) as client:
        lock = RedisSyncLock(client, prefix=prefix, lease_seconds=3.0, clock=lambda: now)
        lock.release(lock.acquire("node"), "succeeded")
        now += 60.0  # nothing was to be kept for long
        eventually(lambda: lock._keeper._wakes_at == float("inf"))
        session = lock.acquire("node")
        eventually(lambda: lock._keeper._wakes_at < float("inf"))
        now += 1.5
        eventually(lambda: lock._keeper.get(session).deadline > now)  # type: ignore[union-attr]
        lock.check(session)
        lock.close()
    pool.disconnect()


def test_a_lock_that_was_told_to_be_ready_starts_no_thread_for_a_session(
    shared_redis: RedisServer, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    start = threading.Thread.start

    def note(thread: threading.Thread) -> None:
        started.append(thread.name)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", note)
    pool = redis.ConnectionPool.from_url(shared_redis.url)
    with redis.Redis(connection_pool=pool) as client:
        lock = RedisSyncLock(client, prefix=prefix, lease_seconds=3)
        lock.ready()
        lock.ready()
        assert started == ["lock-keeper"]
        session = lock.acquire("node")
        held = lock._keeper.get(session)
        assert held is not None
        until = held.deadline
        eventually(lambda: held.deadline > until)  # it beats
        lock.release(session, "succeeded")
        assert started == ["lock-keeper"]
        lock.close()
        lock.ready()  # too late
        assert started == ["lock-keeper"]
    pool.disconnect()


#: Tasks whose process notes its threads before each run begins.
MODULE = """
import threading
from pathlib import Path
from celery import signals
from tests.tasks.sync_task.seed_style import Services, ToDos

@signals.task_prerun.connect(weak=False)
def note(**_):
    with Path("noted").open("a") as file:
        file.write(" ".join(sorted(thread.name for thread in threading.enumerate())) + "\\n")

ToDos(Services(), "quick").run_every(hours=1).schedule()
"""


@pytest.mark.processes
@pytest.mark.parametrize("options", [(), ("--pool=prefork", "--concurrency=1")], ids=["threads", "prefork"])
def test_a_worker_has_its_keeper_before_its_first_run(tmp_path: Path, options: tuple[str, ...]) -> None:
    with stacks(tmp_path, lease_seconds=10, LOCKSTEP_TASKS="own_tasks") as make:
        stack = make()
        (stack.directory / "cwd" / "own_tasks.py").write_text(MODULE)
        noted = stack.directory / "cwd" / "noted"
        worker = stack.worker(*options)
        with Celery("sender", set_as_current=False) as app:
            app.conf.update(celery_settings(load_settings(redis_url=stack.redis.url)))
            app.send_task("sync.quick")
        eventually(lambda: noted.exists() and noted.read_text().endswith("\n"), 30)
        assert "lock-keeper" in noted.read_text().splitlines()[0]
        assert "Traceback" not in worker.output(), worker.tail()
