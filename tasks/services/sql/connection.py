"""The connection to a database: its address, its transactions, and what an error of its driver means."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import sqlalchemy as sa
from pydantic import SecretStr
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from config.drivers import drivers_words
from tasks.errors import ItemError, OutcomeUnknownError, SideError, TaskDefinitionError
from tasks.server_engine import server_engine
from tasks.services.sql.dialects import DIALECTS, Dialect
from tasks.services.sql.file_column import MEASURE, measured

T = TypeVar("T")

#: How long a connection to a server may take, a statement, and a wait for others who write, in seconds.
CONNECT_SECONDS, STATEMENT_SECONDS, BUSY_SECONDS = 10, 120, 15
#: How often a transaction is made that the database gave up for another one.
TRIES = 3
_WRONG_ADDRESS = (
    "the address of the database cannot be used: give sqlite:///path or postgresql://user@host/name"
)
#: As PostgreSQL shows values, whatever the role or the database says otherwise; for one transaction only, so that a
#: pool between here and the server may give the next one to another connection.
_SETTINGS = (
    "SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL IntervalStyle = 'postgres'; "
    f"SET LOCAL extra_float_digits = 1; SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s'; "
    f"SET LOCAL lock_timeout = '{BUSY_SECONDS}s'; "
    f"SET LOCAL idle_in_transaction_session_timeout = '{STATEMENT_SECONDS}s'"
)
#: A transaction that reads sees one moment; and what a deferred constraint refuses is to be known of the statement.
_READS = f"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; {_SETTINGS}"
_WRITES = f"{_SETTINGS}; SET CONSTRAINTS ALL IMMEDIATE"


#: No connection, no such user, database, schema, table or column, no room, or the server goes down.
_UNUSABLE = ("08", "28", "3D", "3F", "42P01", "42703", "53", "57P")


class BusyError(ItemError):
    """The database gave a transaction up for another one: nothing was written, and it may go now."""


def parsed(url: str, password: SecretStr | None = None) -> sa.URL:
    """An address of SQLite or PostgreSQL.

    Raises:
        TaskDefinitionError: it is none.
    """
    try:
        address = sa.make_url(url.strip())
    except (ArgumentError, ValueError):  # the cause may quote the password
        raise TaskDefinitionError(_WRONG_ADDRESS) from None
    if address.drivername in ("postgres", "postgresql"):
        address = address.set(drivername="postgresql+psycopg")
    if address.drivername not in ("postgresql+psycopg", "sqlite", "sqlite+pysqlite"):
        raise TaskDefinitionError(f"{_WRONG_ADDRESS}, not {address.drivername}://")
    if address.get_backend_name() == "sqlite" and address.database in (None, "", ":memory:"):
        raise TaskDefinitionError("the address of the database names no file: give sqlite:///path")
    return address if password is None else address.set(password=password.get_secret_value())


def _engine(address: sa.URL) -> sa.Engine:
    pool = {"pool_size": 1, "max_overflow": 1}
    if address.get_backend_name() == "postgresql":
        patience: dict[str, Any] = {
            "connect_timeout": CONNECT_SECONDS,
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 3,
            "application_name": "lockstep",
            "client_encoding": "utf8",
            "prepare_threshold": None,  # what is prepared would not be found through a pool of connections
        }
        return server_engine(address, patience, **pool)
    path = Path(address.database or "").expanduser()

    def connect() -> sqlite3.Connection:
        # Not made where it is missing: an empty database would look like one from which all was deleted.
        connection = sqlite3.connect(
            f"file:{quote(str(path))}?mode=rw", uri=True, timeout=BUSY_SECONDS, check_same_thread=False
        )
        connection.isolation_level = None  # what begins is said here, not by the driver
        connection.text_factory = _text
        connection.create_function(MEASURE, 1, measured, deterministic=True)
        connection.execute("PRAGMA foreign_keys=ON")
        return connection

    return sa.create_engine(
        "sqlite://", creator=connect, poolclass=sa.QueuePool, hide_parameters=True, pool_pre_ping=True, **pool
    )


def _text(raw: bytes) -> str | bytes:
    """A text as SQLite has it; one that is no text stays as it is, and only its value cannot be read."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw


def sqlstate(error: DBAPIError) -> str:
    """The code by which PostgreSQL names an error; empty where there is none."""
    return getattr(error.orig, "sqlstate", None) or ""


def words(error: DBAPIError) -> str:
    """What the driver says of an error, in one line without values."""
    return drivers_words(error.orig)


