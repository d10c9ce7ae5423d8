"""The user's tables that are synced, and their columns' values as JSON."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import NoSuchTableError

from tasks.database.sql.codec import (
    Convert,
    ValueRefusedError,
    decoder,
    encode,
    plain_classes,
    quick,
    sqlite_reader,
    sqlite_writer,
)
from tasks.database.sql.connection import Database
from tasks.database.sql.schema import KEY_MAX
from tasks.errors import TaskDefinitionError

#: Whole numbers of so many digits fit 64 bits for sure.
_DIGITS = 18


@dataclass(frozen=True)
class SyncedTable:
    """One table of the user's.

    Args:
        table: the table.
        label: its name among all nodes.
        identity: the column that names a record on every node: text, whole numbers or UUIDs.
        fields: the columns that are synced, the identity included.

    Raises:
        TaskDefinitionError: a column is unknown, or the identity is no primary key or of another type.
    """

    table: sa.Table
    label: str
    identity: str
    fields: tuple[str, ...]
    dialect: str
    #: Reads it again by a connection; None: a program has described the table.
    read_by: Callable[[sa.Connection], SyncedTable] | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.identity not in self.fields:
            object.__setattr__(self, "fields", (self.identity, *self.fields))
        unknown = sorted(set(self.fields) - set(self.table.c.keys()))
        if unknown:
            raise TaskDefinitionError(f"table {self.table.name!r} has no column {', '.join(unknown)}")
        if not isinstance(self.table.c[self.identity].type, sa.String | sa.Integer | sa.Uuid):
            raise TaskDefinitionError(
                f"column {self.identity!r} of table {self.table.name!r} cannot name records: "
                "use one of text, whole numbers or UUIDs"
            )
        if not self._is_unique():
            raise TaskDefinitionError(
                f"column {self.identity!r} of table {self.table.name!r} must be its primary key, or unique"
            )

    @classmethod
    def of(
        cls,
        table: sa.Table,
        dialect: str,
        *,
        label: str | None = None,
        identity: str | None = None,
        exclude: Collection[str] = (),
    ) -> SyncedTable:
        """All columns of a table but `exclude` and computed ones; the identity is the primary key."""
        if identity is None:
            key = list(table.primary_key.columns)
            if len(key) != 1:
                raise TaskDefinitionError(
                    f"table {table.name!r} needs a primary key of one column, or name the identity column"
                )
            identity = key[0].name
        missing = sorted(set(exclude) - set(table.c.keys()))
        if missing:
            raise TaskDefinitionError(f"table {table.name!r} has no column {', '.join(missing)}")
        left_out = set(exclude) - {identity}
        fields = tuple(
            column.name for column in table.c if column.name not in left_out and not column.computed
        )
        return cls(table, label or table.name, identity, fields, dialect)

    @classmethod
    def reflect(
        cls,
        database: Database,
        name: str,
        *,
        label: str | None = None,
        identity: str | None = None,
        exclude: Collection[str] = (),
        uuids: Collection[str] = (),
    ) -> SyncedTable:
        """A table as the database describes it; `name` may be `schema.table`.

        `uuids` are columns that hold UUIDs without saying so, as SQLite's do.

        Raises:
            TaskDefinitionError: there is no such table, or it cannot be synced.
            NodeDatabaseError: the database cannot be reached.
        """
        schema, _, bare = name.rpartition(".")

        def read(by: sa.Engine | sa.Connection) -> SyncedTable:
            try:
                with database.errors():
                    table = sa.Table(
                        bare, sa.MetaData(), schema=schema or None, autoload_with=by, resolve_fks=False
                    )
            except NoSuchTableError:
                raise TaskDefinitionError(f"there is no table {name!r} in {database.address}") from None
            missing = sorted(set(uuids) - set(table.c.keys()))
            if missing:
                raise TaskDefinitionError(f"table {name!r} has no column {', '.join(missing)}")
            for column in uuids:
                table.c[column].type = sa.Uuid()
            made = cls.of(table, database.dialect, label=label or name, identity=identity, exclude=exclude)
            return replace(made, read_by=read)

        return read(database.engine)

    def reread(self, connection: sa.Connection) -> SyncedTable | None:
        """The table as the database describes it now; None where it was not read from there.

        Raises:
            TaskDefinitionError: there is no such table any more, or it cannot be synced.
        """
        return None if self.read_by is None else self.read_by(connection)

    def _is_unique(self) -> bool:
        column = self.table.c[self.identity]
        if [each.name for each in self.table.primary_key.columns] == [self.identity] or column.unique:
            return True
        return [self.identity] in self.unique_groups()

    def unique_groups(self) -> list[list[str]]:
        """The columns of everything unique but the primary key."""
        groups = [
            *(each.columns for each in self.table.constraints if isinstance(each, sa.UniqueConstraint)),
            *(index.columns for index in self.table.indexes if index.unique),
        ]
        return [[each.name for each in group] for group in groups]

    @cached_property
    def unique_fields(self) -> frozenset[str]:
        """Fields that are part of something unique and may be empty; never the identity."""
        parts = {name for group in self.unique_groups() for name in group}
        return frozenset(
            name for name in self.fields if self.table.c[name].nullable and name in parts - {self.identity}
        )

    @cached_property
    def _whole_numbers(self) -> bool:
        return isinstance(self.key_column.type, sa.Integer)

    @cached_property
    def key_column(self) -> sa.Column[Any]:
        """The column that names records."""
        return self.table.c[self.identity]

    def quoted(self, connection: sa.Connection) -> str:
        """The table's name as SQL has it."""
        name = connection.dialect.identifier_preparer.format_table(self.table)
        # Some drivers' preparers double it for statements with parameters; ours have none.
        return name if "%" not in self.table.fullname else name.replace("%%", "%")

    @cached_property
    def _write(self) -> Mapping[str, Convert]:
        make = sqlite_writer if self.dialect == "sqlite" else decoder
        kinds = {name: self.table.c[name].type for name in self.fields}
        return {name: quick(kind, make(kind)) for name, kind in kinds.items()}

    @cached_property
    def _read(self) -> Mapping[str, Convert]:
        if self.dialect == "sqlite":
            return {name: sqlite_reader(self.table.c[name].type) for name in self.fields}
        return dict.fromkeys(self.fields, encode)

    def target(self, names: Collection[str]) -> sa.TableClause:
        """The table for an `INSERT` of rows that `row_of` made."""
        return sa.table(
            self.table.name,
            *(sa.column(name, self._bound(self.table.c[name].type)) for name in names),
            schema=self.table.schema,
        )

    def _bound(self, kind: sa.types.TypeEngine[Any]) -> sa.types.TypeEngine[Any]:
        if self.dialect == "sqlite":
            return sa.types.NullType()  # the values are in SQLite's own form already
        if isinstance(kind, sa.JSON):
            return type(kind)(none_as_null=True)
        return kind

    def key_in(self, key: str) -> Any:
        """The identity's value of a record's key, as the database keeps it; raises `ValueRefusedError`."""
        if self._whole_numbers and len(key) <= _DIGITS and key.isascii() and key.isdigit() and key[0] != "0":
            return int(key)
        if len(key) > KEY_MAX:
            raise ValueRefusedError(f"a key has {KEY_MAX} characters at most")
        value = self._write[self.identity](key)
        if self.key_out(value) != key:
            raise ValueRefusedError("no key of this table")
        return value

    def can_be_key(self, key: str) -> bool:
        """Whether a record of the table can have this key."""
        try:
            self.key_in(key)
        except ValueRefusedError:
            return False
        return True

    @cached_property
    def _uuids_as_hex(self) -> bool:
        return self.dialect == "sqlite" and isinstance(self.key_column.type, sa.Uuid)

    def key_out(self, value: Any) -> str:
        """A record's key of its identity's value."""
        if self._uuids_as_hex:
            try:
                return str(UUID(str(value)))
            except ValueError:
                return str(value)
        return str(value)

    def stored_key(self, key: str) -> str:
        """A record's key as the triggers write it: the identity's value as the database's own text."""
        if self._uuids_as_hex:
            try:
                return UUID(key).hex
            except ValueError:
                return key
        return key

    def row_of(self, key: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """The row that a record's data make; fields that the table does not have are left out.

        Raises:
            ValueRefusedError: a value does not fit its column.
        """
        row: dict[str, Any] = {self.identity: self.key_in(key)}
        name = ""
        try:
            for name, write in self._others:
                if name in data:
                    row[name] = write(data[name])
        except ValueRefusedError as error:
            raise ValueRefusedError(f"field {name!r}: {error}") from None
        return row

    @cached_property
    def _others(self) -> list[tuple[str, Convert]]:
        return [(name, write) for name, write in self._write.items() if name != self.identity]

    def data_of(self, row: Sequence[Any]) -> dict[str, Any]:
        """A row's values, in the order of `fields`, as JSON."""
        return {
            name: value if value.__class__ in plain else read(value)
            for (name, plain, read), value in zip(self._readers, row, strict=True)
        }

    @cached_property
    def _readers(self) -> list[tuple[str, frozenset[type], Convert]]:
        return [
            (name, plain_classes(self.table.c[name].type, self.dialect), read)
            for name, read in self._read.items()
        ]
