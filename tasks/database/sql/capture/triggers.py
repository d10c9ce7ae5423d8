"""Triggers that stamp every edit per field, whoever makes it, in the transaction of the edit itself.

An edit gets the wall clock's time, or one more than the record's newest stamp where the clock is behind.
Its place in the node's order of arrival is given later, and only to what is committed.
"""

# ruff: noqa: S608  names and texts are quoted; values never come from a peer

from __future__ import annotations

import hashlib
import json

import sqlalchemy as sa

from tasks.database.records.ties import UNKNOWN_TIME
from tasks.database.sql.capture import postgresql as capture_postgresql
from tasks.database.sql.capture import sqlite as capture_sqlite
from tasks.database.sql.capture import unseen, unwatched
from tasks.database.sql.capture.unseen import literal
from tasks.database.sql.tables import schema
from tasks.database.sql.tables.connection import Database
from tasks.database.sql.tables.synced_table import SyncedTable

#: Grows with the triggers' text: those of another form are made anew.
_FORM = 3


def install(database: Database, table: SyncedTable) -> int:
    """Capture a table's edits from now on; rows that are there already become known. Return how many did.

    It may be done again, for instance after a column was added. Nobody can write to the table meanwhile.
    """
    with database.work() as work:
        schema.create(work.connection)
        _stop(work.connection, table)
        made = capture_sqlite if database.dialect == "sqlite" else capture_postgresql
        for statement in made.statements(work.connection, table, _mark(table)):
            _run(work.connection, statement)
        unwatched.notice(work.connection, table)
        return _adopt(work.connection, table)


def adopt(database: Database, table: SyncedTable) -> int:
    """Make rows known that nothing is known of, without triggers; return how many did."""
    with database.work() as work:
        return _adopt(work.connection, table)


def remove(database: Database, table: SyncedTable) -> None:
    """Capture a table's edits no more. What is known of its records stays.

    What its rows are now is kept as well: what is edited until they are captured again is noticed then.
    """
    with database.work() as work:
        schema.create(work.connection)
        captured = _triggers(work.connection, table)
        _stop(work.connection, table)
        if captured:
            unwatched.remember(work.connection, table)


def installed(database: Database, table: SyncedTable) -> bool:
    """Whether the table's edits are captured, with the columns that are synced now."""
    with database.work() as work:
        return any(name.endswith(_mark(table)) for name in _triggers(work.connection, table))


def outdated(database: Database, table: SyncedTable) -> bool:
    """Whether the table's edits are captured, but not with the columns that are synced now."""
    with database.work() as work:
        found = _triggers(work.connection, table)
        return bool(found) and not any(name.endswith(_mark(table)) for name in found)


def _mark(table: SyncedTable) -> str:
    shape = (_FORM, table.table.fullname, table.label, table.identity, table.fields)
    return hashlib.sha256(repr(shape).encode()).hexdigest()[:12]


def _run(connection: sa.Connection, statement: str) -> int:
    return connection.exec_driver_sql(statement, execution_options={"no_parameters": True}).rowcount


def _triggers(connection: sa.Connection, table: SyncedTable) -> list[str]:
    if connection.dialect.name == "sqlite":
        query = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table"
        name = table.table.name
    else:
        query = "SELECT tgname FROM pg_trigger WHERE tgrelid = CAST(:table AS regclass) AND NOT tgisinternal"
        name = table.quoted(connection)
    found = connection.scalars(sa.text(query), {"table": name})
    return [trigger for trigger in found if trigger.startswith("lockstep_")]


def _stop(connection: sa.Connection, table: SyncedTable) -> None:
    on = ""
    if connection.dialect.name == "postgresql":
        on = f" ON {table.quoted(connection)}"
        _run(connection, f"LOCK TABLE {table.quoted(connection)} IN SHARE ROW EXCLUSIVE MODE")
    for name in _triggers(connection, table):
        _run(connection, f"DROP TRIGGER {name}{on}")


def _adopt(connection: sa.Connection, table: SyncedTable) -> int:
    """Rows that nothing is known of get the oldest stamp; records whose rows went unseen get tombstones."""
    label = literal(table.label)
    identity = f"t.{connection.dialect.identifier_preparer.quote(table.identity)}"
    key = capture_sqlite.key_text(identity) if table.dialect == "sqlite" else f"CAST({identity} AS text)"
    if table.loose_keys and table.dialect == "sqlite":
        key += " COLLATE BINARY"
    cast = "" if table.dialect == "sqlite" else "::jsonb"
    stamps = literal(json.dumps(dict.fromkeys(table.fields, UNKNOWN_TIME))) + cast
    rows = f"{table.quoted(connection)} t"
    _run(
        connection,
        f"UPDATE lockstep_records SET deleted = newest + 1, newest = newest + 1, stamps = '{{}}'{cast}, "
        f"arrivals = '{{}}'{cast}, pending = {_pending(table, 'newest + 1')}, place = NULL "
        f"WHERE model = {label} AND deleted IS NULL "
        f"AND key NOT IN (SELECT {key} FROM {rows} WHERE {key} IS NOT NULL)",
    )
    for statement in unseen.fills(connection, table):
        _run(connection, statement)
    stamps = unseen.stamps_of_rows(connection, table, stamps)
    added = _run(
        connection,
        "INSERT INTO lockstep_records (model, key, stamps, newest, pending) "
        f"SELECT {label}, {key}, {stamps}, {UNKNOWN_TIME}, {_pending(table, str(UNKNOWN_TIME))} FROM {rows} "
        f"WHERE {key} IS NOT NULL "
        f"AND {key} NOT IN (SELECT key FROM lockstep_records WHERE model = {label} AND deleted IS NULL) "
        "ON CONFLICT (model, key) DO UPDATE SET deleted = NULL, newest = lockstep_records.newest + 1, "
        f"arrivals = '{{}}'{cast}, pending = {_pending(table, 'lockstep_records.newest + 1')}, place = NULL, "
        f"stamps = {_restamped(table)}",
    )
    if added:
        # Without figures of its size the planner reads whole tables for a page.
        _run(connection, "ANALYZE lockstep_records")
    return added


def _pending(table: SyncedTable, stamp: str) -> str:
    return f"{'json_object' if table.dialect == 'sqlite' else 'jsonb_build_object'}('', {stamp})"


def _restamped(table: SyncedTable) -> str:
    """All fields of a record that lives again, stamped newer than its tombstone."""
    fields = literal(json.dumps(list(table.fields)))
    if table.dialect == "sqlite":
        return f"(SELECT json_group_object(f.value, lockstep_records.newest + 1) FROM json_each({fields}) f)"
    return (
        "(SELECT jsonb_object_agg(f.value, lockstep_records.newest + 1) "
        f"FROM jsonb_array_elements_text({fields}::jsonb) f(value))"
    )
