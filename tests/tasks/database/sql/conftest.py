from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url, text

from tasks.database.sql.storage import SQLAlchemyStorage
from tasks.database.sql.tables.connection import Database
from tasks.database.sql.tables.synced_table import SyncedTable

_numbers = itertools.count()


@dataclass
class Node:
    """A database with two tables, as a program of the user's made it."""

    url: str
    opened: list[SQLAlchemyStorage] = field(default_factory=list)

    def storage(self) -> SQLAlchemyStorage:
        """The storage, as one more process has it."""
        database = Database(self.url)
        tables = [SyncedTable.reflect(database, name) for name in ("city", "person")]
        self.opened.append(SQLAlchemyStorage(database, tables))
        return self.opened[-1]

    def run(self, statement: str, **values: Any) -> Any:
        """One statement of the user's."""
        engine = create_engine(self.url)
        try:
            with engine.connect() as connection:
                result = connection.execute(text(statement), values)
                rows = result.mappings().all() if result.returns_rows else []
                connection.commit()
                return rows
        finally:
            engine.dispose()

    def close(self) -> None:
        for storage in self.opened:
            storage.close()


TABLES = {
    "sqlite": (
        "CREATE TABLE city (id TEXT PRIMARY KEY, name TEXT NOT NULL)",
        "CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE, born DATE, seen DATETIME, "
        "paid NUMERIC(10,2), ok BOOLEAN, photo BLOB, more JSON, size DOUBLE, mail TEXT UNIQUE, "
        "city TEXT REFERENCES city (id) ON DELETE CASCADE)",
    ),
    "postgresql": (
        "CREATE TABLE city (id TEXT PRIMARY KEY, name TEXT NOT NULL)",
        "CREATE TABLE person (id BIGINT PRIMARY KEY, name TEXT, born DATE, seen TIMESTAMP, "
        "paid NUMERIC(10,2), ok BOOLEAN, photo BYTEA, more JSONB, size DOUBLE PRECISION, mail TEXT UNIQUE, "
        "city TEXT REFERENCES city (id) ON DELETE CASCADE)",
    ),
}


@pytest.fixture
def make_node(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[[str], Node]]:
    made: list[Node] = []

    def make(kind: str) -> Node:
        number = next(_numbers)
        if kind == "sqlite":
            url = f"sqlite:///{tmp_path / f'node{number}.db'}"
        else:
            postgres = request.getfixturevalue("postgres")
            engine = create_engine(postgres, isolation_level="AUTOCOMMIT")
            with engine.connect() as connection:
                connection.execute(text(f"CREATE DATABASE node{number}"))
            engine.dispose()
            url = make_url(postgres).set(database=f"node{number}").render_as_string(hide_password=False)
        node = Node(url)
        for statement in TABLES[kind]:
            node.run(statement)
        made.append(node)
        return node

    yield make
    for node in made:
        node.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def node(make_node: Callable[[str], Node], kind: str) -> Node:
    return make_node(kind)


@pytest.fixture
def storage(node: Node) -> SQLAlchemyStorage:
    storage = node.storage()
    storage.prepare()
    return storage


#: The databases of two nodes: the one that answers, and the one that asks. Where there is no server, the first.
PAIRS = {
    "sqlites": ("sqlite", "sqlite"),
    "sqlite-postgresql": ("sqlite", "postgresql"),
    "postgresql-sqlite": ("postgresql", "sqlite"),
}


@pytest.fixture(params=PAIRS)
def kinds(request: pytest.FixtureRequest) -> tuple[str, str]:
    return PAIRS[request.param]
