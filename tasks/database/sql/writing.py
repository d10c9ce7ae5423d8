"""Rows written by the set; what cannot be written is found by halving the set, and holds nothing else up."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    InternalError,
    NotSupportedError,
    ProgrammingError,
)

from tasks.database.sql.connection import first_line

T = TypeVar("T", bound=Hashable)

#: Errors that one record may have brought about. Others concern the database as a whole.
_OF_A_RECORD = (DataError, IntegrityError, InternalError, NotSupportedError, ProgrammingError)


#: Which items can be written, in which order, and why the others cannot.
Settled = tuple[Sequence[T], Mapping[T, str]]


def write_each(
    connection: Connection,
    items: Sequence[T],
    write: Callable[[Sequence[T]], None],
    settle: Callable[[Sequence[T]], Settled[T]] | None = None,
) -> list[tuple[T, str]]:
    """Write all items but those that the database refuses; return these with its reasons.

    Where they cannot be written as they are, `settle` is asked once which can, and in which order.
    """
    if not items:
        return []
    try:
        with connection.begin_nested():
            write(items)
    except _OF_A_RECORD as error:
        if error.connection_invalidated:
            raise
        if len(items) == 1:
            return [(items[0], _reason(error))]
    except (OverflowError, UnicodeError, TypeError) as error:
        if len(items) == 1:
            return [(items[0], f"the database cannot keep a value ({type(error).__name__})")]
    else:
        return []
    if settle is not None:
        items, waiting = settle(items)
        return [*waiting.items(), *write_each(connection, items, write)]
    middle = len(items) // 2
    refused = write_each(connection, items[:middle], write)
    return [*refused, *write_each(connection, items[middle:], write)]


def write_in_exchange(
    connection: Connection,
    items: Sequence[T],
    clear: Callable[[Sequence[T]], None],
    write: Callable[[Sequence[T]], None],
) -> list[T]:
    """Write items that wait for each other, by clearing what they wait for first; return those written.

    Nothing is cleared of an item that is not written then.
    """
    while len(items) > 1:
        savepoint = connection.begin_nested()
        try:
            clear(items)
        except _OF_A_RECORD as error:
            if error.connection_invalidated:
                raise
            savepoint.rollback()
            break
        refused = {item for item, _ in write_each(connection, items, write)}
        if not refused:
            savepoint.commit()
            return list(items)
        savepoint.rollback()
        items = [item for item in items if item not in refused]
    return []


def _reason(error: DBAPIError) -> str:
    """PostgreSQL quotes values in the lines after the first; the first one names the constraint."""
    return first_line(error)[:200]
