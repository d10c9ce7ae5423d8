"""Tables that point at each other, keys of several columns, and nodes whose tables are of different versions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tasks.database.engine.engine import DatabaseEngine
from tasks.database.exceptions import CircularDependencyError
from tasks.database.records.clock import HybridLogicalClock
from tasks.database.sql import Database, SQLAlchemyStorage, SyncedTable
from tasks.database.sql.capture.triggers import remove
from tasks.database.sql.tables.graph import graph_of
from tasks.database.transport import MemoryTransport
from tasks.errors import TaskDefinitionError

Node = Any  # the class of the conftest

KINDS = [("sqlite", "postgresql"), ("postgresql", "sqlite")]


class Pair:
    """One node that asks another; they may be opened again, as after a migration."""

    def __init__(self, asking: Node, answering: Node, *names: str, **options: Any) -> None:
        self.nodes, self.names, self.options = (asking, answering), names, options
        self.open()

    def open(self) -> None:
        self.storages: list[SQLAlchemyStorage] = []
        answering: DatabaseEngine | None = None
        for node in reversed(self.nodes):
            database = Database(node.url)
            tables = [self.reflect(database, name) for name in self.names]
            storage = SQLAlchemyStorage(database, tables)
            node.opened.append(storage)
            storage.prepare()
            self.storages.insert(0, storage)
            transport = MemoryTransport(answering.process) if answering else None
            name = "asking" if answering else "answering"
            self.engine = DatabaseEngine(
                storage, graph_of(tables), HybridLogicalClock(), name, transport=transport, batch_size=3
            )
            answering = answering or self.engine

    def reflect(self, database: Database, name: str) -> SyncedTable:
        return SyncedTable.reflect(database, name, **self.options)

    def sync(self) -> None:
        result = self.engine.sync()
        assert result.ok, result.errors
        assert self.engine.sync().counts() == {}

    def rows(self, statement: str) -> list[list[dict[str, Any]]]:
        return [list(map(dict, node.run(statement))) for node in self.nodes]


def both(nodes: tuple[Node, Node], *statements: str) -> None:
    for node in nodes:
        for statement in statements:
            node.run(statement)


@pytest.fixture(params=KINDS, ids="-".join)
def nodes(request: pytest.FixtureRequest, make_node: Callable[[str], Node]) -> tuple[Node, Node]:
    first, second = request.param
    return make_node(first), make_node(second)


def test_tables_that_point_at_each_other(nodes: tuple[Node, Node]) -> None:
    for node in nodes:
        node.run("CREATE TABLE team (id TEXT PRIMARY KEY, name TEXT, head TEXT)")
        node.run(
            "CREATE TABLE worker (id TEXT PRIMARY KEY, team TEXT NOT NULL REFERENCES team (id), boss TEXT)"
        )
        if node.url.startswith("sqlite"):
            node.run("DROP TABLE team")
            node.run("CREATE TABLE team (id TEXT PRIMARY KEY, name TEXT, head TEXT REFERENCES worker (id))")
        else:
            node.run("ALTER TABLE team ADD FOREIGN KEY (head) REFERENCES worker (id)")
    pair = Pair(*nodes, "team", "worker")
    for node, name in zip(nodes, "ab", strict=True):
        for number in range(5):
            node.run("INSERT INTO team (id) VALUES (:id)", id=f"{name}{number}")
            node.run("INSERT INTO worker (id, team) VALUES (:id, :id)", id=f"{name}{number}")
            node.run("UPDATE team SET head = :id WHERE id = :id", id=f"{name}{number}")
    pair.sync()
    here, there = pair.rows("SELECT id, head FROM team ORDER BY id")
    assert here == there
    assert [row["head"] for row in here] == [f"{name}{number}" for name in "ab" for number in range(5)]
    nodes[0].run("UPDATE team SET head = NULL WHERE id = 'b1'")
    nodes[0].run("DELETE FROM worker WHERE id = 'b1'")
    nodes[1].run("UPDATE team SET name = 'renamed', head = 'b2' WHERE id = 'a1'")
    pair.sync()
    here, there = pair.rows("SELECT * FROM team ORDER BY id")
    assert here == there
    assert {"id": "a1", "name": "renamed", "head": "b2"} in here
    assert {"id": "b1", "name": None, "head": None} in here


def test_a_circle_without_an_empty_place_is_told(make_node: Callable[[str], Node]) -> None:
    node = make_node("postgresql")
    node.run("CREATE TABLE egg (id TEXT PRIMARY KEY, hen TEXT NOT NULL)")
    node.run("CREATE TABLE hen (id TEXT PRIMARY KEY, egg TEXT NOT NULL REFERENCES egg (id))")
    node.run("ALTER TABLE egg ADD FOREIGN KEY (hen) REFERENCES hen (id)")
    database = Database(node.url)
    tables = [SyncedTable.reflect(database, name) for name in ("egg", "hen")]
    with pytest.raises(CircularDependencyError, match="egg, hen"):
        graph_of(tables)
    database.close()


def test_a_key_of_two_columns_needs_a_name(nodes: tuple[Node, Node]) -> None:
    both(
        nodes,
        "CREATE TABLE seat (hall TEXT, place INTEGER, uid TEXT NOT NULL UNIQUE, guest TEXT, "
        "PRIMARY KEY (hall, place))",
    )
    with pytest.raises(
        TaskDefinitionError, match=r"'seat' needs a primary key of one column, or name the identity"
    ):
        Pair(*nodes, "seat")
    pair = Pair(*nodes, "seat", identity="uid")
    nodes[0].run("INSERT INTO seat VALUES ('a', 1, 'u1', 'Ada'), ('a', 2, 'u2', 'Bob')")
    pair.sync()
    nodes[1].run("UPDATE seat SET place = 3 WHERE uid = 'u2'")
    nodes[0].run("UPDATE seat SET guest = 'Bea' WHERE uid = 'u2'")
    pair.sync()
    here, there = pair.rows("SELECT * FROM seat ORDER BY uid")
    assert here == there
    assert here[1] == {"hall": "a", "place": 3, "uid": "u2", "guest": "Bea"}


def test_a_column_that_only_one_node_has(nodes: tuple[Node, Node]) -> None:
    """One node is of a newer version; later the other one gets the column, too."""
    both(nodes, "CREATE TABLE note (id TEXT PRIMARY KEY, words TEXT)")
    newer, older = nodes
    newer.run("ALTER TABLE note ADD COLUMN colour TEXT")
    pair = Pair(*nodes, "note")
    newer.run("INSERT INTO note VALUES ('1', 'new', 'red'), ('2', 'new', 'blue')")
    older.run("INSERT INTO note VALUES ('3', 'old')")
    pair.sync()
    older.run("UPDATE note SET words = 'edited' WHERE id = '1'")
    pair.sync()
    assert newer.run("SELECT * FROM note WHERE id = '1'") == [{"id": "1", "words": "edited", "colour": "red"}]
    assert len(older.run("SELECT * FROM note")) == 3
    older.run("ALTER TABLE note ADD COLUMN colour TEXT")
    pair.open()
    pair.engine.resync()
    pair.engine.sync()
    pair.sync()
    here, there = pair.rows("SELECT id, words, colour FROM note ORDER BY id")
    assert here == there
    assert [row["colour"] for row in here] == ["red", "blue", None]
    older.run("UPDATE note SET colour = 'green' WHERE id = '3'")
    pair.sync()
    here, there = pair.rows("SELECT id, words, colour FROM note ORDER BY id")
    assert here == there


def test_a_column_that_was_dropped_or_renamed(nodes: tuple[Node, Node]) -> None:
    both(nodes, "CREATE TABLE note (id TEXT PRIMARY KEY, words TEXT, colour TEXT)")
    pair = Pair(*nodes, "note")
    nodes[0].run("INSERT INTO note VALUES ('1', 'first', 'red')")
    pair.sync()
    nodes[0].run("ALTER TABLE note RENAME COLUMN words TO text")
    remove(pair.storages[0].database, pair.storages[0].tables["note"])  # or SQLite drops no column
    nodes[0].run("ALTER TABLE note DROP COLUMN colour")
    pair.open()
    nodes[0].run("INSERT INTO note VALUES ('2', 'second')")
    nodes[1].run("UPDATE note SET colour = 'blue' WHERE id = '1'")
    pair.sync()
    assert nodes[0].run("SELECT * FROM note ORDER BY id") == [
        {"id": "1", "text": "first"},
        {"id": "2", "text": "second"},
    ]
    assert nodes[1].run("SELECT * FROM note ORDER BY id") == [
        {"id": "1", "words": "first", "colour": "blue"},
        {"id": "2", "words": None, "colour": None},
    ]
    both(nodes, "DELETE FROM note WHERE id = '2'")
    pair.sync()
