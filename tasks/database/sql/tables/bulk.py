"""Many rows written at once, by what each database and driver is quickest with."""

# ruff: noqa: S608  names are quoted; values never become part of a statement

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, NotSupportedError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from tasks.database.records.record import WHOLE, SyncRecord
from tasks.database.sql.tables import schema
from tasks.database.sql.tables.once import once_for_table
from tasks.database.sql.tables.synced_table import SyncedTable

_SQLITE = sqlite.dialect().identifier_preparer
_encode = json.JSONEncoder(separators=(",", ":")).encode


class Note(NamedTuple):
    """What is known of one record, as a row of `lockstep_records`; `stamps` and `arrivals` are JSON texts."""

    model: str
    key: str
    stamps: str
    newest: int
    received_at: int
    arrivals: str
    place: int
    deleted: int | None


class JsonTexts:
    """Texts of many objects, of which each is often what the last one was."""

    def __init__(self) -> None:
        self._value: dict[str, int] = {}
        self._text = "{}"

    def dump(self, value: dict[str, int]) -> str:
        """The object's text."""
        if value != self._value:
            self._value, self._text = value, _encode(value)
        return self._text


def objects_of(texts: Sequence[str | None]) -> list[dict[str, int]]:
    """The objects of JSON texts, an empty one for no text. All are read at once, and none is shared."""
    each = dict.fromkeys(text for text in texts if text is not None)
    found = dict(zip(each, json.loads(f"[{','.join(each)}]"), strict=True))
    return [{} if text is None else found[text].copy() for text in texts]


def notes_of(
    table: SyncedTable, records: Mapping[str, SyncRecord], emptied: Mapping[str, Collection[str]]
) -> list[Note]:
    """What is known of records that were written; what was left empty is older than anything."""
    known = set(table.fields)
    here = known | {WHOLE}
    stamp_texts, arrival_texts = JsonTexts(), JsonTexts()
    notes: list[Note] = []
    #: What was known of the last record, and its note: of most records of a page all of it is the same.
    before: tuple[dict[str, int], dict[str, int], int] | None = None
    for key, record in records.items():
        stamps, arrivals, received_at = record.timestamps, record.arrivals, record.received_at
        left_out = emptied.get(key, ())
        times = stamps, arrivals, received_at
        if times == before and not left_out:
            notes.append(Note(table.label, table.stored_key(key), *notes[-1][2:]))
            continue
        before = None if left_out else times
        if left_out or not stamps.keys() <= known:
            stamps = {name: at for name, at in stamps.items() if name in known and name not in left_out}
        if WHOLE not in arrivals:
            arrivals = {WHOLE: received_at, **arrivals}
        if not arrivals.keys() <= here:
            arrivals = {name: at for name, at in arrivals.items() if name in here}
        newest = max(stamps.values(), default=0)
        notes.append(
            Note(
                model=table.label,
                key=table.stored_key(key),
                stamps=stamp_texts.dump(stamps),
                newest=newest,
                received_at=received_at,
                arrivals=arrival_texts.dump(arrivals),
                place=max(newest, received_at),
                deleted=None,
            )
        )
    return notes


_UPDATED = ", ".join(f"{name} = excluded.{name}" for name in Note._fields if name not in {"model", "key"})
_ON_CONFLICT = f"ON CONFLICT (model, key) DO UPDATE SET {_UPDATED}, pending = NULL"
_INTO = f"INSERT INTO {schema.records.name} ({', '.join(Note._fields)})"
SQLITE_NOTES = f"{_INTO} VALUES ({', '.join('?' * len(Note._fields))}) {_ON_CONFLICT}"
_TEXTS, _JSON = {"model", "key", "stamps", "arrivals"}, {"stamps", "arrivals"}
_ARRAYS = ", ".join(f"CAST(:{name} AS {'text' if name in _TEXTS else 'bigint'}[])" for name in Note._fields)
_SELECTED = ", ".join(f"CAST({name} AS jsonb)" if name in _JSON else name for name in Note._fields)
_POSTGRESQL = sa.text(
    f"{_INTO} SELECT {_SELECTED} FROM unnest({_ARRAYS}) AS n({', '.join(Note._fields)}) {_ON_CONFLICT}"
)


def write_notes(connection: sa.Connection, notes: Sequence[Note]) -> None:
    """Keep what is known of records, in place of what was known before."""
    if not notes:
        return
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(SQLITE_NOTES, list(notes))
    else:
        columns = zip(*notes, strict=True)
        connection.execute(_POSTGRESQL, dict(zip(Note._fields, map(array, columns), strict=True)))


def array(values: Iterable[str | int | None]) -> str:
    """An array of PostgreSQL's as text: drivers take their time for each element of a list."""
    listed = [*values]
    each = {*listed}
    if 2 * len(each) > len(listed):
        return "{" + ",".join(map(_element, listed)) + "}"
    texts = {value: _element(value) for value in each}  # such as the stamps of records that came together
    return "{" + ",".join(map(texts.__getitem__, listed)) + "}"


def _element(value: str | int | None) -> str:
    if value.__class__ is str:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return "NULL" if value is None else str(value)


class _Overriding(postgresql.Insert):
    """An `INSERT` whose numbers stand in place of those that the database would give."""

    inherit_cache = True


