"""What a poll asks of the journal is found by an index, not by reading a table."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from tasks.merge import End, Intent, Link
from tasks.values.references import References
from tests.harness.stores import new_database, new_store
from worker.store import SqlJournal, Store
from worker.store.tables.fences import take_fence


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "postgresql":
        made = Store(new_database(request.getfixturevalue("postgres"), with_tables=True))
    else:
        made = new_store(tmp_path / "lockstep.db")
    with made.write() as connection:
        take_fence(connection, "task", 1)
    yield made
    made.close()


async def poll(journal: SqlJournal) -> None:
    """All that a run by changes asks of a journal, and what it keeps of a pair."""
    await journal.recall()
    await journal.unsettled(("refs", "title"))
    await journal.links(End.RIGHT, ["r1"])
    await journal.counterparts(End.LEFT, ["l1"])
    await journal.referring({End.LEFT: ["l2"], End.RIGHT: ["r2"]})
    await journal.out_of_sight()
    await journal.begin(Intent("key", End.RIGHT, "l1", {}))
    refs = {"refs": References((("l2", "r2"),), ())}
    await journal.confirm(put=Link("l1", "r1", refs, refs), settle=["key"])
    await journal.confirm(put=Link("l2", "r2", refs, refs))
    await journal.confirm(put=Link("l1", "r3", refs, refs))
    await journal.confirm(put=Link("l2", "r2", refs, refs, frozenset({End.LEFT})))
    await journal.confirm(drop=Link("l2", "r2", {}, {}))


def test_nothing_is_read_through(store: Store) -> None:
    sent: list[tuple[str, Any]] = []

    def note(
        _connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool
    ) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "UPDATE", "DELETE")):
            sent.append((statement, parameters[0] if many else parameters))

    event.listen(store.engine, "before_cursor_execute", note)
    asyncio.run(poll(SqlJournal(store, "task", "run", 1)))
    event.remove(store.engine, "before_cursor_execute", note)
    tables = {
        name
        for name in ("link", "intent", "held", "memory", "node", "reference")
        for one, _ in sent
        if name in one
    }
    assert len(tables) == 6
    with store.read() as connection:
        if (
            connection.dialect.name == "postgresql"
        ):  # it would read a table of a few rows, whatever indexes there are
            connection.execute(text("SET enable_seqscan = off"))
        for statement, parameters in sent:
            how = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
            plan = [
                " ".join(map(str, row))
                for row in connection.exec_driver_sql(f"{how} {statement}", parameters)
            ]
            through = [
                line
                for line in plan
                if "Seq Scan" in line or ("SCAN " in line and not ("CONSTANT" in line or "one_row" in line))
            ]
            assert not through, (statement, plan)
