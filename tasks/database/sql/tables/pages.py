"""Queries for pages in the order of arrival."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from tasks.database.sql.tables import lookups, schema
from tasks.database.sql.tables.once import once_for_table
from tasks.database.sql.tables.synced_table import SyncedTable

_records = schema.records


@once_for_table
def living(table: SyncedTable, after: type[str] | type[bytes] | None, *, limited: bool) -> sa.Select[Any]:
    """Records as `lookups.columns` gives them, with their keys, in the order of place and key.

    They are those of a place above `stamp`, or behind `stamp` and `key` where `after` says what that one is given
    as: text, or the bytes of what SQLite alone has as text. With `limited` they are `most` at most.
    """
    # One statement: a page is as long as it can be, and no row is newer than its stamps.
    columns = lookups.columns(table).add_columns(_records.c.key)
    columns = columns.select_from(_records.outerjoin(table.table, lookups.is_key_of(table)))
    return _placed(table, columns, after, limited=limited).where(_records.c.deleted.is_(None))


@once_for_table
def buried(table: SyncedTable, after: type[str] | type[bytes] | None, *, limited: bool) -> sa.Select[Any]:
    """The same of tombstones: key, stamp and arrival."""
    columns = sa.select(_records.c.key, _records.c.deleted, _records.c.received_at)
    return _placed(table, columns, after, limited=limited).where(_records.c.deleted.is_not(None))


def _placed(
    table: SyncedTable, columns: sa.Select[Any], after: type[str] | type[bytes] | None, *, limited: bool
) -> sa.Select[Any]:
    place, key = _records.c.place, _records.c.key
    stamp = sa.bindparam("stamp", type_=sa.BigInteger)
    behind: sa.ColumnElement[bool] = place > stamp
    if after is not None:
        # Compared as one, and alone: many changes may have the same place, and so the index leads to the next of them.
        last: sa.ColumnElement[Any] = sa.bindparam("key", type_=sa.String)
        if after is bytes:
            last = sa.cast(sa.bindparam("key", type_=sa.LargeBinary), sa.Text)
        behind = sa.tuple_(place, key) > sa.tuple_(stamp, last)
    # That it is not NULL SQLite does not see in a comparison of two columns at once.
    query = columns.where(_records.c.model == table.label, behind, place.is_not(None)).order_by(place, key)
    return query.limit(sa.bindparam("most", type_=sa.Integer)) if limited else query
