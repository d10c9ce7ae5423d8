"""Statements that every exchange says, in the driver's own words: nothing of them is compiled, or looked up, first.

A node is opened for each run, and SQLAlchemy compiles what it has not met with that engine: that takes ten times as
long as asking SQLite.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import sqlalchemy as sa

_NAMED = re.compile(r":(\w+)")


class Statement:
    """One statement, with values by name as `:name`. It holds no other colon."""

    def __init__(self, text: str) -> None:
        self._text = text

    def run(
        self, connection: sa.Connection, values: Mapping[str, Any] | None = None
    ) -> sa.CursorResult[*tuple[Any, ...]]:
        """Say it with these values."""
        given = dict(values or {})
        match connection.dialect.paramstyle:
            case "qmark" if connection.dialect.driver == "pysqlite":  # which knows names as well
                return connection.exec_driver_sql(self._text, given)
            case "pyformat":
                return connection.exec_driver_sql(self._pyformat, given)
            case _:
                return connection.execute(self._any, given)

    @cached_property
    def _pyformat(self) -> str:
        return _NAMED.sub(r"%(\1)s", self._text.replace("%", "%%"))

    @cached_property
    def _any(self) -> sa.TextClause:
        return sa.text(self._text)