@compiles(_Overriding)
def _compile_overriding(insert: _Overriding, compiler: SQLCompiler, **options: Any) -> str:
    made: str = compiler.visit_insert(insert, **options)  # type: ignore[no-untyped-call]
    return made.replace(") VALUES (", ") OVERRIDING SYSTEM VALUE VALUES (", 1)


class How(Enum):
    """What is known of rows that are to be written."""

    #: They are not there yet.
    NEW = "new"
    #: They are there.
    UPDATED = "updated"
    #: They may be there, and are then replaced.
    EITHER = "either"


def write_rows(
    connection: sa.Connection,
    table: SyncedTable,
    names: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    how: How,
) -> None:
    """Write rows of these columns, of which the first one is the identity."""
    if how is How.UPDATED:
        _update(connection, table, names, rows)
        return
    if how is How.NEW and _copies(connection):
        try:
            with connection.begin_nested():
                _copy(connection, table, names, rows)
        except NotSupportedError:  # a table with row security takes rows by INSERT only
            pass
        else:
            return
    if connection.dialect.name == "sqlite":
        # The values are in SQLite's own form: nothing is left to do for each row.
        statement = _sqlite_insert(table, tuple(names), how, _resolves_conflicts(connection, table))
        connection.exec_driver_sql(statement, [tuple(row) for row in rows])
        return
    make = _Overriding if table.gives_numbers else postgresql.Insert
    insert = _or_else(make(table.target(names)), table, names, how)
    connection.execute(insert, [dict(zip(names, row, strict=True)) for row in rows])


@once_for_table
def _sqlite_insert(table: SyncedTable, names: tuple[str, ...], how: How, aborts: bool) -> str:
    """The statement, as text: to have it compiled takes as long as many rows do."""
    quote = _SQLITE.quote
    or_abort = "OR ABORT " if aborts else ""
    into = f"INSERT {or_abort}INTO {_SQLITE.format_table(table.table)} ({', '.join(map(quote, names))})"
    insert = f"{into} VALUES ({', '.join('?' * len(names))})"
    if how is not How.EITHER:
        return insert
    others = ", ".join(f"{quote(name)} = excluded.{quote(name)}" for name in names if name != table.identity)
    replaced = f"UPDATE SET {others}" if others else "NOTHING"
    return f"{insert} ON CONFLICT ({quote(table.identity)}) DO {replaced}"


def _or_else(
    insert: postgresql.Insert, table: SyncedTable, names: Sequence[str], how: How
) -> postgresql.Insert:
    """What becomes of a row that is there already."""
    others = {name: insert.excluded[name] for name in names if name != table.identity}
    if how is How.EITHER and others:
        return insert.on_conflict_do_update(index_elements=[table.identity], set_=others)
    if how is How.EITHER:
        return insert.on_conflict_do_nothing(index_elements=[table.identity])
    return insert


def _update(
    connection: sa.Connection, table: SyncedTable, names: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    if len(names) == 1:
        return  # there is nothing but the identity
    quote = connection.dialect.identifier_preparer.quote
    if connection.dialect.name == "sqlite":
        values, key = ", ".join(f"{quote(name)} = ?" for name in names[1:]), quote(table.identity)
        abort = "OR ABORT " if _resolves_conflicts(connection, table) else ""
        name = table.quoted(connection)
        statement = f"UPDATE {abort}{name} SET {values} WHERE {key} = ? AND {key} COLLATE BINARY = ?"
        connection.exec_driver_sql(statement, [(*row[1:], row[0], row[0]) for row in rows])
        return
    target = table.target(names)
    binds = {name: sa.bindparam(f"lockstep_{at}", type_=target.c[name].type) for at, name in enumerate(names)}
    named = binds.pop(table.identity)
    update = sa.update(target).where(target.c[table.identity] == named).values(binds)
    # Each by the index, whatever the database believes of the table's size.
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    connection.execute(update, [{f"lockstep_{at}": value for at, value in enumerate(row)} for row in rows])
    connection.exec_driver_sql("SET LOCAL enable_seqscan TO DEFAULT")


def _resolves_conflicts(connection: sa.Connection, table: SyncedTable) -> bool:
    """Whether the table itself says `ON CONFLICT REPLACE` or the like: nothing is to go for a peer's row."""
    query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ? AND sql LIKE '%ON%CONFLICT%'"
    return connection.exec_driver_sql(query, (table.table.name,)).first() is not None


def _copies(connection: sa.Connection) -> bool:
    return connection.dialect.name == "postgresql" and connection.dialect.driver == "psycopg"


def _copy(
    connection: sa.Connection, table: SyncedTable, names: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    dialect = connection.dialect
    quote = dialect.identifier_preparer.quote
    columns = ", ".join(map(quote, names)).replace("%%", "%")
    statement = f"COPY {table.quoted(connection)} ({columns}) FROM STDIN"
    binders = [column.type.dialect_impl(dialect).bind_processor(dialect) for column in table.target(names).c]
    some = [(at, bind) for at, bind in enumerate(binders) if bind is not None]
    driver: Any = connection.connection.driver_connection
    dbapi: Any = dialect.loaded_dbapi
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                if some:
                    row = list(row)  # noqa: PLW2901  the same row, as the driver takes it
                    for at, bind in some:
                        row[at] = bind(row[at])
                copy.write_row(row)
    except dbapi.Error as error:
        raise DBAPIError.instance(statement, None, error, dbapi.Error, dialect=dialect) from error
