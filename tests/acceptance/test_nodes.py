"""Two database nodes from `lockstep.toml` alone: one answers in the web process, one asks by the command line."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.harness import Process, free_port, starting
from worker.machine.redis_server import RedisServer

pytestmark = pytest.mark.processes

OFFICE = """
[[node]]
name = "office"
database = "sqlite:///office.db"
tables = ["person"]
[[node.answers]]
node = "laptop"
secret = "env:LAPTOP_SECRET"
"""

LAPTOP = """
[[node]]
name = "laptop"
database = "sqlite:///laptop.db"
tables = ["person"]
every = "2s"
[node.peer]
node = "office"
url = "http://127.0.0.1:{port}"
secret = "env:LAPTOP_SECRET"
"""


def sql(path: Path, statement: str, *values: object) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path, timeout=30)
    try:
        with connection:
            return connection.execute(statement, values).fetchall()
    finally:
        connection.close()


class Machine:
    """A directory with settings of its own."""

    def __init__(self, directory: Path, toml: str, **variables: str) -> None:
        self.directory = directory
        directory.mkdir()
        (directory / "lockstep.toml").write_text(toml)
        ours = ("LOCKSTEP_", "REDIS_URL", "DATABASE_URL", "NOTION_", "SENTRY_")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        root = str(Path(__file__).parents[2])
        secret = {"LAPTOP_SECRET": "a long secret of the laptop's own", "PYTHONPATH": root}
        self.env = {**clean, **secret, "NO_COLOR": "1", "COLUMNS": "200", **variables}
        self.database = directory / f"{directory.name}.db"
        sql(self.database, "CREATE TABLE person (id TEXT PRIMARY KEY, name TEXT, mail TEXT)")

    def lockstep(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", "from worker.cli import main; main()", *arguments]
        return starting.run(command, cwd=self.directory, env=self.env, timeout=120)

    def people(self) -> list[tuple[object, ...]]:
        return sql(self.database, "SELECT id, name, mail FROM person ORDER BY id")


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    with RedisServer(tmp_path / "redis") as server:
        yield server.url


@pytest.fixture
def machines(tmp_path: Path, redis_url: str) -> Iterator[tuple[Machine, Machine, Process, int]]:
    """The office with its web process, and the laptop."""
    port = free_port()
    office = Machine(tmp_path / "office", OFFICE, REDIS_URL=redis_url)
    laptop = Machine(tmp_path / "laptop", LAPTOP.format(port=port))
    assert office.lockstep("nodes", "capture", "office").returncode == 0
    assert laptop.lockstep("nodes", "capture", "laptop").returncode == 0
    serve = [sys.executable, "-m", "worker.web", "--host", "127.0.0.1", "--port", str(port)]
    with Process(serve, log=tmp_path / "web.log", env=office.env, cwd=office.directory) as web:

        def healthy() -> bool:
            try:
                return httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=5).status_code == 200
            except httpx.TransportError:
                return False

        web.wait_until(healthy, 30, "an answer")
        yield office, laptop, web, port


def test_two_nodes_in_step(tmp_path: Path, machines: tuple[Machine, Machine, Process, int]) -> None:
    office, laptop, web, port = machines
    sql(laptop.database, "INSERT INTO person VALUES ('1', 'Ada', 'ada@example.org')")
    sql(office.database, "INSERT INTO person VALUES ('2', 'Grace', NULL)")
    done = laptop.lockstep("run", "laptop")
    assert done.returncode == 0, done.stdout + done.stderr
    everybody = [("1", "Ada", "ada@example.org"), ("2", "Grace", None)]
    assert laptop.people() == office.people() == everybody

    # Different fields of one record, a deletion, and a field that both edit: the later one stays.
    sql(laptop.database, "UPDATE person SET name = 'Ada L.' WHERE id = '1'")
    sql(office.database, "UPDATE person SET mail = 'a@example.org' WHERE id = '1'")
    sql(office.database, "DELETE FROM person WHERE id = '2'")
    assert laptop.lockstep("run", "laptop").returncode == 0
    assert laptop.people() == office.people() == [("1", "Ada L.", "a@example.org")]
    for machine, name in ((laptop, "Ada of the laptop"), (office, "Ada of the office")):
        sql(machine.database, "UPDATE person SET name = ? WHERE id = '1'", name)
        time.sleep(0.05)
    assert laptop.lockstep("run", "laptop").returncode == 0
    assert laptop.people() == office.people() == [("1", "Ada of the office", "a@example.org")]
    (lost,) = json.loads(office.lockstep("conflicts", "--json").stdout)["items"]  # where it was resolved
    assert [one["value"] for one in (*lost["stayed"], *lost["lost"])] == [
        "Ada of the office",
        "Ada of the laptop",
    ]
    compared = json.loads(laptop.lockstep("nodes", "status", "--json").stdout)["items"]
    assert compared[0]["oldest_unsent_seconds"] is None
    listed = laptop.lockstep("status").stdout
    assert "laptop" in listed
    assert "synced" in listed
    assert "laptop" in laptop.lockstep("nodes", "list").stdout

    # Somebody else's proof is refused, without a word of the inside.
    stranger = Machine(
        tmp_path / "stranger", LAPTOP.format(port=port), LAPTOP_SECRET="another long secret, wrong"
    )
    stranger.database.rename(stranger.directory / "laptop.db")
    refused = stranger.lockstep("run", "laptop")
    assert refused.returncode == 1
    assert "Traceback" not in refused.stdout + refused.stderr
    assert "another long secret" not in refused.stdout + refused.stderr
    assert "Traceback" not in web.output()