def is_unusable(error: DBAPIError) -> bool:
    """Whether the database or the table as a whole cannot be used: it is not about one row."""
    return error.connection_invalidated or sqlstate(error).startswith(_UNUSABLE)


def is_busy(error: DBAPIError) -> bool:
    """Whether others were in the way, so that nothing was written."""
    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
    busy = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    return sqlstate(error) in ("40001", "40P01", "55P03", "57014") or code in busy


class Database:
    """A database while a run goes on.

    Args:
        address: what `parsed` gave.
        label: what people call what is read there, for messages.
    """

    def __init__(self, address: sa.URL, label: str) -> None:
        self.address = address
        self.label = label
        self.dialect: Dialect = DIALECTS[address.get_backend_name()]
        self.engine = _engine(address)

    @property
    def place(self) -> str:
        """The database without its user and password."""
        if self.dialect.name == "sqlite":
            return f"the file {self.address.database}"
        port = f":{self.address.port}" if self.address.port else ""
        host = self.address.host or self.address.query.get("host") or "this machine"
        return f"the database {self.address.database or 'of the user'} on {host}{port}"

    def close(self) -> None:
        """Close the connection."""
        self.engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A transaction that sees the database at one moment.

        Raises:
            SideError: the database cannot be read.
        """
        try:
            with self.engine.connect() as connection, connection.begin():
                if self.dialect.name == "sqlite":
                    connection.exec_driver_sql("BEGIN")
                else:
                    connection.exec_driver_sql(_READS)
                yield connection
        except DBAPIError as error:
            raise self._unusable(error) from None
        except UnicodeDecodeError:  # of a database that does not look what its texts are
            raise SideError(f"{self.label} in {self.place} has a text that is no UTF-8") from None

    def write(self, work: Callable[[sa.Connection], T]) -> T:
        """Do something in one transaction, all of it or nothing.

        Args:
            work: what is done; an error that it raises undoes it.

        Raises:
            ItemError: the database did not take it.
            OutcomeUnknownError: it may have been done.
            SideError: the database cannot be reached; nothing was done.
        """
        for _ in range(TRIES - 1):
            try:
                return self._write(work)
            except BusyError:
                continue
        return self._write(work)

    def _write(self, work: Callable[[sa.Connection], T]) -> T:
        committing, number = False, None
        try:
            with self.engine.connect() as connection:
                transaction = connection.begin()
                try:
                    number = self._begin(connection)
                    done = work(connection)
                    committing = True
                    transaction.commit()
                except BaseException:
                    if not connection.invalidated:
                        transaction.rollback()
                    raise
        except DBAPIError as error:
            if is_busy(error):
                raise BusyError(f"{self.label} is busy: {words(error)}") from None
            if committing and not sqlstate(error).startswith(("23", "40", "44")):
                if self._is_committed(number):
                    return done
                raise OutcomeUnknownError(
                    f"{self.label}: no answer came to a write ({words(error)}), so it may have been made"
                ) from None
            if is_unusable(error) or sqlstate(error) == "":
                raise self._unusable(error) from None
            raise ItemError(f"{self.label} does not take it: {words(error)}") from None
        return done

    def _begin(self, connection: sa.Connection) -> tuple[str, str] | None:
        """Begin a transaction that writes; where PostgreSQL can say later what became of it, how it is named there."""
        if self.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            return None
        connection.exec_driver_sql(_WRITES)
        asked = sa.text("SELECT CAST(pg_current_xact_id() AS text), CAST(pg_postmaster_start_time() AS text)")
        number, server = connection.execute(asked).one()
        return number, server

    def _is_committed(self, number: tuple[str, str] | None) -> bool:
        """Whether PostgreSQL says that a transaction was kept.

        Raises:
            SideError: it says that it was not.
        """
        if number is None:
            return False
        asked = sa.text(
            "SELECT pg_xact_status(CAST(:number AS xid8)) "
            "WHERE CAST(pg_postmaster_start_time() AS text) = :server"  # another server has other numbers
        )
        try:
            with self.engine.connect() as connection, connection.begin():
                connection.exec_driver_sql(_READS)
                status = connection.execute(asked, {"number": number[0], "server": number[1]}).scalar()
        except SQLAlchemyError:
            return False  # it is not there to be asked: the next run looks
        if status == "aborted":
            raise SideError(f"the connection to {self.place} was lost before a write was made")
        return bool(status == "committed")

    def _unusable(self, error: DBAPIError) -> SideError:
        return SideError(f"{self.label} in {self.place} cannot be used: {words(error)}")
