"""Rows as they are, also those that no manifest can hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError


def fetched(
    connection: sa.Connection, query: sa.Select[Any], values: Mapping[str, Any] | None = None
) -> Sequence[Any]:
    """All rows of a query with these values.

    What SQLite has as text and is no UTF-8 comes with its bytes as halves of characters, so that one such text does
    not keep all others from being read.
    """
    try:
        return connection.execute(query, values).all()
    except OperationalError as error:
        if connection.dialect.name != "sqlite" or "decode to UTF-8" not in str(error.orig):
            raise
    driver: Any = connection.connection.driver_connection
    before, driver.text_factory = driver.text_factory, _as_it_is
    try:
        return connection.execute(query, values).all()
    finally:
        driver.text_factory = before


def _as_it_is(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")


def comparable(dialect: str, key: str) -> sa.ColumnElement[Any]:
    """A key to compare stored ones with, whatever it holds: also what a peer says, or what SQLite alone can keep."""
    value = compared(dialect, key)
    if isinstance(value, str):
        return sa.literal(value)
    return sa.cast(sa.literal(value, sa.LargeBinary), sa.Text)


def compared(dialect: str, key: str) -> str | bytes:
    """The same as a value; bytes are to be taken for text."""
    if dialect != "sqlite":
        return key.encode("utf-8", "replace").decode().replace("\x00", "\x01")
    try:
        key.encode()
    except UnicodeEncodeError:
        return _bytes(key)
    return key


def _bytes(key: str) -> bytes:
    try:
        return key.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return key.encode("utf-8", "replace")
