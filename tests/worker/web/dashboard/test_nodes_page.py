"""The page of nodes, with real ones: two that are in step, and one whose edit waits."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import httpx
import pytest
import redis

from config import load_settings
from tasks.database.sql.declared import open_node, read_nodes
from tasks.node_task import DeclaredNode
from tests.worker.web.conftest import serve_app
from worker.lock import MemorySyncLock
from worker.machine.redis_server import RedisServer
from worker.session.run import run_session
from worker.standing import node_lags
from worker.store import Store
from worker.web.application import make_app
from worker.web.dashboard import nodes_page
from worker.web.dashboard.group import dashboard
from worker.web.nodes import nodes
from worker.web.resources import Resources

SECRET = "a secret of these nodes"
ASKING = ("laptop", "phone")


class Nodes:
    """An office that a laptop and a phone ask, all of them described where the dashboard is."""

    def __init__(
        self, folder: Path, address: str, client: redis.Redis, store: Store, stack: ExitStack
    ) -> None:
        self.folder, self.store = folder, store
        for name in ("office", *ASKING):
            self.edit(name, "CREATE TABLE city (id TEXT PRIMARY KEY, name TEXT)")
        office = self.table("office") | {"answers": [{"node": name, "secret": SECRET} for name in ASKING]}
        settings = load_settings(redis_url=address, node=[office])
        resources = Resources(settings, client, store, {}, lambda *_: None)
        self.url = serve_app(make_app(resources, [nodes, dashboard]), stack)
        peer = {"node": "office", "url": self.url, "secret": SECRET}
        asking = [self.table(name) | {"every": "30s", "peer": peer} for name in ASKING]
        resources.settings = load_settings(redis_url=address, node=[office, *asking])
        described = read_nodes([office, *asking])
        for table in described:
            open_node(table).close()  # edits are captured from now on
        self.tasks = {table.name: DeclaredNode(table) for table in described[1:]}

    def table(self, name: str) -> dict[str, object]:
        return {"name": name, "database": f"sqlite:///{self.folder / name}.db", "tables": ["city"]}

    def edit(self, name: str, statement: str) -> None:
        with closing(sqlite3.connect(self.folder / f"{name}.db")) as connection, connection:
            connection.execute(statement)

    def sync(self, *names: str) -> None:
        for name in names:
            lock = MemorySyncLock()
            record = asyncio.run(run_session(self.tasks[name], store=self.store, lock=lock))
            lock.close()
            assert record.status == "succeeded", record.reason

    def shown(self) -> dict[str, dict[str, str]]:
        """What the page says of each node and each of its peers, in plain text."""
        page = httpx.get(f"{self.url}/nodes", timeout=30, trust_env=False).text
        found = {}
        for section in re.findall(r'<section aria-labelledby="node-.*?</section>', page, re.DOTALL):
            name = plain(re.findall(r"<h2.*?</h2>", section, re.DOTALL)[0])
            rows = re.findall(r"<li>.*?</li>", section, re.DOTALL)
            label = r'<span class="label">(.*?)</span>'
            found[name] = {re.findall(label, row)[0]: plain(row) for row in rows}
        return found


def plain(markup: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", markup).split())


@pytest.fixture
def world(
    tmp_path: Path,
    shared_redis: RedisServer,
    client: redis.Redis,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Nodes]:
    monkeypatch.setattr(nodes_page, "FRESH", -1.0)
    with ExitStack() as stack:
        yield Nodes(tmp_path, shared_redis.url, client, store, stack)


def test_who_is_in_step_and_who_is_behind(world: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    world.edit("office", "INSERT INTO city VALUES ('a', 'Aachen')")
    before = world.shown()
    assert set(before) == {"office", *ASKING}
    assert all("behind" in before["office"][name] for name in ASKING)
    world.sync(*ASKING, *ASKING)
    world.edit("phone", "UPDATE city SET name = 'Bonn' WHERE id = 'a'")
    later = time.time() + 3 * 3600
    monkeypatch.setattr(node_lags.time, "time", lambda: later)
    seen = world.shown()
    monkeypatch.undo()
    assert "nothing waits to be sent" in seen["laptop"]["office"]
    assert seen["laptop"]["office"].endswith("in step")
    assert "the oldest edit has waited 3 h" in seen["phone"]["office"]
    assert seen["phone"]["office"].endswith("behind")
    assert all(seen["office"][name].endswith("in step") for name in ASKING)
    assert "0 held here, 0 there" in seen["laptop"]["office"]


def test_one_whose_database_is_away_hides_no_other(world: Nodes) -> None:
    (world.folder / "phone.db").write_text("this is no database, and long enough to be seen as none of them")
    page = httpx.get(f"{world.url}/nodes", timeout=30, trust_env=False).text
    assert page.count("Its database cannot be read") == 1
    assert {name.split()[0] for name in world.shown()} == {"office", *ASKING}
