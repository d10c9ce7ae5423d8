"""Rows that were refused as a set because of foreign keys: which of them can be written, and in which order."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from tasks.database.records.graph import in_order
from tasks.database.sql.tables.bulk import array
from tasks.database.sql.tables.foreign import ForeignKey

#: Values that are looked for at once.
CHUNK = 2_000

Row = Mapping[str, Any]


def parents_first(
    connection: sa.Connection, keys: Sequence[ForeignKey], rows: Mapping[str, Row]
) -> tuple[list[str], dict[str, str]]:
    """These rows of one table, each after those that it refers to; and why the others cannot be written now.

    So a chain takes one step per row, in whatever order it came, and what waits for a parent takes none. Keys of
    several columns or of unusual types are left to the database.
    """
    waiting: dict[str, str] = {}
    links: dict[str, list[str]] = {}
    for key in keys:
        if len(key.pairs) != 1 or not _comparable(key):
            continue
        [(name, target)] = key.pairs
        wanted = {rows[row][name]: None for row in rows if rows[row].get(name) is not None}
        own: dict[Any, str] = {}
        if key.parent is key.child:
            own = {rows[row][target]: row for row in rows if rows[row].get(target) is not None}
        there = _there(connection, key, [value for value in wanted if value not in own])
        for row, values in rows.items():
            value = values.get(name)
            if value is None or value in there:
                continue
            if value in own:
                if own[value] != row:
                    links.setdefault(own[value], []).append(row)
            else:
                waiting.setdefault(
                    row, f"its {name!r} refers to a record of {key.parent.label!r} that is not here"
                )
    for row in list(waiting):
        for child in _below(row, links):
            waiting.setdefault(child, "it refers to a record that could not be written")
    return in_order([row for row in rows if row not in waiting], links), waiting


def _comparable(key: ForeignKey) -> bool:
    [(name, target)] = key.pairs
    kinds = (key.child.table.c[name].type, key.parent.table.c[target].type)
    return all(
        isinstance(kind, sa.String | sa.Integer | sa.Uuid) and not isinstance(kind, sa.CHAR | sa.Enum)
        for kind in kinds
    )


def _there(connection: sa.Connection, key: ForeignKey, values: Sequence[Any]) -> set[Any]:
    """Which of these values the parent has, by the database's own comparison."""
    [(_, target)] = key.pairs
    column: sa.ColumnElement[Any] = key.parent.table.c[target]
    if connection.dialect.name == "sqlite":
        column = sa.type_coerce(column, sa.types.NullType())
    found: set[Any] = set()
    for start in range(0, len(values), CHUNK):
        some = values[start : start + CHUNK]
        wanted, place = _wanted(connection, column.type, some)
        query = sa.select(place).select_from(wanted).where(sa.exists().where(column == wanted.c.value))
        found.update(some[at] for at in connection.scalars(query))
    return found


def _wanted(
    connection: sa.Connection, kind: sa.types.TypeEngine[Any], values: Sequence[Any]
) -> tuple[sa.FromClause, sa.ColumnElement[int]]:
    """These values as a table with a column `value`, and the place of each, from 0."""
    if connection.dialect.name == "sqlite":
        listed = sa.func.json_each(json.dumps(list(values), default=str)).table_valued("key", "value")
        return listed, listed.c.key
    kind = sa.Text() if isinstance(kind, sa.String) else kind
    texts = array([value if isinstance(value, int) else str(value) for value in values])
    elements = sa.cast(sa.bindparam(None, texts, sa.types.NullType()), postgresql.ARRAY(kind))
    values_of = sa.func.unnest(elements).table_valued(sa.column("value", kind), with_ordinality="key")
    wanted = values_of.render_derived(name="wanted")
    return wanted, wanted.c.key - 1


def _below(row: str, links: Mapping[str, Collection[str]]) -> list[str]:
    found: dict[str, None] = {}
    waiting = [row]
    while waiting:
        for child in links.get(waiting.pop(), ()):
            if child not in found:
                found[child] = None
                waiting.append(child)
    return list(found)
