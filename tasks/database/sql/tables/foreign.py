"""The foreign keys among synced tables, as the database has them at this moment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from tasks.database.sql.tables import lookups
from tasks.database.sql.tables.synced_table import SyncedTable


@dataclass(frozen=True)
class ForeignKey:
    """One foreign key; `pairs` are the child's columns with the parent's."""

    child: SyncedTable
    parent: SyncedTable
    pairs: tuple[tuple[str, str], ...]
    on_update: str


def keys_among(connection: sa.Connection, tables: Iterable[SyncedTable]) -> list[ForeignKey]:
    """All foreign keys from a synced table to a synced one, by columns that are synced.

    Others are the business of this database alone.
    """
    tables = list(tables)
    found = (
        _sqlite(connection, tables)
        if connection.dialect.name == "sqlite"
        else _postgresql(connection, tables)
    )
    return [key for key in found if {name for name, _ in key.pairs} <= {*key.child.fields}]


def keys_to(
    connection: sa.Connection, tables: Iterable[SyncedTable], parent: SyncedTable
) -> list[ForeignKey]:
    """Those that lead to this table."""
    return [key for key in keys_among(connection, tables) if key.parent is parent]


def keys_from(
    connection: sa.Connection, tables: Iterable[SyncedTable], child: SyncedTable
) -> list[ForeignKey]:
    """Those that lead from this table."""
    return [key for key in keys_among(connection, tables) if key.child is child]


def refers_to_itself(connection: sa.Connection, table: SyncedTable) -> bool:
    """Whether a foreign key leads from the table to itself."""
    return bool(keys_among(connection, [table]))


def _sqlite(connection: sa.Connection, tables: list[SyncedTable]) -> list[ForeignKey]:
    by_name = {table.table.name.casefold(): table for table in tables}
    query = sa.text(
        'SELECT id, "table", "from", "to", on_update FROM pragma_foreign_key_list(:name) ORDER BY id, seq'
    )
    found: list[ForeignKey] = []
    for child in tables:
        keys: dict[int, list[Any]] = defaultdict(list)
        for row in connection.execute(query, {"name": child.table.name}):
            keys[row[0]].append(row)
        for rows in keys.values():
            parent = by_name.get(rows[0][1].casefold())
            if parent is not None:
                primary = [column.name for column in parent.table.primary_key.columns]
                targets = [row[3] or primary[at] for at, row in enumerate(rows)]
                pairs = tuple(
                    (_named(child, row[2]), _named(parent, target))
                    for row, target in zip(rows, targets, strict=True)
                )
                found.append(ForeignKey(child, parent, pairs, rows[0][4]))
    return found


def _named(table: SyncedTable, name: str) -> str:
    """A column as the table has it: SQLite takes any case."""
    return next((each.name for each in table.table.c if each.name.casefold() == name.casefold()), name)


_POSTGRESQL = sa.text("""
    SELECT k.conrelid, k.confrelid, k.confupdtype,
        ARRAY(SELECT CAST(a.attname AS text) FROM unnest(k.conkey) WITH ORDINALITY n(number, at)
            JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = n.number ORDER BY n.at),
        ARRAY(SELECT CAST(a.attname AS text) FROM unnest(k.confkey) WITH ORDINALITY n(number, at)
            JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = n.number ORDER BY n.at)
    FROM pg_constraint k WHERE k.contype = 'f' AND k.conparentid = 0
    AND k.conrelid = ANY(CAST(:tables AS oid[])) AND k.confrelid = ANY(CAST(:tables AS oid[])) ORDER BY k.oid
""")

_ACTIONS = {"a": "NO ACTION", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}


def _postgresql(connection: sa.Connection, tables: list[SyncedTable]) -> list[ForeignKey]:
    number = sa.text("SELECT CAST(CAST(:name AS regclass) AS oid)")
    by_number = {
        int(connection.scalar(number, {"name": table.quoted(connection)}) or 0): table for table in tables
    }
    rows = connection.execute(_POSTGRESQL, {"tables": sorted(by_number)})
    return [
        ForeignKey(
            by_number[child], by_number[parent], tuple(zip(names, targets, strict=True)), _ACTIONS[on_update]
        )
        for child, parent, on_update, names, targets in rows
    ]


def referring(key: ForeignKey, parents: Sequence[Any]) -> sa.Select[Any]:
    """The identities of these parents, each with that of a row that refers to it by this key."""
    child, parent = key.child.table.alias("child"), key.parent.table
    # The parent's column comes first: its collation is the one that the foreign key goes by.
    meet = sa.and_(
        *(_plain(key, parent.c[target]) == _plain(key, child.c[name]) for name, target in key.pairs)
    )
    return (
        sa.select(_plain(key, key.parent.key_column), _plain(key, child.c[key.child.identity]))
        .select_from(parent.join(child, meet))
        .where(lookups.among(key.parent, parents))
    )


def _plain(key: ForeignKey, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return sa.type_coerce(column, sa.types.NullType()) if key.child.dialect == "sqlite" else column
