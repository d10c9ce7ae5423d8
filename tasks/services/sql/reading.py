"""Reading rows: all of them, one of them, and those that changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DataError

from tasks.services.sql.connection import Database
from tasks.services.sql.cursor import Cursor, next_cursor, since
from tasks.services.sql.row import Row, id_of, key_of
from tasks.services.sql.schema import Schema
from tasks.services.sql.values import Raw
from tasks.sides import ID, Changes, Listing

#: Rows of one page of a listing.
PAGE = 500


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the rows of a table."""

    database: Database
    schema: Schema
    #: The columns that are read besides the key.
    names: Sequence[str]
    #: How far back a time or a number is read again.
    look_back: int = 600

    @property
    def _columns(self) -> list[sa.ColumnElement[Any]]:
        keys = [
            column.dialect.shown(column.sql).label(f"key {n}") for n, column in enumerate(self.schema.key)
        ]
        return [*keys, *(self.schema.columns[name].shown for name in self.names)]

    def select(self, conditions: Iterable[sa.ColumnElement[bool]]) -> sa.Select[Any]:
        """The statement that reads rows."""
        return sa.select(*self._columns).select_from(self.schema.sql).where(*conditions)

    def row(self, found: Sequence[Any]) -> Row:
        """A row of an answer."""
        parts = len(self.schema.key)
        return Row(tuple(found[:parts]), dict(zip(self.names, found[parts:], strict=True)))

    def one(self, connection: sa.Connection, key: Sequence[Raw], *, anywhere: bool = False) -> Row | None:
        """The row with a key, also out of scope or deleted where asked for."""
        scope = [] if anywhere else self.schema.in_scope
        found = connection.execute(self.select([*self.schema.has_key(key), *scope])).all()
        return self.row(found[0]) if len(found) == 1 else None

    def bytes_of(self, key: Sequence[Raw], column: str) -> bytes | None:
        """What a column of bytes holds in a row."""
        statement = sa.select(self.schema.columns[column].sql).select_from(self.schema.sql)
        with self.database.reading() as connection:
            found = connection.execute(
                statement.where(*self.schema.has_key(key), *self.schema.in_scope)
            ).all()
        return bytes(found[0][0]) if len(found) == 1 and found[0][0] is not None else None

    def pages(self, scope: str) -> Iterator[Listing]:
        """All rows as they were at one moment, some at a time; the last page says where the changes start."""
        seen: Counter[ID] = Counter()
        rest: Sequence[sa.Row[Any]] = ()
        with self.database.reading() as connection:
            cursor = next_cursor(connection, self.schema, scope)
            found = connection.execute(
                self.select(self.schema.in_scope), execution_options={"yield_per": PAGE}
            )
            if _lets_write(connection):
                for rows in found.partitions():
                    yield self._page(rows, seen)
            else:  # somebody takes his time between pages
                rest = found.all()
        for start in range(0, len(rest), PAGE):
            yield self._page(rest[start : start + PAGE], seen)
        yield Listing(cursor=None if cursor is None else cursor.to_json())

    def _page(self, found: Iterable[sa.Row[Any]], seen: Counter[ID]) -> Listing:
        rows = [self.row(one) for one in found]
        seen.update(row.id for row in rows)
        told, unreadable = _apart(rows, self.schema, seen)
        return Listing(told, unreadable=unreadable)

    def changes(self, told: Any, scope: str, synced: Mapping[ID, Any]) -> Changes:
        """What changed since a cursor, and which of the rows that were synced are deleted.

        Raises:
            CursorExpiredError: the cursor is of no use.
        """
        before = Cursor.from_json(told, scope, self.schema)
        with self.database.reading() as connection:
            cursor = next_cursor(connection, self.schema, scope)
            if cursor is not None and cursor.is_still(before):  # what was deleted by then was told with it
                return Changes([], cursor=cursor.to_json())
            conditions = [
                since(connection, self.schema, before, cursor, self.look_back),
                *self.schema.in_scope,
            ]
            rows = [self.row(one) for one in connection.execute(self.select(conditions))]
            deleted = self._deleted(connection, synced)
        changed, unreadable = _apart(rows, self.schema, Counter(row.id for row in rows))
        return Changes(
            changed,
            deleted=deleted,
            cursor=cursor.to_json() if cursor is not None else None,
            unreadable=unreadable,
        )

    def _deleted(self, connection: sa.Connection, synced: Collection[ID]) -> list[ID]:
        """Which of these are deleted; none where a row that is not shown may be there."""
        if not synced or not self.schema.shows_all:
            return []
        keys = [column.dialect.shown(column.sql) for column in self.schema.key]
        alive = [] if self.schema.mark is None else [self.schema.mark.is_off]
        found = connection.execute(sa.select(*keys).select_from(self.schema.sql).where(*alive))
        return sorted(set(synced) - {id_of(tuple(one)) for one in found})

    def get(self, obj_id: ID) -> Row | None:
        """A row that is synced, by its id."""
        key = key_of(obj_id, len(self.schema.key))
        if key is None:
            return None
        with self.database.reading() as connection:
            try:
                return self.one(connection, key)
            except DataError:  # the id is none of this type: a row of another table had it
                return None

    def is_gone(self, obj_id: ID) -> bool:
        """Whether a row is deleted: marked so, or not there though all rows are shown."""
        key = key_of(obj_id, len(self.schema.key))
        if key is None:
            return False
        there = sa.select(sa.func.count()).select_from(self.schema.sql).where(*self.schema.has_key(key))
        with self.database.reading() as connection:
            try:
                if not connection.execute(there).scalar():
                    return self.schema.shows_all
            except DataError:
                return False
            if self.schema.mark is None:
                return False
            return not connection.execute(there.where(self.schema.mark.is_off)).scalar()


def _lets_write(connection: sa.Connection) -> bool:
    """Whether others write while this one reads: in SQLite only with a log of what is to be written."""
    if connection.dialect.name != "sqlite":
        return True
    return str(connection.exec_driver_sql("PRAGMA journal_mode").scalar()).lower() == "wal"


def _apart(rows: Sequence[Row], schema: Schema, times: Mapping[ID, int]) -> tuple[list[Row], dict[ID, str]]:
    """Rows that can be told apart, by how often each id was met so far, and why the others cannot."""
    names = ", ".join(column.name for column in schema.key)
    told: list[Row] = []
    unreadable: dict[ID, str] = {}
    for row in rows:
        if None in row.key or any(isinstance(part, bytes) for part in row.key):
            unreadable[row.id] = f"a row of {schema.name} has nothing readable in its key {names}"
        elif times[row.id] > 1:
            unreadable[row.id] = f"{times[row.id]} rows of {schema.name} have the key {names} {row.id}"
        else:
            told.append(row)
    return told, unreadable
