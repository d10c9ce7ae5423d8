"""Transactions on a node's database: one at a time per thread, joined by whatever is called within."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    DisconnectionError,
    NoSuchModuleError,
    OperationalError,
)

from config.drivers import drivers_words
from tasks.database.exceptions import SyncAbortedError
from tasks.errors import SideError, TaskDefinitionError
from tasks.server_engine import server_engine

#: How long a writer waits for another one, in seconds.
BUSY_SECONDS = 30

#: How long a connection to a server may take, in seconds.
CONNECT_SECONDS = 10


class NodeDatabaseError(SyncAbortedError, SideError):
    """The node's database cannot be used now; a later run may find it well."""


@dataclass
class Work:
    """What one transaction has done so far."""

    connection: sa.Connection
    #: Records that were read and are not there, by model: what is inserted meanwhile is not overwritten.
    absent: dict[str, set[str]] = field(default_factory=dict)
    #: Whether something of the user's may change what is written, by model.
    watched: dict[str, bool] = field(default_factory=dict)
    #: The clock's bound that was kept in this transaction, to be kept also when it is undone.
    clock_bound: int = 0
    #: Nobody else gives places before its end.
    locked: bool = False
    #: The last place that was given, and what is kept of peers, as they were read while it was locked.
    place: int | None = None
    checkpoints: dict[str, tuple[int, str]] = field(default_factory=dict)


class Database:
    """The node's database. It may be shared between threads, not between processes that fork.

    Args:
        engine: an engine of the program's own, or an address in SQLAlchemy's form.

    Raises:
        TaskDefinitionError: the address cannot be used, or names neither SQLite nor PostgreSQL.
    """

    def __init__(self, engine: sa.Engine | str) -> None:
        self.engine = engine if isinstance(engine, sa.Engine) else connect(engine)
        if self.dialect not in {"sqlite", "postgresql"}:
            raise TaskDefinitionError(f"a node needs SQLite or PostgreSQL, not {self.dialect}")
        self._own = not isinstance(engine, sa.Engine)
        self._local = threading.local()
        # SQLite gives its turn to whoever asks at the right moment: among many threads one may never get it.
        self._turn = threading.Lock() if self.dialect == "sqlite" else None

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.engine.dialect.name

    @property
    def address(self) -> str:
        """The database's address without its password."""
        return self.engine.url.render_as_string(hide_password=True)

    @contextmanager
    def work(self) -> Iterator[Work]:
        """A transaction, or the one that this thread is in already.

        It holds SQLite's only right to write from its start. Everything is kept when the outermost block ends well.

        Raises:
            NodeDatabaseError: the database cannot be reached or is too busy.
        """
        current: Work | None = getattr(self._local, "work", None)
        if current is not None:
            yield current
            return
        with self.errors(), self._in_turn(), self.engine.connect() as connection:
            try:
                with connection.begin():
                    _begin(connection)
                    self._local.work = Work(connection)
                    yield self._local.work
            except BaseException:
                self._keep_clock_bound(connection)
                raise
            finally:
                self._local.work = None

    def _keep_clock_bound(self, connection: sa.Connection) -> None:
        """Stamps that were given out are not given again, though their transaction was undone."""
        work: Work | None = getattr(self._local, "work", None)
        if work is None or not work.clock_bound or connection.invalidated:
            return
        with connection.begin():
            _begin(connection)
            connection.execute(
                sa.text("UPDATE lockstep_clock SET bound = :bound WHERE bound < :bound"),
                {"bound": work.clock_bound},
            )

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        if self._turn is None:
            yield
            return
        if not self._turn.acquire(timeout=BUSY_SECONDS):
            raise NodeDatabaseError(f"no turn to write to {self.address} came within {BUSY_SECONDS} s")
        try:
            yield
        finally:
            self._turn.release()

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Errors of the database become ours, in one line."""
        try:
            yield
        except OperationalError as error:
            raise NodeDatabaseError(
                f"the database {self.address} cannot be used: {first_line(error)}"
            ) from error
        except DBAPIError as error:
            if error.connection_invalidated:
                raise NodeDatabaseError(f"the connection to {self.address} was lost") from error
            # What is wrong with data would be quoted.
            reason = "a value does not fit" if isinstance(error, DataError) else first_line(error)
            raise NodeDatabaseError(f"the database {self.address} refused: {reason}") from error

    def forget_statements(self) -> None:
        """Use other connections from now on: those that there are may have prepared statements for other columns."""
        if self.dialect == "postgresql":
            self.engine.dispose()

    def close(self) -> None:
        """Close all connections, where the engine is not the program's own."""
        if self._own:
            self.engine.dispose()


def _begin(connection: sa.Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{BUSY_SECONDS}s'")
        # What a deferred constraint refuses is to be known of the record, not of the whole exchange.
        connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
        return
    driver: Any = connection.connection.dbapi_connection
    if not driver.in_transaction:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def first_line(error: DBAPIError) -> str:
    """The driver's own words, without the statement and its values."""
    return drivers_words(error.orig)


def connect(url: str) -> sa.Engine:
    """An engine for an address.

    Raises:
        TaskDefinitionError: the address cannot be used.
    """
    try:
        parsed = sa.make_url(url)
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        if parsed.get_backend_name() != "sqlite":
            # Without an encoding that of the database holds, and one in SQL_ASCII gives bytes.
            engine = server_engine(parsed, {"connect_timeout": CONNECT_SECONDS, "client_encoding": "utf8"})
            if engine.dialect.driver == "psycopg":
                from tasks.database.sql.values.loading import tolerate

                tolerate(engine)
            return engine
        if parsed.database and parsed.database != ":memory:" and not Path(parsed.database).parent.is_dir():
            raise TaskDefinitionError(f"the directory of {parsed.database} does not exist")
        engine = sa.create_engine(parsed, hide_parameters=True, connect_args={"timeout": BUSY_SECONDS})
    except (ArgumentError, NoSuchModuleError, ImportError, ValueError):
        raise TaskDefinitionError(
            "a node's address cannot be used: give sqlite:///path or postgresql://user:password@host/name"
        ) from None  # the cause may quote the password

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # BEGIN IMMEDIATE is said here, not the driver's late BEGIN
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA cache_size=-16000")  # 16 MB: an index of random keys does not fit two

    _follow(engine, parsed.database)
    return engine


def _follow(engine: sa.Engine, name: str | None) -> None:
    """A connection to a file that was replaced, as by restoring a backup, is used no more: nobody reads that file."""
    if not name or name.startswith((":memory:", "file:")):
        return

    @event.listens_for(engine, "connect")
    def _note(_connection: sqlite3.Connection, record: Any) -> None:
        record.info["file"] = _identity(name)

    @event.listens_for(engine, "checkout")
    def _look(_connection: sqlite3.Connection, record: Any, _proxy: Any) -> None:
        if record.info.get("file") != _identity(name):
            raise DisconnectionError("the file was replaced")


def _identity(name: str) -> tuple[int, int] | None:
    try:
        found = os.stat(name)  # noqa: PTH116  for each transaction, and a path takes longer
    except OSError:
        return None
    return found.st_dev, found.st_ino
