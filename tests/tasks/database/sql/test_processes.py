"""Two nodes in step over HTTP between real processes, which die at every statement of an exchange."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tasks.database.exceptions import SyncAbortedError
from tasks.database.records.manifest import SyncManifest
from tasks.database.sql.declared import Node as DeclaredNode
from tasks.database.sql.declared import open_node, read_nodes
from tasks.database.transport import wire
from tasks.database.transport.signing import PeerKey
from tasks.errors import TaskDefinitionError
from tests.harness.starting import piped

Node = Any  # the class of the conftest

SERVER = Path(__file__).with_name("node_server.py")

pytestmark = pytest.mark.processes


@contextmanager
def office(node: Node, crash: str = "") -> Iterator[str]:
    """The office's web process; gives its address."""
    process, printed = piped(
        [sys.executable, str(SERVER), node.url, f"crash={crash}"],
        cwd=Path(__file__).parents[4],
        env={
            "PYTHONPATH": ".",
            "PATH": "",
            "LOCKSTEP_STATE_DIR": os.environ.get("LOCKSTEP_STATE_DIR", ".lockstep"),
        },
    )
    try:
        yield f"http://127.0.0.1:{printed.readline().strip()}"
        if crash:
            assert process.wait(60) == 9
    finally:
        process.kill()
        process.wait()
        printed.close()


@contextmanager
def laptop(node: Node, url: str) -> Iterator[DeclaredNode]:
    peer = {"node": "office", "url": url, "secret": "laptop's own long secret"}
    [table] = read_nodes(
        [{"name": "laptop", "database": node.url, "tables": ["city", "person"], "every": "30s", "peer": peer}]
    )
    opened = open_node(table)
    assert opened.transport is not None
    opened.transport._attempts = 1
    try:
        yield opened
    finally:
        opened.close()


def sync(node: Node, url: str) -> dict[str, int]:
    with laptop(node, url) as opened:
        result = opened.engine.sync()
        assert result.ok, result.errors
        return result.counts()


def rows(node: Node) -> list[list[Any]]:
    return [
        [tuple(row.values()) for row in node.run(f"SELECT {columns} FROM {table} ORDER BY id")]
        for table, columns in (("city", "id, name"), ("person", "id, name, city, mail"))
    ]


def test_two_processes_stay_in_step(make_node: Callable[[str], Node]) -> None:
    there, here = make_node("postgresql"), make_node("sqlite")
    with office(there) as url:
        here.run("INSERT INTO city (id, name) VALUES ('a', 'Aachen'), ('b', 'Bönn')")
        there.run("INSERT INTO person (id, name) SELECT n, 'person ' || n FROM generate_series(1, 500) n")
        assert sync(here, url) == {"pushed": 2, "applied": 500}
        assert rows(there) == rows(here)
        assert sync(here, url) == {}
        there.run("UPDATE person SET city = 'a' WHERE id <= 10")
        here.run("UPDATE person SET name = 'x' WHERE id <= 20")
        here.run("DELETE FROM city WHERE id = 'b'")
        sync(here, url)
        assert rows(there) == rows(here)


def test_a_request_is_taken_once_by_all_web_processes_together(make_node: Callable[[str], Node]) -> None:
    there = make_node("postgresql")
    key, path = PeerKey(secret="laptop's own long secret"), "/nodes/office/sync"
    manifest = SyncManifest("laptop", 0)
    manifest.checksum = manifest.compute_checksum()
    body = wire.pack(manifest.to_dict())
    with office(there) as one, office(there) as other:
        sent = {**key.headers("laptop", path, body), "content-encoding": "gzip"}
        answers = [httpx.post(url + path, content=body, headers=sent) for url in (one, other, one)]
        assert [answer.status_code for answer in answers] == [200, 401, 401]
        again = {**key.headers("laptop", path, body), "content-encoding": "gzip"}
        assert httpx.post(other + path, content=body, headers=again).status_code == 200


@pytest.mark.parametrize("crash", ["0", "4", "9", "14", "answer"])
def test_a_crash_leaves_all_or_nothing(make_node: Callable[[str], Node], kind: str, crash: str) -> None:
    there, here = make_node(kind), make_node("sqlite")
    for node, first in ((there, 1), (here, 100)):
        node.run("INSERT INTO city (id, name) VALUES (:id, 'A')", id=f"c{first}")
        for key in range(first, first + 5):
            node.run(
                "INSERT INTO person (id, name, city) VALUES (:key, 'n', :city)", key=key, city=f"c{first}"
            )
    mine, theirs = rows(here), rows(there)
    with office(there, crash) as url, pytest.raises(SyncAbortedError):
        sync(here, url)
    assert rows(here) == mine
    assert rows(there) == theirs or (crash == "answer" and len(rows(there)[1]) == 10)
    with office(there) as url:
        sync(here, url)
        assert rows(here) == rows(there)
        assert [len(each) for each in rows(here)] == [2, 10]
        assert sync(here, url) == {}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"name": "a b"}, "name"),
        ({"database": "env:NOT_SET_ANYWHERE"}, "NOT_SET_ANYWHERE"),
        ({"tables": []}, "tables"),
        ({"every": None}, "how often"),
        ({"peer": None}, "nobody"),
        ({"colour": "red"}, "colour"),
        ({"peer": {"node": "office", "url": "https://x", "secret": "short"}}, "16 characters"),
        ({"peer": {"node": "office", "url": "https://x"}}, "secret or a token"),
        ({"peer": {"node": "laptop", "url": "https://x", "secret": "s" * 20}}, "own peer"),
    ],
)
def test_a_wrong_table_is_told_in_one_line(change: dict[str, Any], complaint: str) -> None:
    peer = {"node": "office", "url": "https://x", "secret": "a-secret-of-this-node"}
    good = {
        "name": "laptop",
        "database": "sqlite:///a-private-path.db",
        "tables": ["t"],
        "every": "30s",
        "peer": peer,
    }
    assert read_nodes([good])[0].tables[0].name == "t"
    with pytest.raises(TaskDefinitionError, match=complaint) as raised:
        read_nodes([{**good, **change}])
    assert "\n" not in str(raised.value)
    assert "a-secret" not in str(raised.value)
    assert "a-private" not in repr(read_nodes([good])[0])
    with pytest.raises(TaskDefinitionError, match="twice"):
        read_nodes([good, good])
