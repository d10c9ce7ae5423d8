"""Databases whose tables are there: Alembic makes one for the test run, and the others are its copies."""

from __future__ import annotations

import atexit
import itertools
import shutil
import tempfile
from functools import cache
from pathlib import Path

from sqlalchemy import create_engine, make_url, text

from worker.store import Store

_numbers = itertools.count()


def new_store(path: Path) -> Store:
    """A store in this SQLite file, which is made unless it is there; the caller closes it."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        shutil.copyfile(_in_a_file(), path)
    store = Store(f"sqlite:///{path}")
    store.migrate()  # which finds that there is nothing to do
    return store


def new_database(postgres: str, *, with_tables: bool) -> str:
    """The address of a new database of this server."""
    template = make_url(_in_a_database(postgres)).database if with_tables else None
    name = f"store{next(_numbers)}"
    _execute(postgres, f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
    return make_url(postgres).set(database=name).render_as_string(hide_password=False)


def in_another_encoding(postgres: str, encoding: str) -> str:
    """The address of a new database without tables, whose server keeps texts in this encoding."""
    name = f"store{next(_numbers)}"
    _execute(postgres, f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0")
    return make_url(postgres).set(database=name).render_as_string(hide_password=False)


@cache
def _in_a_file() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="lockstep-tables-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "lockstep.db"
    _make_tables(f"sqlite:///{path}")
    return path


@cache
def _in_a_database(postgres: str) -> str:
    url = new_database(postgres, with_tables=False)
    _make_tables(url)
    return url


def _make_tables(url: str) -> None:
    store = Store(url)
    store.migrate()
    store.close()


def _execute(url: str, statement: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
