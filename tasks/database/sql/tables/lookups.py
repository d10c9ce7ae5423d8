"""Queries for records by their keys, made so that no figures of a table's size lead the planner astray."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from tasks.database.sql.tables import schema
from tasks.database.sql.tables.bulk import array
from tasks.database.sql.tables.once import once_for_table
from tasks.database.sql.tables.synced_table import SyncedTable
from tasks.database.sql.values.postgresql import Unpadded, selected

_records = schema.records


_SQLITE = sqlite.dialect().identifier_preparer

#: The name of the keys among the values of a query that is made once.
_KEYS = "lockstep_keys"


def records(table: SyncedTable, keys: Sequence[Any], *, lock: bool) -> tuple[sa.Select[Any], dict[str, str]]:
    """The rows of these identities with what is known of them, as `columns` gives them: a query and its values.

    With `lock` nobody else can change them before the transaction ends.
    """
    values = json.dumps(list(keys)) if table.dialect == "sqlite" else _as_array(keys)
    return _made(table, lock), {_KEYS: values}


@once_for_table
def _made(table: SyncedTable, lock: bool) -> sa.Select[Any]:
    if table.dialect == "sqlite":
        known = sa.and_(_records.c.model == table.label, _records.c.key == sa.cast(table.key_column, sa.Text))
        rows = columns(table).select_from(table.table.outerjoin(_records, known))
        return rows.where(_among(table, _values(sa.bindparam(_KEYS, type_=sa.Text))))
    # Each key by itself, by the index: PostgreSQL would rather read a whole table that has grown since it was
    # last analysed.
    key = _unnested(sa.bindparam(_KEYS, type_=sa.types.NullType()), _kind(table))
    row = sa.select(*(plain(table, name) for name in table.fields)).where(table.key_column == key.c.key)
    if table.loose_keys:
        row = row.where(_as_written(table.key_column) == _as_written(key.c.key))
    own = (row.with_for_update() if lock else row.offset(0)).lateral("row")
    note = (
        sa.select(_records.c.stamps, _records.c.received_at, _records.c.arrivals)
        .where(_records.c.model == table.label, _records.c.key == sa.cast(own.c[table.identity], sa.Text))
        .offset(0)
        .lateral("note")
    )
    return sa.select(
        own.c[table.identity].label("lockstep_key"),
        _text(table.dialect, note.c.stamps),
        note.c.received_at,
        _text(table.dialect, note.c.arrivals),
        *(own.c[name] for name in table.fields),
    ).select_from(key.join(own, sa.true()).outerjoin(note, sa.true()))


def tombstones(dialect: str, label: str, keys: Sequence[str]) -> sa.Select[Any]:
    """Key, stamp and arrival of the tombstones of these keys."""
    buried = (_records.c.model == label, _records.c.deleted.is_not(None))
    found = sa.select(_records.c.key, _records.c.deleted, _records.c.received_at).where(*buried)
    if dialect == "sqlite":
        return found.where(_records.c.key.in_(_listed(keys)))
    key = _keys(keys, sa.Text())
    note = found.where(_records.c.key == key.c.key).offset(0).lateral("note")
    return sa.select(note).select_from(key.join(note, sa.true()))


def columns(table: SyncedTable) -> sa.Select[Any]:
    """Identity, stamps, place, arrivals and fields of records."""
    if table.dialect == "sqlite":
        return sa.select(sa.literal_column(_sqlite_columns(table)))
    return sa.select(
        plain(table, table.identity).label("lockstep_key"),
        _text(table.dialect, _records.c.stamps),
        _records.c.received_at,
        _text(table.dialect, _records.c.arrivals),
        *(plain(table, name) for name in table.fields),
    )


def _sqlite_columns(table: SyncedTable) -> str:
    """The same as one text: as columns of their own they take most of the time that the whole query takes."""
    quoted = _SQLITE.format_table(table.table)
    identity, *fields = (
        f"{quoted}.{_SQLITE.quote(table.table.c[name].name)}" for name in (table.identity, *table.fields)
    )
    known = (f"{_records.name}.{name}" for name in ("stamps", "received_at", "arrivals"))
    return ", ".join((identity, *known, *fields))


def among(table: SyncedTable, keys: Sequence[Any]) -> sa.ColumnElement[bool]:
    """Whether a row's identity is one of these."""
    if table.dialect == "sqlite":
        return _among(table, _listed(keys))
    found: sa.ColumnElement[bool] = table.key_column == sa.func.any(_array(keys, _kind(table)))
    if not table.loose_keys:
        return found
    return sa.and_(found, _as_written(table.key_column) == sa.func.any(_array(keys, sa.Text())))


