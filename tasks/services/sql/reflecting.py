"""What a database says of a table: its columns with their types, its key, and what this login may do."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import NoSuchTableError, SAWarning

from tasks.errors import SideError
from tasks.nearest import nearest
from tasks.services.sql.column import Column, Place, codec_of
from tasks.services.sql.connection import Database
from tasks.services.sql.file_column import Files
from tasks.services.sql.options import Options
from tasks.services.sql.values import Unread
from tasks.sides import Kind


@dataclass(frozen=True, slots=True)
class Reflected:
    """A table as the database describes it."""

    columns: Mapping[str, Column]
    #: Groups of columns of which no two rows have the same, the primary key first.
    unique: Sequence[tuple[str, ...]]
    primary: tuple[str, ...]
    #: By name of a constraint, the columns that it is about.
    constraints: Mapping[str, Sequence[str]]
    is_view: bool
    #: Whether this login is shown all rows, so that one that is missing was deleted.
    shows_all: bool
    #: A word for the table itself, where the database tells which rows changed since a transaction.
    identity: str
    #: Whether all its rows are in one place that lasts, so that nothing changes them but transactions of this server.
    is_plain: bool


@dataclass(frozen=True, slots=True)
class _Rights:
    """What a database says of a table beyond its columns."""

    is_view: bool = False
    shows_all: bool = True
    identity: str = ""
    is_plain: bool = False
    #: Whether the number of a row that was deleted may be that of the next one.
    reuses: bool = False
    #: Columns that this login may not write, or that cannot be written.
    read_only: frozenset[str] = field(default_factory=frozenset)


def reflect(database: Database, connection: sa.Connection, options: Options) -> Reflected:
    """What the database says of a table.

    Raises:
        SideError: it is not there.
    """
    inspector = sa.inspect(connection)
    name, schema = options.table, options.schema
    try:
        with warnings.catch_warnings():  # a type that SQLAlchemy does not know is read as text
            warnings.simplefilter("ignore", SAWarning)
            described = inspector.get_columns(name, schema=schema)
            primary = tuple(inspector.get_pk_constraint(name, schema=schema)["constrained_columns"])
            constraints = dict(_constraints(inspector, name, schema))
            unique = [tuple(columns) for kind, columns in _unique(inspector, name, schema) if kind]
            places = dict(_places(inspector, name, schema))
    except NoSuchTableError:
        known = [*inspector.get_table_names(schema=schema), *inspector.get_view_names(schema=schema)]
        where = f"schema {schema} of {database.place}" if schema else database.place
        mend = nearest(name, known) or "or this user may not see it"
        raise SideError(f"there is no table {name!r} in {where}; {mend}") from None
    rights = (
        _rights_sqlite(connection, name, schema, described)
        if database.dialect.name == "sqlite"
        else _rights_postgresql(connection, name, schema)
    )
    columns = {
        one["name"]: replace(
            _column(one, database, options, primary, rights), leads_to=places.get(one["name"]), table=name
        )
        for one in described
    }
    return Reflected(
        columns,
        [primary, *unique] if primary else unique,
        primary,
        constraints,
        rights.is_view,
        rights.shows_all,
        rights.identity,
        rights.is_plain,
    )


def _column(
    one: Mapping[str, Any], database: Database, options: Options, primary: tuple[str, ...], rights: _Rights
) -> Column:
    kind = one["type"]
    by_rowid = (
        database.dialect.name == "sqlite" and primary == (one["name"],) and isinstance(kind, sa.INTEGER)
    )
    identity = one.get("identity")
    made = bool(one.get("computed")) or bool(identity and identity.get("always")) or by_rowid
    has_default = made or identity is not None or one.get("default") is not None
    codec = codec_of(kind, bool(one["nullable"]), options.zone, database.dialect)
    named = options.files.get(one["name"])
    if named is not None and isinstance(codec, Unread):
        codec = Files(codec.nullable, named.name or one["name"], named.column, options.most_bytes)
    return Column(
        one["name"],
        codec,
        database.dialect,
        writable=one["name"] not in rights.read_only and not made and codec.kind is not Kind.OPAQUE,
        has_default=has_default,
        is_reused=by_rowid and rights.reuses,
        is_uuid=isinstance(kind, sa.UUID),
    )


def _constraints(inspector: Any, name: str, schema: str | None) -> Iterable[tuple[str, Sequence[str]]]:
    primary = inspector.get_pk_constraint(name, schema=schema)
    yield primary.get("name") or "", primary["constrained_columns"]
    for one in inspector.get_foreign_keys(name, schema=schema):
        yield one.get("name") or "", one["constrained_columns"]
    yield from _unique(inspector, name, schema)


def _places(inspector: Any, name: str, schema: str | None) -> Iterable[tuple[str, Place]]:
    """Where the foreign keys of one column lead."""
    for one in inspector.get_foreign_keys(name, schema=schema):
        if len(one["constrained_columns"]) == 1 == len(one["referred_columns"]):
            place = Place(one["referred_table"], one["referred_schema"], one["referred_columns"][0])
            yield one["constrained_columns"][0], place


def _unique(inspector: Any, name: str, schema: str | None) -> Iterable[tuple[str, Sequence[str]]]:
    for one in inspector.get_unique_constraints(name, schema=schema):
        yield one.get("name") or "unnamed", one["column_names"]
    for one in inspector.get_indexes(name, schema=schema):
        whole = None not in one["column_names"] and not one.get("dialect_options", {}).get("postgresql_where")
        if one["unique"] and whole:
            yield one.get("name") or "unnamed", one["column_names"]


def _rights_sqlite(
    connection: sa.Connection, name: str, schema: str | None, described: Sequence[Mapping[str, Any]]
) -> _Rights:
    made = sa.table("sqlite_master", *map(sa.column, ("type", "name", "sql")), schema=schema)
    asked = sa.select(made.c.type, made.c.sql).where(sa.func.lower(made.c.name) == name.lower())
    kind, text = connection.execute(asked.where(made.c.type.in_(["table", "view"]))).one()
    if kind == "table":
        return _Rights(reuses="AUTOINCREMENT" not in (text or "").upper())
    # What a trigger makes of a write to a view is not counted, so nobody could tell whether it was made.
    return _Rights(True, False, read_only=frozenset(str(one["name"]) for one in described))


_TABLE = sa.text(
    "SELECT c.oid, c.relkind, row_security_active(c.oid) AS hides, "
    "has_table_privilege(c.oid, 'SELECT') AS is_readable, "
    "concat_ws('/', pg_postmaster_start_time(), c.oid, pg_relation_filenode(c.oid)) AS identity, "
    # A partition or child may be a table of another server.
    "c.relpersistence = 'p' AND NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = c.oid) AS is_plain "
    "FROM pg_class c WHERE c.oid = to_regclass(:name)"
)
_READ_ONLY = sa.text(
    "SELECT attname FROM pg_attribute WHERE attrelid = :oid AND attnum > 0 AND NOT attisdropped AND NOT "
    "(has_column_privilege(attrelid, attnum, 'UPDATE') AND pg_column_is_updatable(attrelid, attnum, true))"
)


def _rights_postgresql(connection: sa.Connection, name: str, schema: str | None) -> _Rights:
    quoted = connection.dialect.identifier_preparer.format_table(sa.Table(name, sa.MetaData(), schema=schema))
    found = connection.execute(_TABLE, {"name": quoted}).mappings().one()
    kind = found["relkind"] if isinstance(found["relkind"], str) else found["relkind"].decode()
    return _Rights(
        is_view=kind in "vm",
        shows_all=kind in "rp" and not found["hides"],
        identity=found["identity"] if kind in "rp" and found["is_readable"] else "",
        is_plain=kind == "r" and found["is_plain"],
        read_only=frozenset(connection.execute(_READ_ONLY, {"oid": found["oid"]}).scalars()),
    )
