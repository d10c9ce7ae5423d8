"""A user's table from its first row to its last, a page at a time, as it really is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from tasks.database.sql.rows.reading import comparable, fetched
from tasks.database.sql.storage import SQLAlchemyStorage
from tasks.database.sql.tables import lookups, schema
from tasks.database.sql.tables.connection import Work
from tasks.database.sql.tables.synced_table import SyncedTable
from tasks.database.sql.values.codec import ValueRefusedError
from tasks.database.storages.unsent import is_plain_key

#: Rows of a page at most, and about how many bytes of them.
ROWS, BYTES = 500, 8_000_000
#: Rows of the first page, of whose size nothing is known yet.
FIRST_ROWS = 8

_records = schema.records


@dataclass(frozen=True)
class Row:
    """A row, and what is known of it."""

    key: str
    data: dict[str, Any]
    #: Whether there is a record of it, with stamps.
    known: bool
    #: Whether its key is one that a record can have.
    named: bool


def pages(storage: SQLAlchemyStorage, label: str) -> Iterator[list[Row]]:
    """All rows of a table that have a key, in the order of the table's own index. Each page is a short transaction."""
    table = storage.tables[label]
    last: Any = None
    rows = FIRST_ROWS
    while True:
        with storage.database.work() as work:
            found = fetched(work.connection, _page(table, last, rows))
            known = _known(work, table, [table.key_out(row[0]) for row in found])
        if not found:
            return
        yield [_row(table, row, known) for row in found]
        last = found[-1][0]
        size = sum(len(value) for row in found for value in row if isinstance(value, str | bytes))
        rows = max(1, min(ROWS, BYTES // (size // len(found) + 1)))


def present(storage: SQLAlchemyStorage, label: str, keys: Sequence[str]) -> set[str]:
    """Which of these keys have a row."""
    table = storage.tables[label]
    among = lookups.among(table, [table.key_in(key) for key in keys])
    column = (
        sa.type_coerce(table.key_column, sa.types.NullType())
        if table.dialect == "sqlite"
        else table.key_column
    )
    with storage.database.work() as work:
        return {table.key_out(key) for (key,) in fetched(work.connection, sa.select(column).where(among))}


def without_key(storage: SQLAlchemyStorage, label: str) -> int:
    """How many rows have no key at all."""
    table = storage.tables[label]
    query = sa.select(sa.func.count()).select_from(table.table).where(table.key_column.is_(None))
    with storage.database.work() as work:
        return int(work.connection.scalar(query) or 0)


def rowless(storage: SQLAlchemyStorage, label: str) -> Iterator[list[str]]:
    """The keys of records that live, and whose rows are gone."""
    table = storage.tables[label]
    some: list[str] = []
    for key in storage.get_keys(label):
        some.append(key)
        if len(some) == ROWS:
            yield _gone(storage, table, some)
            some = []
    if some:
        yield _gone(storage, table, some)


def _page(table: SyncedTable, last: Any, rows: int) -> sa.Select[Any]:
    key: sa.ColumnElement[Any] = table.key_column
    if table.dialect == "sqlite":  # what is read need not be of the column's type
        key = sa.type_coerce(key, sa.types.NullType())
    columns = (lookups.plain(table, name) for name in table.fields)
    query = sa.select(key.label("lockstep_key"), *columns).where(key.is_not(None))
    if last is not None:
        query = query.where(
            key
            > (comparable("sqlite", last) if isinstance(last, str) and table.dialect == "sqlite" else last)
        )
    return query.order_by(key).limit(rows)


def _known(work: Work, table: SyncedTable, keys: list[str]) -> set[str]:
    stored = [comparable(table.dialect, table.stored_key(key)) for key in keys]
    query = sa.select(_records.c.key).where(
        _records.c.model == table.label, _records.c.deleted.is_(None), _records.c.key.in_(stored)
    )
    return {table.key_out(key) for (key,) in fetched(work.connection, query)}


def _row(table: SyncedTable, row: Any, known: set[str]) -> Row:
    # As the triggers write such a key.
    key = f"X'{row[0].hex().upper()}'" if isinstance(row[0], bytes) else table.key_out(row[0])
    return Row(
        key, table.data_of(row[1:]), key in known, not isinstance(row[0], bytes) and _is_named(table, key)
    )


def _is_named(table: SyncedTable, key: str) -> bool:
    if not is_plain_key(key):
        return False
    try:
        table.key_in(key)
    except ValueRefusedError:
        return False
    return True


def _gone(storage: SQLAlchemyStorage, table: SyncedTable, keys: list[str]) -> list[str]:
    plain = [key for key in keys if _is_named(table, key)]
    missing = sorted(set(plain) - present(storage, table.label, plain))
    if not missing or table.dialect != "sqlite":
        return missing
    # A key of another type than the column's is not found by it, and its row is there all the same.
    kind = sa.func.typeof(table.key_column)
    text = sa.case(
        (kind == "blob", sa.func.quote(table.key_column)), else_=sa.cast(table.key_column, sa.Text)
    )
    query = sa.select(text).where(text.in_([table.stored_key(key) for key in missing]))
    with storage.database.work() as work:
        there = {table.key_out(key) for (key,) in fetched(work.connection, query)}
    return [key for key in missing if key not in there]
