"""Sequences moved on past the numbers that came from a peer, so that the next row made here finds one that is free."""

# ruff: noqa: S608  names are quoted; values never become part of a statement

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.exc import ProgrammingError

from tasks.database.sql.tables.connection import Work, first_line
from tasks.database.sql.tables.synced_table import SyncedTable

log = logging.getLogger(__name__)

#: Numbers further apart are of ranges of their own, of which a node keeps to its own one.
APART = 10_000_000

#: So many numbers are taken one by one, which nobody who takes one at the same time can be harmed by.
_STEPS = 1_000

_DEFAULT = re.compile(r"nextval\('((?:[^']|'')+)'")


class _Counter(NamedTuple):
    """A sequence: the numbers that it gives, and the next one."""

    name: str
    start: int
    step: int
    last: int
    next: int

    def gives(self, number: Any) -> bool:
        """Whether it will come to this number."""
        return (
            isinstance(number, int)
            and self.next <= number <= self.last
            and (number - self.start) % self.step == 0
        )


def move_on(work: Work, table: SyncedTable, rows: Sequence[dict[str, Any]]) -> None:
    """Move the table's sequences past the numbers of these rows, which are written by now.

    Sequences that count down, and those that nobody but their owner may move, stay as they are.
    """
    for name in table.counted if rows and table.dialect == "postgresql" else ():
        try:
            with work.connection.begin_nested():
                _move_on(work.connection, table, name, [row.get(name) for row in rows])
        except ProgrammingError as error:
            log.warning(
                "Table %r: the sequence of %r cannot be moved past what came from a peer, so new rows may be "
                "refused: %s; grant USAGE and UPDATE on it.",
                table.label,
                name,
                first_line(error),
            )


def _move_on(connection: sa.Connection, table: SyncedTable, name: str, numbers: Sequence[Any]) -> None:
    counter = _counter(connection, table, name)
    if counter is None or not any(map(counter.gives, numbers)):
        return
    column = table.table.c[name]
    top = counter.next - 1
    while True:
        near = sa.select(sa.func.max(column)).where(
            column > top,
            column <= min(top + APART, counter.last),
            (column - counter.start) % counter.step == 0,
        )
        found = connection.scalar(near)
        if found is None:
            break
        top = int(found)
    steps = (top - counter.next) // counter.step + 1
    if steps <= 0:
        return
    if steps <= _STEPS:
        taken = "SELECT count(nextval(CAST(:name AS regclass))) FROM generate_series(1, :steps)"
        connection.execute(sa.text(taken), {"name": counter.name, "steps": steps})
    else:
        moved = (
            f"SELECT setval(CAST(:name AS regclass), greatest(:top, (SELECT last_value FROM {counter.name})))"
        )
        connection.execute(sa.text(moved), {"name": counter.name, "top": top})


def _counter(connection: sa.Connection, table: SyncedTable, name: str) -> _Counter | None:
    """The column's sequence; None: it has none that counts up."""
    query = sa.text("SELECT pg_get_serial_sequence(:table, :column)")
    sequence = connection.scalar(query, {"table": table.quoted(connection), "column": name})
    if sequence is None:
        default: Any = table.table.c[name].server_default
        found = _DEFAULT.search(str(getattr(default, "arg", "")))
        if found is None:
            return None
        sequence = found[1].replace("''", "'")
    query = sa.text(
        f"SELECT s.seqstart, s.seqincrement, s.seqmax, v.last_value, v.is_called FROM {sequence} v, pg_sequence s "
        "WHERE s.seqrelid = CAST(:name AS regclass)"
    )
    row = connection.execute(query, {"name": sequence}).one()
    if row.seqincrement <= 0:
        return None
    following = row.last_value + row.seqincrement if row.is_called else row.last_value
    return _Counter(sequence, row.seqstart, row.seqincrement, row.seqmax, following)
