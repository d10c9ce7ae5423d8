"""Whole-number keys that a database gives by itself, as its peers do: two rows may get the same one."""

from __future__ import annotations

import sqlalchemy as sa

from tasks.database.sql.tables.connection import Database
from tasks.database.sql.tables.synced_table import SyncedTable

#: What an operator is told of such tables.
ADVICE = (
    "ids are given by this database, and a peer may give the same ones to other rows, which are then taken for one: "
    "see “Ids that two nodes give” in docs/nodes.md"
)

_INCREMENT = sa.text(
    "SELECT seqincrement FROM pg_sequence WHERE seqrelid = CAST(pg_get_serial_sequence(:name, :field) AS regclass)"
)


def gives_ids(database: Database, table: SyncedTable) -> bool:
    """Whether the database gives the table's keys, one after the other.

    A sequence of PostgreSQL that leaves room between its numbers is taken for one that others fill.
    """
    column = table.key_column
    if not isinstance(column.type, sa.Integer):
        return False
    if database.dialect == "sqlite":
        return column.primary_key and type(column.type) is sa.INTEGER
    with database.work() as work:
        step = work.connection.scalar(
            _INCREMENT, {"name": table.quoted(work.connection), "field": table.identity}
        )
    return step is not None and abs(step) == 1