def _among(table: SyncedTable, listed: sa.Select[Any]) -> sa.ColumnElement[bool]:
    key = sa.type_coerce(table.key_column, sa.types.NullType())
    among = key.in_(listed)
    return sa.and_(among, sa.collate(key, "BINARY").in_(listed)) if table.loose_keys else among


def is_key_of(table: SyncedTable) -> sa.ColumnElement[bool]:
    """Whether a row is the one of a known record's key."""
    found: sa.ColumnElement[bool] = table.key_column == identity_of_key(table)
    if table.dialect == "sqlite" and isinstance(table.key_column.type, sa.Integer):
        # SQLite makes a number of every text: what is kept in such a column need not be one.
        return sa.and_(found, sa.cast(table.key_column, sa.Text) == _records.c.key)
    if not table.loose_keys:
        return found
    if table.dialect == "sqlite":
        key = sa.type_coerce(table.key_column, sa.types.NullType())
        return sa.and_(found, sa.collate(key, "BINARY") == _records.c.key)
    return sa.and_(found, _as_written(table.key_column) == _records.c.key)


def _as_written(key: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    """A key that is compared letter by letter."""
    return sa.collate(sa.cast(key, sa.Text), "C")


def referred(connection: sa.Connection, table: SyncedTable) -> set[str]:
    """The columns of a table that foreign keys of any table in its schema lead to."""
    schema, name = table.table.schema, table.table.name
    keys = sa.inspect(connection).get_multi_foreign_keys(schema=schema).values()
    found = (
        key
        for some in keys
        for key in some
        if (key["referred_schema"], key["referred_table"]) == (schema, name)
    )
    return {column for key in found for column in key["referred_columns"]}


def identity_of_key(table: SyncedTable) -> sa.ColumnElement[Any]:
    """A known record's key as the identity has it, so that the identity's own index is of use."""
    kind = table.key_column.type
    if isinstance(kind, sa.Integer) or (table.dialect == "postgresql" and isinstance(kind, sa.Uuid)):
        return sa.cast(_records.c.key, kind)
    if table.padded_keys:
        return sa.cast(_records.c.key, Unpadded())
    key = sa.type_coerce(_records.c.key, sa.types.NullType())
    return key if table.dialect == "sqlite" else sa.collate(_records.c.key, "default")


def plain(table: SyncedTable, name: str) -> sa.ColumnElement[Any]:
    """A field as `SyncedTable.data_of` reads it."""
    column = table.table.c[name]
    # SQLite keeps what it is given: what is read may not be of the column's type.
    read = sa.type_coerce(column, sa.types.NullType()) if table.dialect == "sqlite" else selected(column)
    return read.label(name)


def _text(dialect: str, column: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    """A column's JSON as it is kept."""
    return sa.type_coerce(column, sa.Text) if dialect == "sqlite" else sa.cast(column, sa.Text)


def _listed(keys: Sequence[Any]) -> sa.Select[Any]:
    return _values(sa.literal(json.dumps(list(keys))))


def _values(text: sa.ColumnElement[Any]) -> sa.Select[Any]:
    listed = sa.func.json_each(text).table_valued("value")
    return sa.select(listed.c.value)


def _kind(table: SyncedTable) -> sa.types.TypeEngine[Any]:
    """A type that holds every key a peer may name, also what the column itself cannot."""
    kind = table.key_column.type
    if isinstance(kind, sa.Integer):
        return sa.BigInteger()
    if table.padded_keys:
        return Unpadded()
    return sa.Text() if isinstance(kind, sa.String) and not isinstance(kind, sa.Enum) else kind


def _as_array(keys: Sequence[Any]) -> str:
    return array(key if isinstance(key, int) else str(key) for key in keys)


def _array(keys: Sequence[Any], kind: sa.types.TypeEngine[Any]) -> sa.ColumnElement[Any]:
    return _of_kind(sa.bindparam(None, _as_array(keys), sa.types.NullType()), kind)


def _of_kind(text: sa.ColumnElement[Any], kind: sa.types.TypeEngine[Any]) -> sa.ColumnElement[Any]:
    # Without a type of its own the text is an array from the start, which the planner can look into.
    return sa.cast(text, postgresql.ARRAY(kind))


def _keys(keys: Sequence[Any], kind: sa.types.TypeEngine[Any]) -> sa.TableValuedAlias:
    return _unnested(sa.bindparam(None, _as_array(keys), sa.types.NullType()), kind)


def _unnested(text: sa.ColumnElement[Any], kind: sa.types.TypeEngine[Any]) -> sa.TableValuedAlias:
    listed = sa.func.unnest(_of_kind(text, kind)).table_valued(sa.column("key", kind), name="wanted")
    return listed.render_derived()
