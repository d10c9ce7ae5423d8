"""Tasks that are defined anew while a web process runs: its pages, metrics, health and nodes go by the new ones."""

from __future__ import annotations

import logging
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from prometheus_client.parser import text_string_to_metric_families

from config import load_settings
from tasks.database.records.manifest import SyncManifest
from tasks.database.transport import wire
from tasks.database.transport.signing import PeerKey
from tasks.registry import load_anew
from tests.worker.web.dashboard.world import HERE, TestClient
from worker.machine.redis_server import RedisServer
from worker.reload import Watch
from worker.store import Store
from worker.web.application import make_app
from worker.web.dashboard.group import dashboard
from worker.web.flower.metrics import Metrics as FlowerMetrics
from worker.web.health import health
from worker.web.metrics import metrics
from worker.web.nodes import nodes
from worker.web.resources import Resources
from worker.web.webhooks.wakeups import Wakeups

MODULE = """
from tests.tasks.sync_task.seed_style import Services, ToDos
ToDos(Services(), {name!r}).run_every(minutes={minutes}).schedule()
"""
NODE = """
[[node]]
name = "{name}"
database = "sqlite:///{file}"
tables = ["city"]
record_bytes_max = {bytes}
[[node.answers]]
node = "laptop"
secret = "a secret of both nodes"
"""
SECRET = "a secret of both nodes"


class Desk:
    """A person with an editor, and the web process beside it."""

    def __init__(self, folder: Path, address: str, client: redis.Redis, store: Store) -> None:
        self.folder = folder
        self.write("milk", minutes=5)
        settings = load_settings(redis_url=address)
        self.resources = Resources(settings, client, store, load_anew(settings), lambda *_: None)
        self.changes = self.resources.watch()
        self.changes._refused_by = lambda: ""  # no process of its own, which takes its time
        self.app = make_app(self.resources, [health, metrics, nodes, dashboard])

    def browser(self) -> TestClient:
        return TestClient(self.app, base_url=HERE, client=("127.0.0.1", 50_000))

    def write(self, name: str, *, minutes: int, more: str = "", toml: str = "") -> None:
        (self.folder / "own_pages.py").write_text(MODULE.format(name=name, minutes=minutes) + more)
        (self.folder / "lockstep.toml").write_text('tasks = ["own_pages"]\n' + toml)


def look(changes: Watch) -> None:
    """Twice, as what changed has to be the same."""
    changes.look()
    changes.look()


@pytest.fixture
def desk(
    tmp_path: Path,
    shared_redis: RedisServer,
    client: redis.Redis,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Desk]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path != str(tmp_path)])
    yield Desk(tmp_path, shared_redis.url, client, store)
    sys.modules.pop("own_pages", None)


def periods(text: str) -> dict[str, float]:
    return {
        sample.labels["task"]: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "lockstep_task_period_seconds"
    }


def test_pages_metrics_and_wake_ups_go_by_the_new_tasks(desk: Desk) -> None:
    wakeups, flower = Wakeups(desk.resources), FlowerMetrics(desk.resources.settings)
    assert wakeups.wakeable() == ["milk"]
    desk.write("bread", minutes=7)
    look(desk.changes)
    flower.changes._refused_by = lambda: ""
    look(flower.changes)
    assert wakeups.wakeable() == ["bread"]
    due = next(
        family for family in flower.collect() if family.name == "lockstep_schedule_due_runs_per_second"
    )
    assert due.samples[0].value == pytest.approx(1 / 420)
    with desk.browser() as browser:
        assert periods(browser.get("/metrics").text) == {"bread": 420}
        page = browser.get("/").text
        assert "bread" in page
        assert "milk" not in page
        assert browser.get("/tasks/bread").status_code == 200
        assert browser.get("/tasks/milk").status_code == 404


def test_what_is_wrong_is_refused_as_a_whole(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.write(
        "bread", minutes=7, toml=NODE.format(name="office", file="office.db", bytes=1_000).replace("city", "")
    )
    look(desk.changes)
    assert list(desk.resources.tasks) == ["milk"]
    assert not desk.resources.settings.node
    told = [line.getMessage() for line in caplog.records if line.levelno == logging.ERROR]
    assert told == [
        f"The tasks have changed, but are refused, and the old ones go on: {desk.changes.refused}"
    ]
    assert "node 'office'" in desk.changes.refused
    with desk.browser() as browser:
        assert browser.get("/tasks/milk").status_code == 200


def test_without_tasks_nobody_is_missed(desk: Desk) -> None:
    with desk.browser() as browser:
        (desk.folder / "own_pages.py").write_text("")
        look(desk.changes)
        assert browser.get("/healthz").json()["workers"] == "not needed"


def test_nodes_are_served_as_their_tables_say_now(desk: Desk) -> None:
    for name in ("office", "barn"):
        with sqlite3.connect(desk.folder / f"{name}.db") as connection:
            connection.execute("CREATE TABLE city (id TEXT PRIMARY KEY, name TEXT)")
        connection.close()
    with desk.browser() as browser:

        def asks(name: str, secret: str) -> int:
            """What a peer is answered that has nothing to tell."""
            manifest = SyncManifest("laptop", 0)
            manifest.seal()
            body = wire.pack_manifest(manifest)
            route = f"/nodes/{name}/sync"
            headers = {**PeerKey(secret).headers("laptop", route, body), "content-encoding": "gzip"}
            return int(browser.post(route, content=body, headers=headers).status_code)

        assert asks("office", SECRET) == 401
        table = NODE.format(name="office", file="office.db", bytes=1_000)
        desk.write("milk", minutes=5, toml=table)
        look(desk.changes)
        assert asks("office", SECRET) == 200
        assert "office" in browser.get("/nodes").text
        desk.write("milk", minutes=5, toml=table.replace(SECRET, "another secret of them"))
        look(desk.changes)
        assert asks("office", SECRET) == 401
        assert asks("office", "another secret of them") == 200
        desk.write("milk", minutes=5, toml=NODE.format(name="barn", file="barn.db", bytes=1_000))
        look(desk.changes)
        assert asks("office", "another secret of them") == 401
        assert asks("barn", SECRET) == 200
