"""The rows of a table or view of a database as a side of a sync."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import SecretStr

from tasks.errors import ItemError, SideError, TaskDefinitionError
from tasks.nearest import nearest
from tasks.services.sql.connection import Database, parsed
from tasks.services.sql.creating import Creator
from tasks.services.sql.file_column import Files
from tasks.services.sql.options import Flag, Named, Options
from tasks.services.sql.reading import Reader
from tasks.services.sql.reflecting import reflect
from tasks.services.sql.row import Row
from tasks.services.sql.schema import Schema, synced
from tasks.services.sql.writing import Writer
from tasks.sides import ID, Attribute, Changes, Listing, Side, title_key, whole_of
from tasks.values.file import File
from tasks.values.opaque import Opaque


class Table(Side):
    """The rows of a table or view, in SQLite or PostgreSQL.

    Its attributes are the columns. A row is written only while it is as it was read, in one statement of one
    transaction, and is read again before that ends: what the database made of a value is what is shown.

    Arguments:
        table: The table or view.
        url: The database, such as `sqlite:///path` or `postgresql://user@host/name`; without one, `url_variable`.
        url_variable: The variable of the environment that holds it at the time of a run.
        password: The user's password; without one, that of the address, else `SQL_PASSWORD`.
        schema: The table's schema, where it is not found without.
        key: The columns that name a row, where there is no primary key.
        title: The column that people call a row by; by default `name`, `title` or the like, else the first text.
        changed: A column that every write sets to the time, or to a number that grows over the whole table. Writes of
            this side set a time too.
        look_back: How far back changes are read again, in seconds of a time or in numbers of a number.
        version: A column of whole numbers that every write to a row raises by one, as those of this side do.
        deleted: The column that marks a row as deleted; or a table with `column`, `value` and `otherwise`.
        where: Only rows with these values, by column; new rows get them.
        create_key: A unique column of texts or UUIDs that keeps a create from being made twice.
        references: Columns that hold the key of another row, of this table or of another one.
        files: Columns of bytes of which each row holds a file, and the name of that; or a table with the `column` that
            has the names.
        max_file_mb: Megabytes of a file, at most, that is carried into a column or from there.
        zone: The zone of times that name none, and in which days begin.
        label: What people call it; by default after the table.

    Raises:
        TaskDefinitionError: the address, the zone or an option does not fit.
    """

    def __init__(
        self,
        table: str,
        *,
        url: SecretStr | str | None = None,
        url_variable: str = "SQL_URL",
        password: SecretStr | str | None = None,
        schema: str | None = None,
        key: Sequence[str] = (),
        title: str | None = None,
        changed: str | None = None,
        look_back: int = 600,
        version: str | None = None,
        deleted: str | Mapping[str, Any] | None = None,
        where: Mapping[str, Any] | None = None,
        create_key: str | None = None,
        references: Sequence[str] = (),
        files: Mapping[str, str | Mapping[str, Any]] | None = None,
        max_file_mb: int = 100,
        zone: str = "UTC",
        label: str | None = None,
    ) -> None:
        self.label = label or f"the table {table}"
        self._url = SecretStr(url) if isinstance(url, str) else url
        self._variable = url_variable
        self._password = SecretStr(password) if isinstance(password, str) else password
        if self._url is not None:
            parsed(self._url.get_secret_value())
        self.options = Options(
            table,
            schema,
            tuple(key),
            title,
            changed,
            look_back,
            version,
            _flag(deleted),
            dict(where or {}),
            create_key,
            tuple(references),
            {name: _named(name, said) for name, said in (files or {}).items()},
            max_file_mb * 1_000_000,
            _zone(zone),
        )
        self._database: Database | None = None
        self._schema: Schema | None = None
        self._reader: Reader | None = None
        #: What was synced last, by id.
        self._synced: Mapping[ID, Mapping[str, Any]] = {}

    # -- a run --------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Make the connection, with the login of the environment where none was given.

        Raises:
            SideError: nobody says where the database is.
        """
        url = self._url.get_secret_value() if self._url is not None else os.environ.get(self._variable)
        if not url:
            raise SideError(
                f"{self.label}: nobody says where the database is; set {self._variable} in .env, or url"
            )
        address, password = parsed(url), self._password
        if password is None and address.password is None and os.environ.get("SQL_PASSWORD"):
            password = SecretStr(os.environ["SQL_PASSWORD"])
        self._database = Database(parsed(url, password), self.label)

    def close(self) -> None:
        """Close the connection."""
        database, self._database = self._database, None
        self._schema = self._reader = None
        if database is not None:
            database.close()

    def recall(self, remembered: Any, synced: Mapping[ID, Mapping[str, Any]]) -> None:
        """Take over which rows were synced: those that are missing later were deleted."""
        self._synced = synced

    def describe(self) -> Mapping[str, Attribute]:
        """The columns, with the kinds of their types.

        Raises:
            SideError: the database cannot be reached, or has no such table.
            TaskDefinitionError: the set-up does not fit the table.
        """
        with self.database.reading() as connection:
            self._schema = schema = synced(reflect(self.database, connection, self.options), self.options)
        self._read(schema.columns)
        return {name: column.attribute for name, column in schema.columns.items()}

    def check(self, attributes: Collection[str]) -> None:
        """See to it that the table has these columns, and that they can be read.

        Raises:
            TaskDefinitionError: it has not.
            SideError: they cannot be read.
        """
        schema = self.schema
        for name in sorted(set(attributes) - schema.columns.keys()):
            raise TaskDefinitionError(f"{self.label} has no column {name!r}: {nearest(name, schema.columns)}")
        self._read(attributes)
        with self.database.reading() as connection:
            connection.execute(self.reader.select(schema.in_scope).limit(1)).all()

    def _read(self, attributes: Collection[str]) -> None:
        """Read these columns from now on, and those that the side itself needs."""
        schema = self.schema
        own = [one.name for one in (schema.title, schema.changed, schema.version) if one is not None]
        names = [name for name in schema.columns if name in attributes or name in own]
        self._reader = Reader(self.database, schema, names, self.options.look_back)

    def scope(self) -> str:
        """The database, the table, and which rows of it."""
        address, options = self.database.address, self.options
        place = [address.get_backend_name(), address.host, address.port, address.database]
        mark = options.deleted and [options.deleted.column, options.deleted.value]
        key = [[column.name, column.codec.kind.value, column.is_uuid] for column in self.schema.key]
        where = dict(sorted(self.schema.scope.items()))
        return json.dumps([place, options.schema, options.table, key, where, mark], default=str)

    @property
    def database(self) -> Database:
        """The database while a run goes on.

        Raises:
            TaskDefinitionError: it was not opened.
        """
        if self._database is None:
            raise TaskDefinitionError(f"{self.label} is not open, call open() first")
        return self._database

    @property
    def schema(self) -> Schema:
        """What is known of the table.

        Raises:
            TaskDefinitionError: it was not looked at.
        """
        if self._schema is None:
            self.describe()
        if self._schema is None:
            raise TaskDefinitionError(f"{self.label} was not looked at, call describe() first")
        return self._schema

    @property
    def reader(self) -> Reader:
        """What reads the rows."""
        if self._reader is None:
            self._read(self.schema.columns)
        if self._reader is None:
            raise TaskDefinitionError(f"{self.label} was not looked at, call describe() first")
        return self._reader

    @property
    def _writer(self) -> Writer:
        self.before_write()
        return Writer(self.reader, self.label)

    # -- reading ------------------------------------------------------------------------------------------

    def list(self) -> Listing:
        """All rows."""
        return whole_of(self.reader.pages(self.scope()))

    def pages(self) -> Iterator[Listing]:
        """The same, some hundred rows at a time, all as they were at one moment."""
        return self.reader.pages(self.scope())

    def changes(self, cursor: Any) -> Changes:
        """The rows that changed since a cursor, and those that were deleted."""
        return self.reader.changes(cursor, self.scope(), self._synced)

    def get(self, obj_id: ID) -> Row | None:
        """A row by its key; `None` where it is not there, marked as deleted, or out of what is synced."""
        return self.reader.get(obj_id)

    @property
    def places(self) -> tuple[str, ...]:
        """The table, by which foreign keys name it."""
        return (self.options.table,)

    def gone_among(self, attribute: str, ids: Collection[ID]) -> Collection[ID]:
        """The keys of rows that are not there any more: a foreign key may be emptied with its row."""
        column = self.schema.columns[attribute]
        if column.leads_to is None:
            return []
        with self.database.reading() as connection:
            there = connection.execute(column.leads_to.there(ids)).scalars()
            return sorted(set(ids) - {str(one) for one in there})

    def is_gone(self, obj_id: ID) -> bool:
        """Whether a row was deleted; what a view or the rights of this user hide was not."""
        return self.reader.is_gone(obj_id)

    # -- one row ------------------------------------------------------------------------------------------

    def id(self, obj: Row) -> ID:
        """The key."""
        return obj.id

    def key(self, obj: Row) -> str:
        """The title without regard to case and outer blanks; of a table without texts, the key."""
        return title_key(self._title(obj)) if self.schema.title is not None else obj.id

    def edited(self, obj: Row) -> datetime | None:
        """What the column says that bears the time of the last write."""
        changed = self.schema.changed
        value = None if changed is None else changed.codec.read(obj.raws[changed.name])
        return value if isinstance(value, datetime) else None

    def values(self, obj: Row) -> dict[str, Any]:
        """The values of the columns, `Opaque` where one cannot be read."""
        columns = self.schema.columns
        return {name: columns[name].codec.read(raw) for name, raw in obj.raws.items()}

    def title(self, obj: Row) -> str:
        """The title in one line."""
        return " ".join(self._title(obj).split())

    def address(self, obj: Row) -> str:
        """The table and the key."""
        names = ", ".join(column.name for column in self.schema.key)
        return " ".join(f"{self.options.table}, {names} {obj.id}".split())

    def _title(self, obj: Row) -> str:
        title = self.schema.title
        value = None if title is None else title.codec.read(obj.raws[title.name])
        return "" if value is None or isinstance(value, Opaque) else str(value)

    def read_file(self, obj_id: ID, file: File, path: Path) -> None:
        """Write the bytes of a row's file.

        Raises:
            ItemError: it is not there any more, or too large.
        """
        row = self.get(obj_id)
        for name, value in ({} if row is None else self.values(row)).items():
            if row is None or not isinstance(self.schema.columns[name].codec, Files) or value != (file,):
                continue
            most = self.options.most_bytes
            if value[0].size > most:
                raise ItemError(
                    f"{file.name} has {value[0].size:,} bytes; files of up to {most:,} are carried (max_file_mb of "
                    f"{self.label})"
                )
            data = self.reader.bytes_of(row.key, name)
            if data is not None:
                path.write_bytes(data)
                return
        raise ItemError(f"{self.label} has {file.name} no more in the row {obj_id}")

    def lacks_files(self, obj: Row | None, attribute: str, files: Sequence[File]) -> Sequence[File]:
        """Which files are not in the column yet.

        Raises:
            ItemError: it does not take them.
        """
        codec = self.schema.columns[attribute].codec
        if not isinstance(codec, Files):
            raise ItemError(f"{attribute} of {self.label} holds no files")
        try:
            return codec.lacking(files, None if obj is None else obj.raws.get(attribute))
        except ItemError as error:
            raise ItemError(f"{attribute} {error}") from None

    # -- writing ------------------------------------------------------------------------------------------

    def create(self, key: str, values: dict[str, Any]) -> Row:
        """Make a row, or give the one that was made with this key where the table has a place for it."""
        self.before_write()
        return Creator(self.reader, self.label, self._synced).create(key, values)

    def made(self, key: str) -> ID | None:
        """The row that shows this key, where the table has a place for it."""
        return Creator(self.reader, self.label, self._synced).made(key)

    def update(self, obj: Row, changes: dict[str, Any]) -> Row:
        """Set columns of a row that is as it was read."""
        return self._writer.update(obj, changes)

    def delete(self, obj: Row) -> None:
        """Delete a row that is as it was read, or mark it as deleted."""
        self._writer.delete(obj)

    def restore(self, obj_id: ID) -> Any:
        """Take the mark of a deleted row away; without such marks, a deleted row is gone for good."""
        return NotImplemented if self.options.deleted is None else self._writer.restore(obj_id)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise TaskDefinitionError(
            f"time zone {name!r} is unknown, use a name such as Europe/Berlin"
        ) from None


def _named(name: str, said: str | Mapping[str, Any]) -> Named:
    if isinstance(said, str) and said:
        return Named(said)
    if isinstance(said, Mapping) and said.keys() == {"column"} and isinstance(said["column"], str):
        return Named(column=said["column"])
    raise TaskDefinitionError(
        f'files.{name}: give the name of the file, such as "scan.pdf", or {{ column = "…" }} that has the names'
    )


def _flag(said: str | Mapping[str, Any] | None) -> Flag | None:
    if said is None:
        return None
    if isinstance(said, str):
        return Flag(said)
    try:
        return Flag(**said)
    except TypeError:
        raise TaskDefinitionError("deleted is a column, or has column, value and otherwise") from None
