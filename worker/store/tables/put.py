"""Rows that are kept, each in the place of one of the same key if there is one.

They are given to the driver as it takes them: SQLAlchemy looks at each for as long as SQLite takes to keep it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Dialect, Table
from sqlalchemy.dialects import postgresql, sqlite

_INSERT: Mapping[str, Callable[[Table], Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def put_rows(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], alike: Mapping[str, Any]
) -> None:
    """Keep rows of a table.

    Args:
        connection: in whose transaction.
        table: of which each column is in the rows or in `alike`.
        rows: by column.
        alike: what all of them have, by column.
    """
    if not rows:
        return
    statement = _statement(table, connection.dialect)
    same = {**alike, **statement.formed(alike)}
    if any(name not in alike for name in statement.forms):
        rows = [{**row, **statement.formed(row)} for row in rows]
    connection.exec_driver_sql(statement.words, [statement.given({**same, **row}) for row in rows])


@dataclass(frozen=True, slots=True)
class _Statement:
    """A statement in the words of a driver."""

    words: str
    #: A row as the driver takes it, of its values by column.
    given: Callable[[Mapping[str, Any]], Any]
    #: What brings values into the form in which it takes them, by column; the others it takes as they are.
    forms: Mapping[str, Callable[[Any], Any]]

    def formed(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Those values that it takes in another form."""
        return {name: form(values[name]) for name, form in self.forms.items() if name in values}


@lru_cache(maxsize=16)
def _statement(table: Table, dialect: Dialect) -> _Statement:
    new = _INSERT[dialect.name](table)
    other = {one.name: new.excluded[one.name] for one in table.c if not one.primary_key}
    put = new.on_conflict_do_update(index_elements=list(table.primary_key), set_=other)
    compiled = put.compile(dialect=dialect)
    forms = {one.name: one.type.dialect_impl(dialect).bind_processor(dialect) for one in table.c}
    return _Statement(
        str(compiled),
        itemgetter(*compiled.positiontup) if compiled.positiontup else dict,  # else by name
        {name: form for name, form in forms.items() if form is not None},
    )
