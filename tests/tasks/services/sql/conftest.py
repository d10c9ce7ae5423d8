"""Tables in a real SQLite and a real PostgreSQL, and people who work in them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlalchemy as sa

from tasks.services.sql import Table
from tasks.services.sql.row import Row

_numbers = itertools.count()
BOTH = ("sqlite", "postgresql")


@dataclass
class Place:
    """A database of the user's own, with another program that writes to it."""

    kind: str
    url: str
    engine: sa.Engine
    opened: list[Table] = field(default_factory=list)

    def run(self, statement: str, **values: Any) -> Sequence[Mapping[str, Any]]:
        """One statement of another program's."""
        with self.engine.begin() as connection:
            result = connection.execute(sa.text(statement), values)
            return [dict(row) for row in result.mappings()] if result.returns_rows else []

    def side(self, table: str = "task", **options: Any) -> Table:
        return Table(table, url=self.url, **options)

    def opened_side(self, table: str = "task", only: Sequence[str] = (), **options: Any) -> Table:
        """A side in the midst of a run."""
        side = self.side(table, **options)
        self.opened.append(side)
        side.open()
        side.recall(None, {})
        described = side.describe()
        side.check(only or described)
        return side

    def close(self) -> None:
        for side in self.opened:
            side.close()
        self.engine.dispose()


def by_title(side: Table) -> dict[str, Row]:
    return {side.title(row): row for row in side.list()}


@pytest.fixture(scope="session")
def make_place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    made: list[Place] = []

    def make(kind: str) -> Place:
        number = next(_numbers)
        if kind == "sqlite":
            path = tmp_path_factory.mktemp("sql") / f"own{number}.db"
            path.touch()
            url = f"sqlite:///{path}"
        else:
            postgres = request.getfixturevalue("postgres")
            engine = sa.create_engine(postgres, isolation_level="AUTOCOMMIT")
            with engine.connect() as connection:
                connection.execute(sa.text(f"CREATE DATABASE side{number}"))
            engine.dispose()
            url = sa.make_url(postgres).set(database=f"side{number}").render_as_string(hide_password=False)
        others = {"prepare_threshold": None} if kind == "postgresql" else {}
        made.append(Place(kind, url, sa.create_engine(url, connect_args=others)))
        return made[-1]

    yield make
    for place in made:
        place.close()


@contextmanager
def cleared(place: Place) -> Iterator[Place]:
    """A database without tables, and again without them afterwards."""
    try:
        yield place
    finally:
        for side in place.opened:
            side.close()
        place.opened.clear()
        if place.kind == "sqlite":
            made = "SELECT type, name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'"
            for row in place.run(f"{made} ORDER BY type DESC"):
                quoted = row["name"].replace('"', '""').replace(":", "\\:")
                place.run(f'DROP {row["type"]} "{quoted}"')
        else:
            place.run("DROP SCHEMA public CASCADE")
            place.run("CREATE SCHEMA public")
            place.run("GRANT USAGE ON SCHEMA public TO public")


@pytest.fixture(scope="session")
def places(make_place: Callable[[str], Place]) -> dict[str, Place]:
    return {}


@pytest.fixture
def place_of(make_place: Callable[[str], Place], places: dict[str, Place]) -> Callable[[str], Place]:
    def find(kind: str) -> Place:
        if kind not in places:
            places[kind] = make_place(kind)
        return places[kind]

    return find


@pytest.fixture(params=BOTH)
def place(request: pytest.FixtureRequest, place_of: Callable[[str], Place]) -> Iterator[Place]:
    with cleared(place_of(request.param)) as place:
        yield place


@pytest.fixture
def sqlite(place_of: Callable[[str], Place]) -> Iterator[Place]:
    with cleared(place_of("sqlite")) as place:
        yield place


@pytest.fixture
def postgresql(place_of: Callable[[str], Place]) -> Iterator[Place]:
    with cleared(place_of("postgresql")) as place:
        yield place
