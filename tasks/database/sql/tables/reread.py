"""Tables whose columns change while a process goes on: they are read again when the database says so.

It says so by a number or a digest that one short statement gives at the start of each exchange.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import sqlalchemy as sa

from tasks.database.sql.tables.statement import Statement
from tasks.database.sql.tables.synced_table import SyncedTable

_SQLITE = Statement(
    "SELECT schema_version, EXISTS (SELECT 1 FROM lockstep_unwatched) FROM pragma_schema_version"
)

#: Columns, constraints and indexes of the tables of these names. One that is gone has none of them.
_POSTGRESQL = Statement("""
    WITH named AS (SELECT to_regclass(name) AS oid FROM unnest(CAST(:names AS text[])) name)
    SELECT md5(string_agg(line, ',' ORDER BY line)), EXISTS (SELECT 1 FROM lockstep_unwatched) FROM (
        SELECT concat_ws(' ', attrelid, attnum, attname, atttypid, atttypmod, attnotnull, attgenerated) AS line
        FROM pg_attribute JOIN named ON attrelid = named.oid WHERE attnum > 0 AND NOT attisdropped
        UNION ALL SELECT concat_ws(' ', conrelid, c.oid) FROM pg_constraint c JOIN named ON conrelid = named.oid
        UNION ALL SELECT concat_ws(' ', indrelid, indexrelid) FROM pg_index JOIN named ON indrelid = named.oid
    ) shape
""")


class Look(NamedTuple):
    """What the database says of the tables."""

    #: Another one whenever one of them may have changed.
    version: str
    #: Whether edits of some are not captured for now (see `tasks.database.sql.capture.unwatched`).
    unwatched: bool


def look(connection: sa.Connection, tables: Iterable[SyncedTable]) -> Look:
    """Ask it, in one short statement."""
    if connection.dialect.name == "sqlite":
        row = _SQLITE.run(connection).one()
    else:
        row = _POSTGRESQL.run(connection, {"names": [table.quoted(connection) for table in tables]}).one()
    return Look(str(row[0]), bool(row[1]))


def changed(connection: sa.Connection, tables: Iterable[SyncedTable]) -> list[SyncedTable]:
    """The tables that are not as they were read, as they are now. What a program described itself stays so.

    Raises:
        TaskDefinitionError: one is not there any more, or cannot be synced.
    """
    found = [(table, table.reread(connection)) for table in tables]
    return [now for before, now in found if now is not None and not _alike(before, now)]


def _alike(one: SyncedTable, other: SyncedTable) -> bool:
    return (one.identity, one.fields) == (other.identity, other.fields) and _shape(one) == _shape(other)


def _shape(table: SyncedTable) -> list[tuple[str, ...]]:
    of = table.table
    columns = [
        (
            each.name,
            repr(each.type),
            str(each.nullable),
            str(sorted(key.target_fullname for key in each.foreign_keys)),
        )
        for each in of.c
    ]
    return [*columns, tuple(sorted(map(str, table.unique_groups())))]
