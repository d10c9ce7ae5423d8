"""Silence is told once per outage, by whoever sees it first, and only where somebody was there before."""

from __future__ import annotations

import time

import pytest
import redis

from worker.signs import SCHEDULER, WORKER, Life
from worker.signs.silence import TELL_AFTER, Silence

from .conftest import age

LONG_AGO = time.monotonic() - 10 * TELL_AFTER


def beat(client: redis.Redis) -> Life:
    return Life(SCHEDULER, client, tasks={}, every=0.0)


def test_where_none_was_ever_seen_none_is_missed(
    client: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    Silence(client, SCHEDULER, tell_after=0).look()
    assert caplog.records == []


@pytest.mark.parametrize("in_order", [True, False])
def test_it_is_told_once_and_so_is_its_end(
    client: redis.Redis, caplog: pytest.LogCaptureFixture, in_order: bool
) -> None:
    watchers = [Silence(client, SCHEDULER, began=LONG_AGO) for _ in range(3)]
    first = beat(client)
    first.give()
    if in_order:
        first.end()
    age(client, SCHEDULER, TELL_AFTER - 10)
    for watcher in watchers:
        watcher.look()
    assert caplog.records == []
    age(client, SCHEDULER, 20)
    for watcher in watchers * 2:
        watcher.look()
    (line,) = caplog.records
    assert line.levelname == "ERROR"
    assert "No scheduler has given a sign of life for 5 min" in line.message
    assert ("ended in order" in line.message) == in_order
    assert "celery -A worker beat" in line.message
    beat(client).give()
    for watcher in watchers * 2:
        watcher.look()
    assert [each.levelname for each in caplog.records] == ["ERROR", "WARNING"]
    age(client, SCHEDULER, TELL_AFTER + 1)
    for watcher in watchers:
        watcher.look()
    assert [each.levelname for each in caplog.records] == ["ERROR", "WARNING", "ERROR"]


def test_a_redis_that_was_emptied_hides_no_silence(
    client: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    watcher = Silence(client, SCHEDULER, began=LONG_AGO)
    beat(client).give()
    age(client, SCHEDULER, TELL_AFTER + 1)
    watcher.look()
    client.flushall()
    watcher.look()
    assert [each.levelname for each in caplog.records] == ["ERROR", "ERROR"]


def test_who_was_suspended_with_the_machine_is_not_missed_at_once(
    client: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    night = [0.0]
    watcher = Silence(client, SCHEDULER, began=LONG_AGO, slept=lambda: night[0])
    beat(client).give()
    watcher.look()
    age(client, SCHEDULER, 8 * 3600)
    night[0] = 8 * 3600.0
    watcher.look()
    assert caplog.records == []


def test_a_scheduler_misses_workers(client: redis.Redis, caplog: pytest.LogCaptureFixture) -> None:
    Life(WORKER, client, tasks={}).give()
    age(client, WORKER, TELL_AFTER + 1)
    beat(client).give()
    assert caplog.records == []  # all was off, and this one is there before the other
    Life(SCHEDULER, client, tasks={}, tell_after=0).give()
    (line,) = caplog.records
    assert "No worker has given a sign of life" in line.message
