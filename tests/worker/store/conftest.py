from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.harness.stores import new_database, new_store
from worker.store import Store


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, or of one with tables for a test that asks for a store."""
    if request.param == "sqlite":
        path = tmp_path / "made" / "lockstep.db"
        if "store" in request.fixturenames:
            new_store(path).close()
        return f"sqlite:///{path}"
    postgres = request.getfixturevalue("postgres")
    return new_database(postgres, with_tables="store" in request.fixturenames)


@pytest.fixture
def open_store(url: str) -> Iterator[Callable[[], Store]]:
    """Further stores on the same database, as other processes have them."""
    opened: list[Store] = []

    def make() -> Store:
        opened.append(Store(url))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


@pytest.fixture
def store(open_store: Callable[[], Store]) -> Store:
    made = open_store()
    made.migrate()
    return made
