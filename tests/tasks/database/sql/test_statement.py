"""Statements in the driver's own words say the same to each driver."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

from tasks.database.sql.tables.statement import Statement
from tests.harness.stores import new_database

PARAMSTYLES = ("qmark", "named")


@pytest.fixture(params=[*PARAMSTYLES, "postgresql"])
def connection(request: pytest.FixtureRequest) -> Iterator[sa.Connection]:
    """SQLite by its driver's own way and by another one, and PostgreSQL."""
    if request.param == "postgresql":
        engine = sa.create_engine(new_database(request.getfixturevalue("postgres"), with_tables=False))
    else:
        engine = sa.create_engine("sqlite://", poolclass=StaticPool, paramstyle=request.param)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_values_go_by_name_and_more_than_once(connection: sa.Connection) -> None:
    found = Statement("SELECT CAST(:one AS text) || :two || :one").run(
        connection, {"one": "%", "two": ":one", "unused": 5}
    )
    assert found.scalar() == "%:one%"


def test_a_percent_sign_is_one(connection: sa.Connection) -> None:
    like = Statement("SELECT 'lockstep' LIKE 'lock%' AND :some = 5")
    assert like.run(connection, {"some": 5}).scalar()
    assert Statement("SELECT 7 % 4").run(connection).scalar() == 3
