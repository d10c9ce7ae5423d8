"""`/healthz` is not well where nobody runs what is scheduled; `/livez` and `/readyz` do not care."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import redis

from config import load_settings
from tests.worker.signs.conftest import age
from worker.signs import SCHEDULER, WORKER, Life, Sign, Signs
from worker.signs.record import GRACE
from worker.signs.silence import TELL_AFTER
from worker.store import Store
from worker.web.application import make_app
from worker.web.health import KEPT, attending, health
from worker.web.resources import Resources

from .conftest import DATA_SOURCE, probe, serve_app

NOW = datetime(2026, 11, 28, tzinfo=UTC)
BEAT = Sign(SCHEDULER, "b", "x", "x", 1, NOW, NOW, 3.0)
WORKING = replace(BEAT, kind=WORKER)
GONE = replace(BEAT, ended=True)


@pytest.mark.parametrize(
    ("signs", "starting", "told"),
    [
        (Signs(), True, ("starting", "starting")),
        (Signs(), False, ("missing", "missing")),
        (Signs((BEAT,), (WORKING,)), False, ("ok", "ok")),
        (Signs((BEAT,)), False, ("ok", "missing")),
        (Signs((), (WORKING,)), False, ("missing", "ok")),
        (Signs((GONE,), (WORKING,)), False, ("starting", "ok")),
        (Signs((replace(GONE, ago=GRACE + 1),), (WORKING,)), False, ("missing", "ok")),
        (Signs((replace(BEAT, ago=40),), (WORKING,)), False, ("missing", "ok")),
        (Signs((BEAT,), (replace(WORKING, takes=False),)), False, ("ok", "missing")),
        (Signs((BEAT,), (replace(WORKING, takes=False, stopping=True),)), False, ("ok", "ok")),
    ],
)
def test_who_is_there(signs: Signs, starting: bool, told: tuple[str, str]) -> None:
    found = attending(signs, starting=starting)
    assert (found["scheduler"], found["workers"]) == told


def resources(client: redis.Redis, store: Store, directory: Path) -> Resources:
    task = probe(directory, "rows", DATA_SOURCE, every=60)
    settings = load_settings(redis_url="redis://127.0.0.1:1/0")
    return Resources(settings, client, store, {task.name: task}, lambda task, message, expires: None)


def test_what_is_missing_is_told_until_it_is_there(client: redis.Redis, store: Store, tmp_path: Path) -> None:
    with ExitStack() as stack:
        app = make_app(resources(client, store, tmp_path), [lambda resources: health(resources, grace=0)])
        url = serve_app(app, stack)

        def asked() -> httpx.Response:
            time.sleep(KEPT)
            return httpx.get(f"{url}/healthz", timeout=30)

        alone = asked()
        assert alone.status_code == 503
        assert alone.json() == {
            "status": "unwell", "redis": "ok", "database": "ok", "scheduler": "missing", "workers": "missing",
        }  # fmt: skip
        for path in ("livez", "readyz"):
            answer = httpx.get(f"{url}/{path}", timeout=30)
            assert (answer.status_code, answer.json()["status"]) == (200, "ok"), path
        beat, worker = (Life(kind, client, tasks={}, every=0.0) for kind in (SCHEDULER, WORKER))
        beat.give()
        assert (asked().status_code, asked().json()["workers"]) == (503, "missing")
        worker.give()
        well = asked()
        assert well.status_code == 200
        assert well.json() == {"status": "ok"} | dict.fromkeys(
            ("redis", "database", "scheduler", "workers"), "ok"
        )
        beat.end()
        assert asked().json()["scheduler"] == "starting"  # it may be being restarted
        age(client, SCHEDULER, GRACE + 1)
        worker.give()
        assert asked().json()["scheduler"] == "missing"


def test_a_redis_that_is_away_leaves_the_process_alive(store: Store, tmp_path: Path) -> None:
    from worker.machine.redis_server import RedisServer
    from worker.redis_client import connect_url

    with RedisServer(tmp_path / "redis") as server, connect_url(server.url) as client, ExitStack() as stack:
        url = serve_app(make_app(resources(client, store, tmp_path), [health]), stack)
        server.stop()
        whole = httpx.get(f"{url}/healthz", timeout=30)
        assert whole.status_code == 503
        assert (whole.json()["scheduler"], whole.json()["workers"]) == ("unknown", "unknown")
        assert httpx.get(f"{url}/readyz", timeout=30).status_code == 503
        assert httpx.get(f"{url}/livez", timeout=30).status_code == 200


def test_silence_is_told_where_only_the_web_process_is_left(
    client: redis.Redis, store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for kind in (SCHEDULER, WORKER):
        Life(kind, client, tasks={}).give()
    for kind in (SCHEDULER, WORKER):
        age(client, kind, TELL_AFTER + 1)
    with ExitStack() as stack:
        group = lambda resources: health(resources, tell_after=0)  # noqa: E731
        serve_app(make_app(resources(client, store, tmp_path), [group]), stack)
        for _ in range(100):
            told = [record.message for record in caplog.records if record.levelname == "ERROR"]
            if len(told) == 2:
                break
            time.sleep(0.1)
    assert [line.split(" has")[0] for line in told] == ["No scheduler", "No worker"]
