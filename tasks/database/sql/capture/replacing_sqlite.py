"""Rows that SQLite takes away for another one's unique values, by `OR REPLACE` or `ON CONFLICT REPLACE`.

No trigger is told of their deletion, unless the program has switched on `recursive_triggers`. So what might be
replaced is noted before a row is written, and what of it is gone afterwards is a deletion made here. What was only
possible, as with `OR IGNORE`, is still there then.
"""

# ruff: noqa: S608  names and texts are quoted; values never come from a peer

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from tasks.database.sql.tables.synced_table import SyncedTable

_GONE = "MAX({wall}, newest + 1)"


def statements(
    connection: sa.Connection, table: SyncedTable, mark: str, *, quiet: str, wall: str
) -> Iterator[str]:
    """What makes the triggers, for tables in which more than the identity is unique."""
    groups = _unique_groups(connection, table)
    if not groups:
        return
    quote = connection.dialect.identifier_preparer.quote
    target, identity = table.quoted(connection), quote(table.identity)
    label = "'" + table.label.replace("'", "''") + "'"
    same = " OR ".join(
        "(" + " AND ".join(f"t.{quote(name)} = NEW.{quote(name)}" for name in group) + ")" for group in groups
    )
    # Without a clause of its own: that of the user's statement would be taken instead.
    note = (
        "INSERT INTO lockstep_replaced (model, key) "
        f"SELECT {label}, CAST(t.{identity} AS TEXT) FROM {target} t WHERE ({same})"
    )
    columns = ", ".join(quote(name) for name in sorted({name for group in groups for name in group}))
    gone = _GONE.format(wall=wall)
    bury = (
        f"UPDATE lockstep_records SET newest = {gone}, deleted = {gone}, pending = json_object('', {gone}), "
        "stamps = '{}', arrivals = '{}', place = NULL "
        f"WHERE model = {label} AND deleted IS NULL "
        f"AND key IN (SELECT key FROM lockstep_replaced WHERE model = {label}) AND NOT EXISTS "
        f"(SELECT 1 FROM {target} t WHERE t.{identity} = lockstep_records.key "
        f"AND CAST(t.{identity} AS TEXT) = lockstep_records.key); "
        f"DELETE FROM lockstep_replaced WHERE model = {label};"
    )
    for event, when, where in (
        ("insert", "INSERT", ""),
        ("update", f"UPDATE OF {columns}", f" AND t.{identity} IS NOT OLD.{identity}"),
    ):
        yield (
            f"CREATE TRIGGER lockstep_before_{event}_{mark} BEFORE {when} ON {target} WHEN {quiet} "
            f"BEGIN {note}{where}; END"
        )
        yield (
            f"CREATE TRIGGER lockstep_after_{event}_{mark} AFTER {when} ON {target} WHEN {quiet} "
            f"AND EXISTS (SELECT 1 FROM lockstep_replaced) BEGIN {bury} END"
        )


def _unique_groups(connection: sa.Connection, table: SyncedTable) -> list[tuple[str, ...]]:
    """The columns that are unique together, as the database says; without the identity by itself."""
    query = sa.text(
        'SELECT i.name, c.name FROM pragma_index_list(:name) i, pragma_index_info(i.name) c WHERE i."unique" '
        "ORDER BY i.seq, c.seqno"
    )
    indexes: dict[str, list[str | None]] = {
        "": [
            column.name for column in table.table.primary_key.columns
        ]  # that of the rows' own numbers has none
    }
    for index, column in connection.execute(query, {"name": table.table.name}):
        indexes.setdefault(index, []).append(column)
    groups = {
        tuple(name for name in names if name is not None) for names in indexes.values() if None not in names
    }
    return sorted(group for group in groups if group and group != (table.identity,))
