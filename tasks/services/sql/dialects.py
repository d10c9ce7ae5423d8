"""What SQLite and PostgreSQL do each in its own way: showing a column, comparing it, taking a value."""

from __future__ import annotations

from abc import ABC, abstractmethod
from decimal import Decimal
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.types import UserDefinedType

from tasks.services.sql.file_column import MEASURE
from tasks.services.sql.values import Plain, Raw


class Untouched(UserDefinedType[Any]):
    """The type of all columns in statements: SQLAlchemy converts nothing, in neither direction."""

    cache_ok = True


UNTOUCHED = Untouched()
#: A column as a statement names it.
Named: TypeAlias = sa.ColumnClause[Any]


def _named(file: sa.ColumnElement[Any], name: Named | None) -> sa.ColumnElement[Any]:
    """What tells a file, with its name behind; nothing where there is none."""
    if name is None:
        return file
    return file.op("||")(sa.literal_column("' '")).op("||")(sa.func.coalesce(name, sa.literal_column("''")))


class Dialect(ABC):
    """One kind of database."""

    name: str
    #: Whether texts may hold the sign NUL.
    takes_nul: bool

    @abstractmethod
    def shown(self, column: Named, *, is_list: bool = False) -> sa.ColumnElement[Any]:
        """The expression that gives a column's raw value."""

    @abstractmethod
    def file(self, column: Named, name: Named | None) -> sa.ColumnElement[Any]:
        """The expression that gives the digest, the size and the name of the file in a column."""

    @abstractmethod
    def raw(self, value: Plain) -> Raw:
        """A value in the form that the driver takes."""

    @abstractmethod
    def is_still(self, column: Named, raw: Raw, *, is_list: bool = False) -> sa.ColumnElement[bool]:
        """Whether a column shows what it showed, letter by letter."""


class SQLite(Dialect):
    """A file, in which any column may hold any value."""

    name = "sqlite"
    takes_nul = True

    def shown(self, column: Named, *, is_list: bool = False) -> sa.ColumnElement[Any]:
        """The column itself."""
        return column

    def file(self, column: Named, name: Named | None) -> sa.ColumnElement[Any]:
        """What a function of ours says, which the connection brings."""
        return _named(getattr(sa.func, MEASURE)(column), name)

    def raw(self, value: Plain) -> Raw:
        """A number for what is no text."""
        if isinstance(value, Decimal):
            return int(value) if value == int(value) and abs(value) < 2**63 else float(value)
        return int(value) if isinstance(value, bool) else value  # type: ignore[return-value]  # it has no lists

    def is_still(self, column: Named, raw: Raw, *, is_list: bool = False) -> sa.ColumnElement[bool]:
        """Compared without regard to what the column takes for equal."""
        if raw is None:
            return column.is_(None)
        if isinstance(raw, bytes):  # a text that is no text, or bytes
            return sa.cast(column, sa.LargeBinary) == sa.bindparam(None, raw, UNTOUCHED, unique=True)
        bound = sa.bindparam(None, raw, UNTOUCHED, unique=True)
        return (sa.collate(column, "BINARY") if isinstance(raw, str) else column) == bound


class PostgreSQL(Dialect):
    """A server that shows and reads every type as text."""

    name = "postgresql"
    takes_nul = False

    def shown(self, column: Named, *, is_list: bool = False) -> sa.ColumnElement[Any]:
        """The text that PostgreSQL shows; JSON for a list."""
        return sa.cast(sa.func.to_jsonb(column) if is_list else column, sa.Text)

    def file(self, column: Named, name: Named | None) -> sa.ColumnElement[Any]:
        """What the server makes of the bytes, which stay there."""
        digest = sa.func.encode(sa.func.sha256(column), sa.literal_column("'hex'"))
        size = sa.cast(sa.func.octet_length(column), sa.Text)
        return _named(digest.op("||")(sa.literal_column("' '")).op("||")(size), name)

    def raw(self, value: Plain) -> Raw:
        """A text, as PostgreSQL reads it for the column's type."""
        match value:
            case None | str() | bytes():
                return value
            case bool():
                return "true" if value else "false"
            case list():
                quoted = (name.replace("\\", "\\\\").replace('"', '\\"') for name in value)
                return "{" + ",".join(f'"{name}"' for name in quoted) + "}"
        return repr(value) if isinstance(value, float) else str(value)

    def is_still(self, column: Named, raw: Raw, *, is_list: bool = False) -> sa.ColumnElement[bool]:
        """Compared without regard to what the column takes for equal."""
        if raw is None:
            return column.is_(None)
        return sa.collate(self.shown(column, is_list=is_list), "C") == str(raw)


DIALECTS: dict[str, Dialect] = {one.name: one for one in (SQLite(), PostgreSQL())}
