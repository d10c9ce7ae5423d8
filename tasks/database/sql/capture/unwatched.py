"""What a table's rows were when their edits ceased to be captured, so that it is seen later which were edited.

It is kept by field: what was not edited must not get a stamp that beats others' edits of it.
"""

# ruff: noqa: S608  names and texts are quoted; values never come from a peer

from __future__ import annotations

import sqlalchemy as sa

from tasks.database.sql.capture import postgresql as capture_postgresql
from tasks.database.sql.capture import sqlite as capture_sqlite
from tasks.database.sql.tables.synced_table import SyncedTable


def remember(connection: sa.Connection, table: SyncedTable) -> None:
    """Keep all rows that something is known of as they are now."""
    forget(connection, table)
    _run(
        connection,
        f"INSERT INTO lockstep_unwatched (model, key, fields, stamps) SELECT r.model, r.key, "
        f"{_values(connection, table)}, r.stamps FROM {_rows(connection, table)}",
    )


def forget(connection: sa.Connection, table: SyncedTable) -> None:
    """Keep nothing of it any more."""
    _run(connection, f"DELETE FROM lockstep_unwatched WHERE model = {_literal(table.label)}")


def look_through(connection: sa.Connection, table: SyncedTable) -> None:
    """As `notice`, for a table whose edits are still not captured: what a peer knows must not pass for what is here."""
    found = sa.text("SELECT 1 FROM lockstep_unwatched WHERE model = :label LIMIT 1")
    if connection.scalar(found, {"label": table.label}) is not None:
        notice(connection, table)
        remember(connection, table)


def notice(connection: sa.Connection, table: SyncedTable) -> int:
    """Stamp now what was edited since `remember`, field by field; return how many records were.

    What came from a peer meanwhile has got the stamps of its own edit.
    """
    sqlite = table.dialect == "sqlite"
    of = _SQLITE if sqlite else _POSTGRESQL
    noticed = _run(
        connection,
        of.format(
            rows=_rows(connection, table),
            values=_values(connection, table),
            wall=capture_sqlite.WALL if sqlite else capture_postgresql.WALL,
        ),
    )
    forget(connection, table)
    return noticed


_SQLITE = """
    UPDATE lockstep_records SET newest = found.stamp, place = NULL,
        stamps = json_patch(stamps, (SELECT json_group_object(value, found.stamp) FROM json_each(found.edited))),
        pending = json_patch(COALESCE(pending, '{{}}'),
            (SELECT json_group_object(value, found.stamp) FROM json_each(found.edited)))
    FROM (
        SELECT r.model, r.key, MAX({wall}, r.newest + 1) AS stamp, (
            SELECT json_group_array(now.key) FROM json_each({values}) now
            JOIN json_each(u.fields) before ON before.key = now.key AND before.value IS NOT now.value
            WHERE (SELECT value FROM json_each(r.stamps) WHERE key = now.key)
                IS (SELECT value FROM json_each(u.stamps) WHERE key = now.key)
        ) AS edited
        FROM {rows} JOIN lockstep_unwatched u ON u.model = r.model AND u.key = r.key
    ) found
    WHERE lockstep_records.model = found.model AND lockstep_records.key = found.key AND found.edited <> '[]'
"""

_POSTGRESQL = """
    UPDATE lockstep_records SET newest = found.stamp, place = NULL,
        stamps = stamps || found.edited,
        pending = coalesce(pending, '{{}}'::jsonb) || found.edited
    FROM (
        SELECT r.model, r.key, made.stamp, (
            SELECT jsonb_object_agg(now.key, made.stamp) FROM jsonb_each({values}) now
            JOIN jsonb_each(u.fields) before ON before.key = now.key AND before.value IS DISTINCT FROM now.value
            WHERE r.stamps -> now.key IS NOT DISTINCT FROM u.stamps -> now.key
        ) AS edited
        FROM {rows} JOIN lockstep_unwatched u ON u.model = r.model AND u.key = r.key
        CROSS JOIN LATERAL (SELECT greatest({wall}, r.newest + 1) AS stamp) made
    ) found
    WHERE lockstep_records.model = found.model AND lockstep_records.key = found.key AND found.edited IS NOT NULL
"""


def _rows(connection: sa.Connection, table: SyncedTable) -> str:
    """The table's rows `t` with what is known of them, `r`."""
    key = f"CAST(t.{connection.dialect.identifier_preparer.quote(table.identity)} AS text)"
    return (
        f"{table.quoted(connection)} t JOIN lockstep_records r "
        f"ON r.model = {_literal(table.label)} AND r.key = {key} AND r.deleted IS NULL"
    )


def _values(connection: sa.Connection, table: SyncedTable) -> str:
    """The fields of a row `t` by their names, such that unequal values look unequal."""
    if table.dialect != "sqlite":
        names = ", ".join(map(_literal, table.fields))
        return f"(SELECT jsonb_object_agg(key, value) FROM jsonb_each(to_jsonb(t)) WHERE key IN ({names}))"
    quote = connection.dialect.identifier_preparer.quote
    # It may have changed since it was read: that is what capture is mostly removed for.
    there = {
        each["name"] for each in sa.inspect(connection).get_columns(table.table.name, table.table.schema)
    }
    each = " UNION ALL ".join(
        f"SELECT {_literal(name)} AS name, quote(t.{quote(name)}) AS value"
        for name in table.fields
        if name in there
    )
    return f"(SELECT json_group_object(name, value) FROM ({each}))"


def _run(connection: sa.Connection, statement: str) -> int:
    return connection.exec_driver_sql(statement, execution_options={"no_parameters": True}).rowcount


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
