"""Engines of one address: a dialect for all, and connections for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from tasks.server_engine import server_engine


@pytest.fixture
def url(postgres: str) -> Iterator[sa.URL]:
    made = sa.create_engine(postgres, isolation_level="AUTOCOMMIT")
    with made.connect() as connection:
        connection.execute(sa.text("CREATE DATABASE engines"))
    made.dispose()
    yield sa.make_url(postgres).set(drivername="postgresql+psycopg", database="engines")
    with made.connect() as connection:
        connection.execute(sa.text("DROP DATABASE engines WITH (FORCE)"))
    made.dispose()


def told(engine: sa.Engine, query: str) -> object:
    try:
        with engine.begin() as connection:
            result = connection.execute(sa.text(query))
            return result.scalar() if result.returns_rows else None
    finally:
        engine.dispose()


def test_each_has_connections_of_its_own(url: sa.URL) -> None:
    one, two = (server_engine(url, {}, pool_size=1, max_overflow=0) for _ in range(2))
    assert one.dialect is two.dialect
    with one.connect() as first, two.connect() as second:
        assert first.scalar(sa.text("SELECT pg_backend_pid()")) != second.scalar(
            sa.text("SELECT pg_backend_pid()")
        )
        one.dispose()
        assert second.scalar(sa.text("SELECT 1")) == 1
    two.dispose()


def test_the_address_goes_before_what_is_usual(url: sa.URL) -> None:
    usual, query = {"application_name": "usual"}, "SHOW application_name"
    assert told(server_engine(url, usual), query) == "usual"
    assert told(server_engine(url.update_query_dict({"application_name": "own"}), usual), query) == "own"


def test_a_search_path_that_was_changed_counts_for_the_next_one(url: sa.URL) -> None:
    engine = server_engine(url, {})
    assert told(engine, "SELECT current_schema()") == engine.dialect.default_schema_name == "public"
    told(engine, "CREATE SCHEMA other")
    told(engine, "ALTER DATABASE engines SET search_path = other")
    engine = server_engine(url, {})
    assert told(engine, "SELECT current_schema()") == engine.dialect.default_schema_name == "other"
