from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import Celery
from celery.schedules import schedule

from config import load_settings
from config.celery import celery_settings
from tests.harness.stores import new_store
from worker.machine.redis_server import RedisServer
from worker.redis_client import connect_url
from worker.schedule.scheduler import RedisScheduler
from worker.store import RunRecord, Store

_numbers = itertools.count()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def client(server: RedisServer) -> Iterator[redis.Redis]:
    server.start()
    with connect_url(server.url) as client:
        client.flushall()
        yield client


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = new_store(tmp_path / "lockstep.db")
    yield store
    store.close()


class Beat:
    """A beat in this process, and what is in the queue."""

    def __init__(self, url: str, store: Store, entries: dict[str, dict[str, Any]], **options: Any) -> None:
        app = Celery("beat", set_as_current=False)
        app.conf.update(celery_settings(load_settings(redis_url=url)))
        app.conf.beat_schedule = {
            name: {
                "task": f"sync.{name}",
                "schedule": schedule(entry.get("every", 30), app=app),
                "total": entry.get("total"),
                "periodic": entry.get("periodic", True),
                "plan": entry.get("plan"),
            }
            for name, entry in entries.items()
        }
        self.client = connect_url(url)
        self.scheduler = RedisScheduler(app, client=self.client, store=store, **options)

    def turn(self) -> float:
        """Do all that is due now; the seconds until the next thing is."""
        while (delay := self.scheduler.tick()) == 0:
            pass
        return delay

    def close(self) -> None:
        self.scheduler.close()


MakeBeat = Callable[..., Beat]


@pytest.fixture
def beat(server: RedisServer, store: Store, client: redis.Redis) -> Iterator[MakeBeat]:
    beats: list[Beat] = []

    def make(options: dict[str, Any] | None = None, **entries: dict[str, Any]) -> Beat:
        beats.append(Beat(server.url, store, entries, **(options or {})))
        return beats[-1]

    yield make
    for each in beats:
        each.close()


@pytest.fixture
def ran(store: Store) -> Callable[..., None]:
    """Enter a run into the history."""

    def enter(task: str, status: str = "succeeded", **values: Any) -> None:
        store.runs.enter(RunRecord(run_id=f"run-{next(_numbers)}", task=task, status=status, **values))

    return enter


@pytest.fixture
def queued(client: redis.Redis) -> Callable[[], list[dict[str, Any]]]:
    """Take what is in the queue, as a worker does; headers of all that was taken, oldest first."""
    taken: list[dict[str, Any]] = []

    def take() -> list[dict[str, Any]]:
        while text := client.rpop("celery"):
            taken.append(json.loads(text)["headers"])
        return taken

    return take
