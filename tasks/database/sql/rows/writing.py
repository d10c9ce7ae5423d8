"""Rows written by the set; what cannot be written is found by halving the set, and holds nothing else up."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    InternalError,
    NotSupportedError,
    ProgrammingError,
)

from tasks.database.sql.tables.connection import first_line

_driver = logging.getLogger("psycopg")

T = TypeVar("T", bound=Hashable)


class RowsRefusedError(Exception):
    """Items that must not be written so, with the reasons; all others may be tried again at once."""

    def __init__(self, reasons: Mapping[Any, str]) -> None:
        super().__init__(f"{len(reasons)} rows are not kept as they came")
        self.reasons = dict(reasons)


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
        with _told_once(), connection.begin_nested():
            write(items)
    except RowsRefusedError as error:
        others = [item for item in items if item not in error.reasons]
        return [*error.reasons.items(), *write_each(connection, others, write, settle)]
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


class _EndOfPipeline(logging.Filter):
    """Keeps back what psycopg says of a pipeline that ended with the error which it raises besides."""

    def __init__(self) -> None:
        super().__init__()
        self._thread = threading.get_ident()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is something else."""
        mine = record.thread == self._thread
        return not (mine and str(record.msg).startswith("error ignored terminating"))


@contextmanager
def _told_once() -> Iterator[None]:
    quiet = _EndOfPipeline()
    _driver.addFilter(quiet)
    try:
        yield
    finally:
        _driver.removeFilter(quiet)


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
