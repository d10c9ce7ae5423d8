"""Nodes whose tables have foreign keys, and people whose programs keep to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from tasks.database.engine.engine import DatabaseEngine
from tasks.database.records.clock import HybridLogicalClock
from tasks.database.records.result import ConflictEntry, DatabaseResult
from tasks.database.sql import Database, SQLAlchemyStorage, SyncedTable
from tasks.database.sql.capture import triggers as capture
from tasks.database.sql.tables.graph import graph_of
from tasks.database.transport import MemoryTransport

Node = Any  # the class of the conftest


class Member:
    """One node: a database, its engine, and a program that edits it."""

    def __init__(
        self, name: str, node: Node, names: Sequence[str], hub: Member | None, batch_size: int | None
    ) -> None:
        self.name, self.node = name, node
        database = Database(node.url)
        tables = [SyncedTable.reflect(database, table) for table in names]
        self.storage = SQLAlchemyStorage(database, tables)
        node.opened.append(self.storage)
        self.storage.prepare()
        self.engine = DatabaseEngine(
            self.storage,
            graph_of(tables),
            HybridLogicalClock(),
            name,
            transport=MemoryTransport(hub.engine.process) if hub else None,
            batch_size=batch_size,
        )

    def edit(self, *statements: str, foreign_keys: bool = True) -> None:
        """What a program does in one transaction."""
        engine = sa.create_engine(self.node.url)
        try:
            with engine.connect() as connection:
                if foreign_keys and engine.dialect.name == "sqlite":
                    connection.exec_driver_sql("PRAGMA foreign_keys=ON")
                for statement in statements:
                    connection.exec_driver_sql(statement)
                connection.commit()
        finally:
            engine.dispose()

    def rows(self, table: str) -> list[dict[str, Any]]:
        """What people see."""
        return [dict(row) for row in self.node.run(f"SELECT * FROM {table} ORDER BY id")]

    def ids(self, table: str) -> list[Any]:
        return [row["id"] for row in self.rows(table)]

    @contextmanager
    def statements(self) -> Iterator[list[str]]:
        """The statements of this node meanwhile."""
        told: list[str] = []

        def note(_: Any, __: Any, statement: str, *___: Any) -> None:
            told.append(statement)

        engine = self.storage.database.engine
        sa.event.listen(engine, "before_cursor_execute", note)
        try:
            yield told
        finally:
            sa.event.remove(engine, "before_cursor_execute", note)


class Family:
    """A hub and its spokes; `kinds` names their databases, the hub's first."""

    def __init__(
        self,
        make_node: Callable[[str], Node],
        kinds: Sequence[str],
        tables: dict[str, str],
        batch_size: int | None = None,
    ) -> None:
        self.names = list(tables)
        nodes = [make_node(kind) for kind in kinds]
        for node in nodes:
            node.run("DROP TABLE person")
            node.run("DROP TABLE city")
            for name, columns in tables.items():
                node.run(f"CREATE TABLE {name} ({columns})")
        self.hub = Member("hub", nodes[0], self.names, None, batch_size)
        self.spokes = [
            Member(f"spoke{number}", node, self.names, self.hub, batch_size)
            for number, node in enumerate(nodes[1:], 1)
        ]
        self.results: list[DatabaseResult] = []

    @property
    def members(self) -> list[Member]:
        return [self.hub, *self.spokes]

    @staticmethod
    def rebuild(member: Member, table: str, statement: str) -> None:
        """Make a table of SQLite anew, with its rows, by another statement."""
        capture.remove(member.storage.database, member.storage.tables[table])
        member.edit(
            f"ALTER TABLE {table} RENAME TO old_{table}",
            statement,
            f"INSERT INTO {table} SELECT * FROM old_{table}",
            f"DROP TABLE old_{table}",
            foreign_keys=False,
        )
        member.storage.prepare()

    def settle(self) -> None:
        """All sync until nothing is left to do, and nothing waits anywhere."""
        for _ in range(8):
            results = [spoke.engine.sync() for spoke in self.spokes]
            self.results += results
            if not any(result.counts() for result in results):
                break
        else:
            raise AssertionError(f"they do not come to rest: {results}")
        for name in self.names:
            for member in self.spokes:
                assert member.rows(name) == self.hub.rows(name), f"{name} of {member.name}"
        for member in self.members:
            self._whole(member)

    def _whole(self, member: Member) -> None:
        """What the bookkeeping says is what is there, with the same stamps everywhere, and nothing dangles."""
        for name in self.names:
            keys = list(member.storage.get_keys(name))
            assert sorted(keys) == sorted(map(str, member.ids(name))), f"{name} of {member.name}"
            here, there = (each.storage.get_records(name, keys) for each in (member, self.hub))
            assert {key: r.timestamps for key, r in here.items()} == {
                key: r.timestamps for key, r in there.items()
            }, f"{name} of {member.name}"
        if member.node.url.startswith("sqlite"):
            assert member.node.run("PRAGMA foreign_key_check") == []

    def ledger(self) -> list[ConflictEntry]:
        return [entry for member in self.members for entry in member.storage.conflicts]
