"""What a sync costs does not depend on how much is in the tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from tasks.database import DatabaseEngine, DependencyGraph, HybridLogicalClock
from tasks.database.storages.peer import PeerState
from tasks.database.transport.memory import MemoryTransport

from .conftest import Node

GRAPH = DependencyGraph({"city": set(), "person": {"city"}})
TABLES = ("person", "lockstep_records")  # the others hold next to nothing


class Pair:
    """Two nodes that are in step, with so many records each.

    With `known_late` they were there before anybody captured, and the database's figures are of when all were due.
    """

    def __init__(
        self, make_node: Callable[[str], Node], kind: str, size: int, known_late: bool = False
    ) -> None:
        self.office, self.laptop = make_node(kind), make_node(kind)
        self.storages = [node.storage() for node in (self.office, self.laptop)]
        if not known_late:
            self._prepare()
        rows = [{"id": number, "name": f"name {number}"} for number in range(size)]
        with self.storages[0].database.work() as work:
            work.connection.execute(sa.text("INSERT INTO person (id, name) VALUES (:id, :name)"), rows)
        if known_late:
            self._prepare()
        office = DatabaseEngine(self.storages[0], GRAPH, HybridLogicalClock(), "office")
        self.engine = DatabaseEngine(
            self.storages[1],
            GRAPH,
            HybridLogicalClock(),
            "laptop",
            transport=MemoryTransport(office.process),
        )
        assert self.engine.sync().counts() == {"applied": size}
        assert self.engine.sync().counts() == {}

    def _prepare(self) -> None:
        for storage in self.storages:
            storage.prepare()

    def analyse(self) -> None:
        for node in (self.office, self.laptop):
            node.run("ANALYZE")

    @contextmanager
    def statements(self, explain: bool = False) -> Iterator[list[str]]:
        """The statements of both nodes meanwhile, or with `explain` their plans."""
        told: list[str] = []

        def note(connection: sa.Connection, _: Any, statement: str, values: Any, *__: Any) -> None:
            told.append(_plan(connection, statement, values) if explain else statement)

        engines = [storage.database.engine for storage in self.storages]
        for engine in engines:
            sa.event.listen(engine, "before_cursor_execute", note)
        try:
            yield told
        finally:
            for engine in engines:
                sa.event.remove(engine, "before_cursor_execute", note)


def _plan(connection: sa.Connection, statement: str, values: Any) -> str:
    if not statement.lstrip().startswith(("SELECT", "WITH", "UPDATE", "DELETE")):
        return ""
    sqlite = connection.dialect.name == "sqlite"
    cursor: Any = connection.connection.cursor()
    lines = cursor.execute(f"EXPLAIN {'QUERY PLAN ' if sqlite else ''}{statement}", values).fetchall()
    return statement + "".join(f"\n    {line[3] if sqlite else line[0]}" for line in lines)


def full_scans(plans: list[str]) -> list[str]:
    return [plan for plan in plans if any(map(_is_full, *_pairs(plan.splitlines())))]


def _pairs(lines: list[str]) -> tuple[list[str], list[str]]:
    return lines, [*lines[1:], ""]


def _is_full(line: str, following: str) -> bool:
    """Only what is due may be read without a condition."""
    of_table = any(f"{word}{table}" in line for word in ("SCAN ", " on ") for table in TABLES)
    if not of_table or "lockstep_records_pending" in line:
        return False
    return "SCAN " in line or "Seq Scan" in line or (" Scan " in line and "Cond:" not in following)


@pytest.mark.parametrize("known_late", [False, True])
@pytest.mark.parametrize("analysed", [False, True])
def test_no_statement_reads_a_whole_table(
    make_node: Callable[[str], Node], kind: str, known_late: bool, analysed: bool
) -> None:
    pair = Pair(make_node, kind, 2_000, known_late)
    if analysed:
        pair.analyse()
    with pair.statements(explain=True) as plans:
        assert pair.engine.sync().counts() == {}
        pair.office.run("UPDATE person SET name = 'new' WHERE id = 7")
        pair.office.run("DELETE FROM person WHERE id = 8")
        pair.laptop.run("UPDATE person SET name = 'newer' WHERE id = 9")
        assert pair.engine.sync().counts() == {"pushed": 1, "applied": 1, "deleted": 1}
        office = pair.storages[0]
        assert office.oldest_after(PeerState.load(office, "laptop").sent.lowest, {1}) is None
    assert sum(map(bool, plans)) > 20
    assert full_scans(plans) == []


def test_a_plan_that_reads_a_whole_table_is_seen(make_node: Callable[[str], Node], kind: str) -> None:
    pair = Pair(make_node, kind, 100)
    with pair.statements(explain=True) as plans, pair.storages[0].database.work() as work:
        work.connection.execute(sa.text("SELECT name FROM person WHERE name = 'x'"))
    assert full_scans(plans)


def test_as_many_statements_at_any_size(make_node: Callable[[str], Node], kind: str) -> None:
    counts = []
    for size in (10, 1_500):
        pair = Pair(make_node, kind, size)
        for changed in (0, 3):
            pair.office.run("UPDATE person SET name = 'new' WHERE id < :changed", changed=changed)
            with pair.statements() as statements:
                assert pair.engine.sync().counts().get("applied", 0) == changed
            counts.append(len(statements))
    assert counts[:2] == counts[2:]
    assert counts[0] < 64
