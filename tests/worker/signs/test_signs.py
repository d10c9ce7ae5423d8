"""Signs of life over a real Redis: left, read, timed by its clock, forgotten."""

from __future__ import annotations

import logging
import os
import socket
from datetime import UTC, datetime, timedelta

import pytest
import redis

from tasks.schedule import Schedule
from worker.machine.redis_server import RedisServer
from worker.signs import SCHEDULER, WORKER, Board, Definition, Life
from worker.signs.board import FORGOTTEN, KEPT
from worker.signs.record import SILENT

from .conftest import age

TASKS = {
    "milk": Definition.of(Schedule(timedelta(minutes=5)), "abc"),
    "eggs": Definition.of(Schedule(None, 3)),
}


def life(client: redis.Redis, kind: str = SCHEDULER, **more: object) -> Life:
    return Life(kind, client, tasks=TASKS, every=0.0, **more)  # type: ignore[arg-type]


def test_a_sign_says_who_gives_it_and_what_it_has_read(client: redis.Redis) -> None:
    life(client).give()
    told = {"pool": "threads", "concurrency": 4, "queues": ["celery"], "running": [("sync.milk", 12.5)]}
    life(client, WORKER, name="celery@x", tell=lambda: told).give()
    signs = Board(client).read()
    (beat,), (worker,) = signs.schedulers, signs.workers
    assert (beat.name, beat.pid, beat.lives, beat.ended) == (socket.gethostname(), os.getpid(), True, False)
    assert beat.tasks == worker.tasks == TASKS
    assert signs.schedulers_with("milk") == [(beat, TASKS["milk"])]
    assert signs.schedulers_with("bread") == []
    assert (worker.name, worker.pool, worker.concurrency, worker.queues) == (
        "celery@x",
        "threads",
        4,
        ("celery",),
    )
    (running,) = worker.running
    assert running.task == "sync.milk"
    assert (worker.seen - running.since).total_seconds() == 12.5


def test_a_process_is_alive_until_it_is_silent_and_the_clock_is_that_of_redis(client: redis.Redis) -> None:
    beat = life(client)
    beat.give()
    age(client, SCHEDULER, SILENT - 2)
    assert Board(client).read().living_schedulers
    age(client, SCHEDULER, 3)
    (sign,) = Board(client).read().schedulers
    assert not sign.lives
    seconds, _ = client.time()
    assert abs((datetime.fromtimestamp(seconds, UTC) - sign.seen).total_seconds() - SILENT - 1) < 2
    beat.give()
    assert Board(client).read().living_schedulers


def test_the_last_sign_says_that_it_is_the_last(client: redis.Redis) -> None:
    beat = life(client)
    beat.give()
    beat.end()
    beat.end()
    beat.give()
    (sign,) = Board(client).read().schedulers
    assert sign.ended
    assert not sign.lives


def test_those_who_are_silent_for_long_are_forgotten_while_others_live(client: redis.Redis) -> None:
    life(client, WORKER).give()
    age(client, WORKER, FORGOTTEN + 1)
    assert len(Board(client).read().workers) == 1  # nobody else: since when nobody is there
    assert 0 < client.ttl("lockstep:signs:worker") <= KEPT
    life(client, WORKER).give()
    (sign,) = Board(client).read().workers
    assert sign.lives


def test_what_was_read_is_left_again_when_redis_has_lost_it(client: redis.Redis) -> None:
    beat = life(client)
    beat.give()
    client.flushall()
    beat.give()
    (sign,) = Board(client).read().schedulers
    assert sign.tasks == TASKS


@pytest.mark.parametrize(
    "junk", ["", "x", "12", "12 {", "12 []", '12 {"pid": 1}', '99999999999999999999 {"read": 1}']
)
def test_junk_is_nobodys_sign(client: redis.Redis, junk: str) -> None:
    life(client).give()
    client.hset("lockstep:signs:scheduler", "junk", junk)
    (read,) = client.keys("lockstep:signs:read:*")
    assert len(Board(client).read().schedulers) == 1
    client.set(read, junk)
    assert Board(client).read().workers == ()


def test_an_error_reply_stops_nothing_and_is_told_once(
    client: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    beat = life(client)
    client.replicaof("127.0.0.1", "1")
    beat.give()
    beat.give()
    beat.end()
    (line,) = caplog.records
    assert "No sign of life can be left in Redis" in line.message
    client.replicaof("NO", "ONE")
    life(client).give()
    assert Board(client).read().living_schedulers


def test_a_redis_that_is_away_is_for_the_caller_to_wait_for(server: RedisServer, client: redis.Redis) -> None:
    beat = life(client)
    beat.give()
    server.stop()
    with pytest.raises(redis.ConnectionError):
        beat.give()
    beat.end()


def test_a_sign_costs_one_round_trip(client: redis.Redis) -> None:
    beat = life(client)
    beat.give()
    beat.give()
    before = client.info("stats")["total_commands_processed"]
    for _ in range(20):
        beat.give()
    # The script's own commands count as well; what goes over the network is one EVALSHA each.
    calls = client.info("commandstats")["cmdstat_evalsha"]["calls"]
    assert calls >= 22
    assert client.info("stats")["total_commands_processed"] - before < 20 * 6
    assert logging.getLogger("worker.signs.life").level == logging.NOTSET
