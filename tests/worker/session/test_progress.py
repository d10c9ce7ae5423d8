"""Progress as another process would receive it, over a real Redis."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from config import load_settings
from config.celery import celery_settings
from tests.harness import eventually
from worker.machine.redis_server import RedisServer
from worker.session.progress import LAST_EVENT_TIMEOUT, LEAST_INTERVAL, ProgressPublisher


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def app(server: RedisServer) -> Iterator[Celery]:
    app = Celery("progress", set_as_current=False)
    app.conf.update(celery_settings(load_settings(redis_url=server.url)))
    yield app
    app.close()


@pytest.fixture
def received(app: Celery) -> Iterator[list[dict[str, Any]]]:
    """Events of the kind, as they come in."""
    events: list[dict[str, Any]] = []
    stop = threading.Event()
    ready = threading.Event()

    def listen() -> None:
        with app.connection_for_read() as connection:
            receiver = app.events.Receiver(connection, handlers={"task-progress": events.append})
            with receiver.consumer_context() as (own, _, _):
                while not stop.is_set():
                    try:
                        own.drain_events(timeout=0.2)
                    except TimeoutError:
                        ready.set()  # subscribed while it waited

    thread = threading.Thread(target=listen)
    thread.start()
    assert ready.wait(5)
    yield events
    stop.set()
    thread.join()


def test_a_run_tells_how_far_it_is(app: Celery, received: list[dict[str, Any]]) -> None:
    with ProgressPublisher(app).of_run("id-1", "w@test") as tell:
        tell("list", 0, 0)
        eventually(lambda: received, 5)
        for done in range(500):
            tell("apply", done, 500)
            time.sleep(0.002)
        tell("apply", 500, 500)
    eventually(lambda: received[-1]["result"] == "apply 500/500", 5)
    assert received[0]["result"] == "list"
    assert {(event["uuid"], event["hostname"]) for event in received} == {("id-1", "w@test")}
    assert 3 <= len(received) <= 7
    times = [event["timestamp"] for event in received[:-1]]
    assert all(after - before > LEAST_INTERVAL - 0.1 for before, after in pairwise(times))


def test_runs_do_not_hold_each_other_up(app: Celery, received: list[dict[str, Any]]) -> None:
    publisher = ProgressPublisher(app)
    with publisher.of_run("a", "w@test") as tell_a, publisher.of_run("b", "w@test") as tell_b:
        tell_a("list", 0, 0)
        tell_b("list", 0, 0)
        eventually(lambda: {event["uuid"] for event in received} == {"a", "b"}, 5)


def test_without_redis_runs_go_on(tmp_path: Path) -> None:
    server = RedisServer(tmp_path / "redis").start()
    app = Celery("progress", set_as_current=False)
    app.conf.update(celery_settings(load_settings(redis_url=server.url)))
    publisher = ProgressPublisher(app)
    try:
        with publisher.of_run("id", "w@test") as tell:
            tell("list", 0, 0)
            time.sleep(0.2)
            server.pause()  # it takes the connection and never answers
            begun = time.monotonic()
            for done in range(100):
                tell("apply", done, 100)
            assert time.monotonic() - begun < 0.1
        assert time.monotonic() - begun < LAST_EVENT_TIMEOUT + 0.5
    finally:
        server.resume()
        server.stop()
        app.close()


def test_a_lost_connection_is_not_worth_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    server = RedisServer(tmp_path / "redis").start()
    app = Celery("progress", set_as_current=False)
    app.conf.update(celery_settings(load_settings(redis_url=server.url)))
    publisher = ProgressPublisher(app)
    try:
        with publisher.of_run("id", "w@test") as tell:
            tell("list", 0, 0)
            time.sleep(0.2)
            server.kill()
            tell("apply", 1, 100)
            time.sleep(0.7)
            tell("apply", 2, 100)
        assert [line for line in caplog.messages if "could not be published" in line] == []
    finally:
        server.stop()
        app.close()
