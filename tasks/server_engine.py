"""Engines of SQLAlchemy for databases on servers, for processes that open one for each run and work for months."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

#: So many addresses are known at once.
KNOWN = 64


def server_engine(url: sa.URL, patience: Mapping[str, Any], **pool: Any) -> sa.Engine:
    """An engine with connections of its own.

    Args:
        url: of the server; what its query says goes before `patience`.
        patience: what the driver is told for each connection, by its own names.
        pool: how connections are kept, by the names of `sqlalchemy.create_engine`.
    """
    given = {name: value for name, value in patience.items() if name not in url.query}
    first = _first(url, tuple(given.items()), tuple(pool.items()))
    engine = sa.Engine(first.pool.recreate(), first.dialect, first.url, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _look(connection: Any, _record: Any) -> None:
        # SQLAlchemy asks once for a dialect, and a search path may be another one since.
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_schema()")
            (first.dialect.default_schema_name,) = cursor.fetchone()
        connection.rollback()

    return engine


@lru_cache(KNOWN)
def _first(url: sa.URL, given: tuple[tuple[str, Any], ...], pool: tuple[tuple[str, Any], ...]) -> sa.Engine:
    """The one whose dialect all others share: SQLAlchemy holds on to dialects, with their queries for tables."""
    return sa.create_engine(
        url, hide_parameters=True, pool_pre_ping=True, connect_args=dict(given), **dict(pool)
    )
