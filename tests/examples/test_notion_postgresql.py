"""The example of a shop: its files as they stand, with a Notion workspace and a PostgreSQL on this machine."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from sandbox.notion import Sandbox
from tests.examples.conftest import ROOT
from tests.harness import starting

pytestmark = pytest.mark.processes
EXAMPLE = ROOT / "examples/notion-postgresql"
COMMAND = (sys.executable, "-c", "from worker.cli import main; main()")
STATES = [{"name": name} for name in ("new", "packed", "sent", "cancelled")]
#: By the word in the README, a property of that type.
TYPES: dict[str, dict[str, Any]] = {
    "title": {"title": {}},
    "text": {"rich_text": {}},
    "number": {"number": {}},
    "select": {"select": {"options": STATES}},
    "date": {"date": {}},
    "multi-select": {"multi_select": {}},
    "checkbox": {"checkbox": {}},
}


def fenced(language: str) -> str:
    """The block of a language in the README of the example."""
    found = re.search(
        rf"^```{language}\n(.*?)^```", (EXAMPLE / "README.md").read_text(), re.MULTILINE | re.DOTALL
    )
    assert found is not None
    return found[1]


class Shop:
    """A person with a Notion database, and the program of a shop."""

    def __init__(self, here: Path, sandbox: Sandbox, url: sa.URL) -> None:
        self.here, self.engine = here, sa.create_engine(url)
        self.run((EXAMPLE / "table.sql").read_text())
        self.run("DROP ROLE IF EXISTS lockstep")
        self.run("CREATE ROLE lockstep LOGIN")
        self.run(fenced("sql"))
        self.sandbox = sandbox
        headers = {"Authorization": "Bearer a-person", "Notion-Version": "2026-03-11"}
        self.notion = httpx.Client(base_url=f"{sandbox.url}/v1", headers=headers, timeout=30)
        said = re.findall(r"\*(\w+)\* \(([\w-]+)\)", (EXAMPLE / "README.md").read_text())
        body = {
            "parent": {"type": "workspace", "workspace": True},
            "title": [{"text": {"content": "Orders"}}],
            "initial_data_source": {"properties": {name: TYPES[kind] for name, kind in said}},
        }
        self.source = self.notion.post("databases", json=body).json()["data_sources"][0]["id"]
        toml = (EXAMPLE / "lockstep.toml").read_text()
        (here / "lockstep.toml").write_text(toml.replace("https://www.notion.so/…", self.source))
        login = url.set(username="lockstep").render_as_string(hide_password=False)
        env = fenced("shell").replace("postgresql://lockstep@db.example.org/shop", login)
        (here / ".env").write_text(env.replace("…", "secret") + f"NOTION_BASE_URL={sandbox.url}\n")
        ours = ("LOCKSTEP_", "REDIS_URL", "DATABASE_URL", "NOTION_", "SQL_", "SENTRY_")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        self.env = {**clean, "PYTHONPATH": str(ROOT), "COLUMNS": "200", "NO_COLOR": "1"}

    def run(self, statement: str) -> Sequence[Any]:
        with self.engine.begin() as connection:
            result = connection.exec_driver_sql(statement)
            return [dict(row) for row in result.mappings()] if result.returns_rows else []

    def lockstep(self, *arguments: str) -> str:
        done = starting.run([*COMMAND, *arguments], cwd=self.here, env=self.env, timeout=90)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def add(self, name: str, **properties: Any) -> None:
        title = {"Name": {"title": [{"text": {"content": name}}]}}
        body = {"parent": {"data_source_id": self.source}, "properties": {**title, **properties}}
        self.notion.post("pages", json=body).raise_for_status()

    def rows(self) -> dict[str, dict[str, Any]]:
        found = self.notion.post(f"data_sources/{self.source}/query", json={}).json()["results"]
        return {
            "".join(run["plain_text"] for run in row["properties"]["Name"]["title"]): row for row in found
        }

    def change(self, name: str, **body: Any) -> None:
        self.notion.patch(f"pages/{self.rows()[name]['id']}", json=body).raise_for_status()


@pytest.fixture
def shop(tmp_path: Path, postgres: str) -> Iterator[Shop]:
    server = sa.create_engine(postgres, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(sa.text("CREATE DATABASE shop"))
    here = tmp_path / "here"
    here.mkdir()
    with Sandbox(tmp_path / "notion.db") as sandbox:
        shop = Shop(here, sandbox, sa.make_url(postgres).set(database="shop"))
        yield shop
        shop.notion.close()
        shop.run("DROP OWNED BY lockstep")
        shop.engine.dispose()
    with server.connect() as connection:
        connection.execute(sa.text("DROP DATABASE shop WITH (FORCE)"))
        connection.execute(sa.text("DROP ROLE lockstep"))
    server.dispose()


def test_orders_are_kept_in_step(shop: Shop) -> None:
    shop.run(
        "INSERT INTO orders (shop, title, customer, total, ships_at, tags, paid) VALUES "
        "('berlin', 'Tea', 'Ada', 12.50, '2026-07-04 09:30', '{gift}', true), "
        "('berlin', 'Cups', 'Bob', 3, NULL, '{}', false), "
        "('paris', 'Coffee', 'Eve', 4, NULL, '{}', false)"
    )
    shop.add("By phone", State={"select": {"name": "packed"}}, Total={"number": 99})
    assert "By phone" in shop.lockstep("plan", "orders")
    assert len(shop.run("SELECT * FROM orders")) == 3, "a plan writes nothing"
    shop.lockstep("run", "orders")
    rows = shop.rows()
    assert rows.keys() == {"Tea", "Cups", "By phone"}
    tea = rows["Tea"]["properties"]
    assert (tea["Total"]["number"], tea["Paid"]["checkbox"], tea["State"]["select"]["name"]) == (
        12.5,
        True,
        "new",
    )
    assert tea["Ships"]["date"]["start"].startswith("2026-07-04T09:30:00.000+02:00") or "07:30" in str(
        tea["Ships"]
    )
    (order,) = shop.run("SELECT id FROM orders WHERE title = 'Tea'")
    assert "".join(run["plain_text"] for run in tea["Row"]["rich_text"]) == f"orders, id {order['id']}"
    assert tea["Synced"]["date"]["start"]
    assert [tag["name"] for tag in tea["Tags"]["multi_select"]] == ["gift"]
    (phone,) = shop.run("SELECT shop, state::text, total FROM orders WHERE title = 'By phone'")
    assert (phone["shop"], phone["state"], phone["total"]) == ("berlin", "packed", 0), (
        "money stays the program's"
    )

    shop.change("Tea", properties={"State": {"select": {"name": "sent"}}})
    shop.change("Cups", in_trash=True)
    shop.run("UPDATE orders SET notes = 'call first', updated_at = now() WHERE title = 'By phone'")
    shop.lockstep("run", "orders")
    (cups,) = shop.run("SELECT deleted_at FROM orders WHERE title = 'Cups'")
    assert cups["deleted_at"] is not None, "a row is marked, not taken away"
    (tea,) = shop.run(
        "SELECT state::text, updated_at > created AS touched FROM orders, "
        "(SELECT min(updated_at) AS created FROM orders) AS first WHERE title = 'Tea'"
    )
    assert (tea["state"], tea["touched"]) == ("sent", True)
    notes = shop.rows()["By phone"]["properties"]["Notes"]["rich_text"]
    assert "".join(run["plain_text"] for run in notes) == "call first"

    shop.run("UPDATE orders SET deleted_at = now() WHERE title = 'Tea'")
    shop.run("UPDATE orders SET shop = 'paris' WHERE title = 'By phone'")
    shop.lockstep("run", "orders")
    assert shop.rows().keys() == {"By phone"}, "what moved to another shop is not deleted"
    assert "secret" not in shop.lockstep("history", "orders")
