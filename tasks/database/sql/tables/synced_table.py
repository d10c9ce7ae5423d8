"""The user's tables that are synced, and their columns' values as JSON."""

# ruff: noqa: S608  names are quoted; values never become part of a statement

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import NoSuchTableError

from tasks.database.sql.tables.connection import Database
from tasks.database.sql.tables.schema import KEY_MAX
from tasks.database.sql.values import postgresql as postgresql_values
from tasks.database.sql.values import sqlite as sqlite_values
from tasks.database.sql.values.codec import Convert, ValueRefusedError
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
        dialect: the database's.
        loose_keys: whether the database takes different keys for one, such as `abc` and `ABC`.

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
    loose_keys: bool = False
    #: What is made once for it (`tables.once`).
    made: dict[Any, Any] = field(default_factory=dict, init=False, compare=False, repr=False)

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
            if isinstance(by, sa.Connection):
                return replace(made, read_by=read, loose_keys=made._ignores_case(by))
            with database.errors(), by.connect() as connection:
                return replace(made, read_by=read, loose_keys=made._ignores_case(connection))

        return read(database.engine)

    def reread(self, connection: sa.Connection) -> SyncedTable | None:
        """The table as the database describes it now; None where it was not read from there.

        Raises:
            TaskDefinitionError: there is no such table any more, or it cannot be synced.
        """
        return None if self.read_by is None else self.read_by(connection)

    def _ignores_case(self, connection: sa.Connection) -> bool:
        """Whether keys that differ, in their case for instance, may be one key to the database."""
        kind = self.key_column.type
        if not isinstance(kind, sa.String):
            return False
        if self.dialect == "sqlite":
            master = f"{self.table.schema}.sqlite_master" if self.table.schema else "sqlite_master"
            made = sa.text(
                f"SELECT sql FROM {master} WHERE type IN ('table', 'index') AND lower(tbl_name) = lower(:name)"
            )
            found = connection.scalars(made, {"name": self.table.name})
            return any("collate" in text.lower() for text in found if text)
        made = sa.text(
            "SELECT NOT c.collisdeterministic FROM pg_attribute a JOIN pg_collation c ON c.oid = a.attcollation "
            "WHERE a.attrelid = CAST(:name AS regclass) AND a.attname = :column"
        )
        values = {"name": self.quoted(connection), "column": self.identity}
        return isinstance(kind, postgresql.CITEXT) or bool(connection.scalar(made, values))

    @cached_property
    def documents(self) -> list[str]:
        """Fields that hold JSON."""
        kinds = {name: postgresql_values.base_of(self.table.c[name].type) for name in self.fields}
        return [name for name, kind in kinds.items() if isinstance(kind, sa.JSON)]

    @cached_property
    def in_place(self) -> bool:
        """Whether rows that are there can only be updated: as new ones they might be refused, or taken for others."""
        return self.loose_keys or any(
            not column.nullable
            and column.name not in self.fields
            and column.server_default is None
            and not column.computed
            and column.identity is None
            for column in self.table.c
        )

    @cached_property
    def gives_numbers(self) -> bool:
        """Whether the database wants to give numbers of its own to new rows, and has to be told otherwise."""
        return any((made := self.table.c[name].identity) is not None and made.always for name in self.fields)

    @cached_property
    def counted(self) -> list[str]:
        """Fields with whole numbers of which each is there once."""
        groups = [*self.unique_groups(), [self.identity]]
        return [
            name
            for name in self.fields
            if isinstance(self.table.c[name].type, sa.Integer)
            and ([name] in groups or self.table.c[name].unique)
        ]

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

    @property
    def _values(self) -> Any:
        return sqlite_values if self.dialect == "sqlite" else postgresql_values

    @cached_property
    def _write_key(self) -> Convert:
        made: Convert = self._values.writer(self.key_column.type, key=True)
        return made

    @cached_property
    def doubtful(self) -> frozenset[str]:
        """Fields of which only the database can tell what becomes of a value."""
        if self.dialect == "sqlite":
            return frozenset()
        return frozenset(
            name for name in self.fields if postgresql_values.is_doubtful(self.table.c[name].type)
        )

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
        return postgresql_values.bound(kind)

    def key_in(self, key: str) -> Any:
        """The identity's value of a record's key, as the database keeps it; raises `ValueRefusedError`."""
        if self._whole_numbers and len(key) <= _DIGITS and key.isascii() and key.isdigit() and key[0] != "0":
            return int(key)
        if len(key) > KEY_MAX:
            raise ValueRefusedError(f"a key has {KEY_MAX} characters at most")
        value = self._write_key(key)
        if self.key_out(value) != key:
            raise ValueRefusedError("no key of this table")
        return value

    def keys_in(self, keys: Sequence[str]) -> list[Any]:
        """As `key_in`, of many keys; raises `ValueRefusedError` where it refuses one."""
        if self._whole_numbers and keys:
            digits = "".join(keys)
            lengths = {*map(len, keys)}
            plain = 0 not in lengths and max(lengths) <= _DIGITS and digits.isascii() and digits.isdigit()
            if plain and not any(key[0] == "0" for key in keys):
                return [*map(int, keys)]
        return [*map(self.key_in, keys)]

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
        return str(value).rstrip(" ") if self.padded_keys else str(value)

    @cached_property
    def padded_keys(self) -> bool:
        """Whether the database fills keys up with blanks, which are no part of them."""
        return self.dialect == "postgresql" and postgresql_values.is_padded(self.key_column.type)

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
        kinds = {name: self.table.c[name].type for name in self.fields if name != self.identity}
        return [(name, self._values.writer(kind)) for name, kind in kinds.items()]

    def data_of(self, row: Sequence[Any]) -> dict[str, Any]:
        """A row's values, in the order of `fields`, as JSON."""
        return {
            name: value if value.__class__ in plain else read(value)
            for (name, plain, read), value in zip(self._readers, row, strict=True)
        }

    def data_of_all(self, rows: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
        """As `data_of`, of many rows, a column at a time."""
        columns = [
            column if plain.issuperset(map(type, column)) else [*map(read, column)]
            for (_, plain, read), column in zip(self._readers, zip(*rows, strict=True), strict=False)
        ]
        return [dict(zip(self.fields, row, strict=True)) for row in zip(*columns, strict=True)]

    @cached_property
    def _readers(self) -> list[tuple[str, frozenset[type], Convert]]:
        kinds = {name: self.table.c[name].type for name in self.fields}
        values = self._values
        return [(name, values.plain_classes(kind), values.reader(kind)) for name, kind in kinds.items()]
