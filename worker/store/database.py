"""The database, and how transactions are made on it."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    NoSuchModuleError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as NoConnectionError

from config.drivers import drivers_words
from config.private_files import private_directory, private_file
from tasks.errors import ItemError
from worker.errors import StoreError
from worker.store.database_file import DatabaseFile

#: How long a writer waits for another one, in seconds; SQLite lets one write at a time.
BUSY_SECONDS = 30

#: How a server is connected to, unless the address says otherwise. Without a limit a host that does not answer is
#: waited for by minutes, in seconds; without an encoding that of the database holds, and one in SQL_ASCII gives bytes.
CONNECT: dict[str, Any] = {"connect_timeout": 10, "client_encoding": "utf8"}

#: Connections of a process that stay open, and how many there may be besides; what was used last is used next.
POOL: dict[str, Any] = {"pool_size": 10, "max_overflow": 5, "pool_use_lifo": True}

#: PostgreSQL's codes for a database that refuses what any installation needs: it is read-only, rights or tables
#: are missing, or it is damaged.
_REFUSALS = frozenset({"25006", "42501", "42P01", "42703", "XX000", "XX001", "XX002"})


class Database:
    """One database; safe to share between threads, not between processes that fork.

    Raises:
        StoreError: its address cannot be used.
    """

    def __init__(self, url: str) -> None:
        try:
            self._url = make_url(url)
            self.file = _file_of(self._url)
            self.engine = _engine(self._url, self.file)
            self._reader = self.engine.execution_options(lockstep_reads=True)
        except (ArgumentError, NoSuchModuleError, ImportError, ValueError):
            raise StoreError(
                "DATABASE_URL cannot be used: give sqlite:///path or postgresql://user:password@host/name"
            ) from None  # the cause may quote the password
        # SQLite gives its turn to whoever asks at the right moment: among many threads one may never get it.
        self._turn = threading.Lock() if self._url.get_backend_name() == "sqlite" else None

    @property
    def address(self) -> str:
        """The database's address without its password."""
        return self._url.render_as_string(hide_password=True)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that writes; it is kept when the block ends well.

        Raises:
            StoreError: the database cannot be reached or is too busy.
            ItemError: it cannot keep a value, such as an id that is too long.
        """
        self._look_at_file()
        with self._errors(), self._in_turn(), self.engine.begin() as connection:
            yield connection

    def _look_at_file(self) -> None:
        """Let go of a file that another one has taken the place of."""
        if self.file is not None and self.file.is_in_use and self.file.is_another():
            self.engine.dispose()

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        """One writer of this process after the other, where the database lets one write at a time."""
        if self._turn is None:
            yield
            return
        if not self._turn.acquire(timeout=BUSY_SECONDS):
            raise StoreError(
                f"the database {self.address} cannot be used: no turn to write came within {BUSY_SECONDS} s; "
                "another process may hold it, or too many tasks run at once for SQLite"
            )
        try:
            yield
        finally:
            self._turn.release()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads.

        Raises:
            StoreError: the database cannot be reached.
        """
        self._look_at_file()
        with self._errors(), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A transaction that only reads, and sees all of it as it is at one moment, however long that takes.

        Raises:
            StoreError: the database cannot be reached.
        """
        with self.read() as connection:
            if connection.dialect.name == "postgresql":  # in SQLite each transaction is so
                connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            yield connection

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OperationalError as error:
            raise StoreError(f"the database {self.address} cannot be used: {_first_line(error)}") from error
        except NoConnectionError as error:
            raise StoreError(
                f"the database {self.address} cannot be used: all connections stayed in use; run fewer tasks at once"
            ) from error
        except DataError as error:
            raise ItemError(f"the database cannot keep it: {_first_line(error)}") from error
        except DBAPIError as error:
            refused = getattr(error.orig, "sqlstate", None) in _REFUSALS
            if error.connection_invalidated or refused or isinstance(error.orig, sqlite3.DatabaseError):
                raise StoreError(
                    f"the database {self.address} cannot be used: {_first_line(error)}"
                ) from error
            raise

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _first_line(error: DBAPIError) -> str:
    return drivers_words(error.orig)


def _use_wal(cursor: sqlite3.Cursor) -> None:
    """Let readers and a writer work side by side. SQLite itself does not wait for its turn at this switch."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _file_of(url: URL) -> DatabaseFile | None:
    """The file of an SQLite database that is kept in one."""
    if (
        url.get_backend_name() != "sqlite"
        or not url.database
        or url.database.startswith((":memory:", "file:"))
    ):
        return None
    return DatabaseFile(Path(url.database))


def _engine(parsed: URL, file: DatabaseFile | None) -> Engine:
    if parsed.get_backend_name() != "sqlite":
        given = {name: value for name, value in CONNECT.items() if name not in parsed.query}
        return create_engine(parsed, pool_pre_ping=True, hide_parameters=True, connect_args=given, **POOL)
    if file is not None:
        try:
            private_directory(file.path.parent)
        except OSError as error:
            raise StoreError(f"the directory of {file.path} cannot be made: {error.strerror}") from error
    # Errors must not quote what is stored.
    engine = create_engine(
        parsed, hide_parameters=True, connect_args={"timeout": BUSY_SECONDS}, **(POOL if file else {})
    )

    @event.listens_for(engine, "do_connect")
    def _close_to_others(*_: Any) -> None:
        if file is None:
            return
        file.check_before_opening()
        # SQLite gives its other files the rights of the database's. What cannot be opened is told by itself.
        with suppress(OSError):
            private_file(file.path)

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy's own BEGIN below, not the driver's late one
        cursor = connection.cursor()
        _use_wal(cursor)
        cursor.execute("PRAGMA synchronous=FULL")  # a base that is said to be kept survives a power cut
        cursor.close()
        if file is not None:
            file.opened()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A writer takes its turn at once: one that reads first and then writes could be refused midway.
        reads = connection.get_execution_options().get("lockstep_reads", False)
        statement = "BEGIN" if reads else "BEGIN IMMEDIATE"
        try:  # by the driver itself: what SQLAlchemy makes of a statement takes ten times as long as this one
            connection.connection.execute(statement)
        except sqlite3.Error as error:
            raise DBAPIError.instance(
                statement, None, error, sqlite3.Error, hide_parameters=True, dialect=connection.dialect
            ) from error

    return engine
