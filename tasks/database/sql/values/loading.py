"""Dates and times of PostgreSQL that Python has none for: `infinity`, years beyond 9999 and before the first one.

Without this the driver refuses a page for a single one of them.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.adapt import Buffer, Loader
from psycopg.pq import Format
from sqlalchemy import event

_KINDS = ("date", "time", "timetz", "timestamp", "timestamptz")


def tolerate(engine: sa.Engine) -> None:
    """Let the engine's connections give such values as the texts that they are."""

    @event.listens_for(engine, "connect")
    def _register(connection: Any, _record: Any) -> None:
        for kind in _KINDS:
            oid = connection.adapters.types[kind].oid
            found = connection.adapters.get_loader(oid, Format.TEXT)
            connection.adapters.register_loader(oid, _tolerant(found))


@cache  # the driver forgets no class
def _tolerant(strict: Any) -> type[Loader]:
    class Tolerant(Loader):
        """Loads as the driver does, or else a text."""

        def __init__(self, oid: int, context: Any = None) -> None:
            super().__init__(oid, context)
            self._strict = strict(oid, context)

        def load(self, data: Buffer) -> Any:
            try:
                return self._strict.load(data)
            except psycopg.DataError:
                return bytes(data).decode()

    return Tolerant
