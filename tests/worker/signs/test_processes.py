"""Real workers and beats give signs of life, whatever happens to them."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import redis
from celery import Celery

from config import load_settings
from config.celery import celery_settings
from tests.harness import MakeStack, ProbeSpec, RedisServer, Stack, eventually, stacks
from worker.pool.life import WorkerLife
from worker.redis_client import connect_url
from worker.signs import Board, Signs
from worker.signs.record import SILENT

from .conftest import age

pytestmark = pytest.mark.processes


@pytest.fixture
def make(tmp_path: Path) -> Iterator[MakeStack]:
    with stacks(tmp_path, lease_seconds=2) as make:
        yield make


def signs(stack: Stack) -> Signs:
    with connect_url(stack.redis.url) as client:
        return Board(client).read()


def test_both_tell_what_they_are_and_what_they_run(make: MakeStack) -> None:
    stack = make(ProbeSpec("slow", every=60), ProbeSpec("twice", every=60, total=2))
    stack.sides("slow").other.be_slow(listing=30)
    worker, beat = stack.worker("--concurrency=3"), stack.beat()
    scheduler = eventually(lambda: (signs(stack).living_schedulers or [None])[0])
    assert (scheduler.pid, scheduler.lives) == (beat.pid, True)
    assert scheduler.tasks is not None
    assert {name: each.schedule for name, each in scheduler.tasks.items()} == {
        "slow": "every 1 min",
        "twice": "every 1 min, 2 times",
        "lockstep.prune": "every 24 h",
    }
    (running,) = eventually(
        lambda: [each for each in signs(stack).living_workers[0].running if each.task == "sync.slow"], 20
    )
    (told,) = signs(stack).ready_workers
    assert (told.pid, told.concurrency, told.pool, told.queues) == (worker.pid, 3, "threads", ("celery",))
    assert told.name.startswith("w0@")
    assert told.tasks is not None
    assert told.tasks["slow"] == scheduler.tasks["slow"]
    assert told.tasks["slow"].settings
    assert told.since <= running.since <= told.seen
    worker.kill()
    beat.terminate()
    assert beat.wait_exit() == 0
    (last,) = signs(stack).schedulers
    assert last.ended
    (lost,) = signs(stack).workers
    assert not lost.ended


@pytest.mark.parametrize("pool", ["threads", "prefork"])
def test_a_worker_says_that_it_stops_and_that_it_has_ended(make: MakeStack, pool: str) -> None:
    stack = make(ProbeSpec(every=3600))
    stack.sides().other.be_slow(listing=8)
    worker = stack.worker(f"--pool={pool}", "--concurrency=2")
    app = Celery("sender", set_as_current=False)
    app.conf.update(celery_settings(load_settings(redis_url=stack.redis.url)))
    app.send_task("sync.probe")
    app.close()
    assert eventually(lambda: signs(stack).ready_workers[0].running, 20)
    assert signs(stack).ready_workers[0].pool == pool
    worker.terminate()
    eventually(lambda: signs(stack).living_workers and not signs(stack).ready_workers, 8)
    assert worker.wait_exit() == 0
    (sign,) = signs(stack).workers
    assert sign.ended
    assert "Traceback" not in worker.output()


def test_redis_away_stops_no_sign_for_good(make: MakeStack) -> None:
    stack = make(ProbeSpec(every=1))
    worker, beat = stack.worker(), stack.beat()
    eventually(lambda: signs(stack).ready_workers and signs(stack).living_schedulers)
    stack.redis.stop()
    time.sleep(2)
    stack.redis.start()
    with connect_url(stack.redis.url) as client:
        client.flushall()
    eventually(lambda: signs(stack).ready_workers and signs(stack).living_schedulers, 20)
    for process in (worker, beat):
        assert process.running
        assert "Traceback" not in process.output(), process.tail()


def test_a_frozen_process_falls_silent(make: MakeStack) -> None:
    stack = make(ProbeSpec(every=3600))
    worker, beat = stack.worker(), stack.beat()
    eventually(lambda: signs(stack).ready_workers and signs(stack).living_schedulers)
    worker.stop()
    beat.stop()
    with connect_url(stack.redis.url) as client:
        for kind in ("worker", "scheduler"):
            age(client, kind, SILENT + 1)
    time.sleep(6)
    assert not signs(stack).living_workers
    assert not signs(stack).living_schedulers
    worker.signal(signal.SIGCONT)
    beat.signal(signal.SIGCONT)
    eventually(lambda: signs(stack).ready_workers and signs(stack).living_schedulers, 20)


def test_where_no_sign_may_be_left_all_goes_on(tmp_path: Path) -> None:
    """A Redis user of an older set-up, without a right to the keys of the signs."""
    with RedisServer(tmp_path / "redis") as server, connect_url(server.url) as operator:
        rights = "on >password ~lockstep:[^s]* ~lockstep:sc* ~celery* ~_kombu.* ~unacked* ~*.pidbox* allchannels +@all"
        operator.execute_command("ACL SETUSER narrow", *rights.split())
        env = {"REDIS_URL": f"redis://narrow:password@127.0.0.1:{server.port}/0"}
        with Stack(tmp_path, ProbeSpec(every=1), redis=server, env=env) as stack:
            worker, beat = stack.worker(), stack.beat()
            eventually(lambda: len(stack.history()) >= 3, 20)
            time.sleep(6)
            for process in (worker, beat):
                assert process.output().count("No sign of life can be left in Redis") == 1, process.tail()
                assert "Traceback" not in process.output()
            worker.terminate()
            assert worker.wait_exit() == 0


@pytest.mark.parametrize(("silent_for", "takes"), [(1.0, True), (SILENT + 1, False)])
def test_a_worker_whose_main_loop_is_held_up_says_so(
    client: redis.Redis, silent_for: float, takes: bool
) -> None:
    held_up = SimpleNamespace(
        hostname="w@x",
        pool=None,
        concurrency=1,
        is_stopping=False,
        consumer=SimpleNamespace(turned_at=time.monotonic() - silent_for),
        app=SimpleNamespace(amqp=SimpleNamespace(queues=SimpleNamespace(consume_from={"celery": None}))),
    )
    life = WorkerLife(held_up, client, {})
    life.start()
    try:
        (sign,) = eventually(lambda: Board(client).read().living_workers)
    finally:
        life.end()
    assert (sign.takes, sign.stopping) == (takes, False)
