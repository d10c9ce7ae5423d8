"""The triggers of SQLite."""

# ruff: noqa: S608  names and texts are quoted; values never come from a peer

from __future__ import annotations

import json
from collections.abc import Iterator

import sqlalchemy as sa

from tasks.database.sql.capture import replacing_sqlite
from tasks.database.sql.tables.synced_table import SyncedTable

#: Milliseconds since 1970, with 16 bits for a counter.
WALL = "(CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) << 16)"

_QUIET = "(SELECT applying FROM lockstep_node) <> 1"


def statements(connection: sa.Connection, table: SyncedTable, mark: str) -> Iterator[str]:
    """What makes the triggers; `mark` ends their names."""
    quote = connection.dialect.identifier_preparer.quote
    target, identity = table.quoted(connection), quote(table.identity)
    new, old = key_text(f"NEW.{identity}"), key_text(f"OLD.{identity}")
    label = _literal(table.label)
    # Without BINARY a column that ignores case would hide an edit of the case alone.
    moved = f"OLD.{identity} COLLATE BINARY IS NOT NEW.{identity}"
    differs = {name: f"OLD.{quote(name)} COLLATE BINARY IS NOT NEW.{quote(name)}" for name in table.fields}
    changed = " UNION ALL ".join(
        f"SELECT {_literal(name)} AS value WHERE {differ} OR {moved}" for name, differ in differs.items()
    )
    yield (
        f"CREATE TRIGGER lockstep_insert_{mark} AFTER INSERT ON {target} "
        f"WHEN {_QUIET} AND NEW.{identity} IS NOT NULL BEGIN "
        + _stamp(label, new, f"json_each({_literal(json.dumps(list(table.fields)))})", whole=True)
        + " END"
    )
    yield (
        f"CREATE TRIGGER lockstep_update_{mark} AFTER UPDATE ON {target} "
        f"WHEN {_QUIET} AND ({' OR '.join(differs.values())}) BEGIN "
        + _bury(label, old, moved)
        + _stamp(label, new, f"({changed})", whole=False)
        + " END"
    )
    # What a remote deletion takes with it is captured; what it names has its tombstone already.
    yield (
        f"CREATE TRIGGER lockstep_delete_{mark} AFTER DELETE ON {target} "
        f"WHEN OLD.{identity} IS NOT NULL BEGIN " + _bury(label, old, "true") + " END"
    )
    yield from replacing_sqlite.statements(connection, table, mark, quiet=_QUIET, wall=WALL)


def key_text(identity: str) -> str:
    """A record's key. One of bytes is written out, as it would else be that of the row with the same text."""
    return f"CASE typeof({identity}) WHEN 'blob' THEN quote({identity}) ELSE CAST({identity} AS TEXT) END"


def _time(label: str, key: str) -> str:
    newest = f"SELECT newest + 1 FROM lockstep_records WHERE model = {label} AND key = {key}"
    return f"MAX({WALL}, COALESCE(({newest}), 0))"


def _stamp(label: str, key: str, fields: str, *, whole: bool) -> str:
    stamps = f"(SELECT json_group_object(f.value, k.stamp) FROM {fields} f)"
    if whole:
        kept = "stamps = excluded.stamps, arrivals = '{}', pending = excluded.pending"
    else:
        kept = (
            "stamps = json_patch(stamps, excluded.stamps), "
            "pending = json_patch(COALESCE(pending, '{}'), excluded.stamps)"
        )
    pending = "json_object('', k.stamp)" if whole else stamps
    return (
        "INSERT INTO lockstep_records (model, key, stamps, newest, pending) "
        f"SELECT {label}, k.key, {stamps}, k.stamp, {pending} FROM "
        f"(SELECT {key} AS key, {_time(label, key)} AS stamp) k WHERE true "
        f"ON CONFLICT (model, key) DO UPDATE SET {kept}, newest = excluded.newest, "
        "place = NULL, deleted = NULL;"
    )


def _bury(label: str, key: str, when: str) -> str:
    return (
        "INSERT INTO lockstep_records (model, key, stamps, newest, pending, deleted) "
        f"SELECT {label}, k.key, '{{}}', k.stamp, json_object('', k.stamp), k.stamp FROM "
        f"(SELECT {key} AS key, {_time(label, key)} AS stamp) k WHERE {when} "
        "ON CONFLICT (model, key) DO UPDATE SET stamps = excluded.stamps, newest = excluded.newest, "
        "arrivals = '{}', pending = excluded.pending, place = NULL, deleted = excluded.deleted "
        "WHERE deleted IS NULL;"
    )


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
