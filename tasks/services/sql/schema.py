"""A table as it is synced: what the database says of it, held against what the set-up says."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from tasks.errors import TaskDefinitionError, UnfitError
from tasks.nearest import nearest
from tasks.services.sql.column import Column, meaning_of
from tasks.services.sql.file_column import Files
from tasks.services.sql.options import Flag, Options
from tasks.services.sql.reflecting import Reflected
from tasks.services.sql.values import Raw, Reference
from tasks.sides import Kind

_TITLES = ("title", "name", "subject", "summary", "label", "task")


@dataclass(frozen=True, slots=True)
class Mark:
    """What tells that a row is deleted, where it is not taken away."""

    column: Column
    #: What is written to delete a row, `None` for the time of the write; and to restore it.
    on: Raw
    off: Raw

    def written(self) -> Raw:
        """What is written to delete a row now."""
        return self.column.now() if self.on is None else self.on

    @property
    def is_on(self) -> sa.ColumnElement[bool]:
        """Whether a row is deleted."""
        if self.on is None:
            return self.column.sql.is_not(None)
        return sa.and_(self.column.sql.is_not(None), self.column.sql == self.on)

    @property
    def is_off(self) -> sa.ColumnElement[bool]:
        """Whether it is not."""
        return self.column.sql.is_(None) if self.on is None else sa.not_(self.is_on)


@dataclass(frozen=True, slots=True)
class Schema:
    """A table as it is synced."""

    name: str
    schema: str | None
    columns: Mapping[str, Column]
    #: The columns by which a row is found again.
    key: tuple[Column, ...]
    #: What people call a row by.
    title: Column | None
    changed: Column | None
    version: Column | None
    mark: Mark | None
    #: Which rows are synced, by column.
    scope: Mapping[str, Raw]
    #: The column whose value follows from what tells a create that is made again.
    create_key: Column | None
    is_view: bool
    shows_all: bool
    identity: str
    is_plain: bool
    constraints: Mapping[str, Sequence[str]]
    #: The columns that have the names of files, by the column that has the file.
    names_of_files: Mapping[str, Column]

    @property
    def sql(self) -> sa.TableClause:
        """As statements name it; SQLAlchemy quotes every name."""
        return sa.table(self.name, *(column.sql for column in self.columns.values()), schema=self.schema)

    @property
    def in_scope(self) -> list[sa.ColumnElement[bool]]:
        """The conditions of the rows that are synced."""
        conditions = [self.columns[name].sql == raw for name, raw in self.scope.items()]
        return conditions if self.mark is None else [*conditions, self.mark.is_off]

    def written(self, name: str) -> Column:
        """A column that is to be written.

        Raises:
            UnfitError: there is none.
        """
        if name not in self.columns:
            raise UnfitError(f"{self.name} has no column {name}", [name])
        return self.columns[name]

    def raws(self, name: str, value: Any, old: Raw = None) -> dict[str, Raw]:
        """What is written of a value, by column: of a file its name too, and its bytes where they are not there yet.

        Raises:
            UnfitError: the column does not take it.
        """
        column = self.written(name)
        if not isinstance(column.codec, Files):
            return {name: column.raw(value, old)}
        raws = {} if column.codec.holds(value, old) else {name: column.raw(value)}
        by = self.names_of_files.get(name)
        try:
            return raws if by is None else raws | {by.name: by.raw(value[0].name if value else None)}
        except UnfitError as error:
            raise UnfitError(str(error), [name]) from None

    def has_key(self, key: Sequence[Raw]) -> list[sa.ColumnElement[bool]]:
        """The conditions of the row with this key."""
        return [_is_key(column, raw) for column, raw in zip(self.key, key, strict=True)]


def _is_key(column: Column, raw: Raw) -> sa.ColumnElement[bool]:
    """An id is a text; in a column without a type of SQLite's, a number is not equal to its text."""
    if column.dialect.name == "sqlite" and isinstance(raw, str) and re.fullmatch(r"-?[0-9]{1,18}", raw):
        return column.sql.in_([raw, int(raw)])
    return column.sql == raw


def synced(found: Reflected, options: Options) -> Schema:
    """A table as it is synced.

    Raises:
        TaskDefinitionError: the set-up does not fit the table.
    """
    columns = dict(found.columns)
    names_of_files: dict[str, Column] = {}

    def named(name: str, said: str) -> Column:
        if name not in columns:
            raise TaskDefinitionError(
                f"{said} names {name!r}, which {options.table} does not have: {nearest(name, columns)}"
            )
        if said in ("changed", "version", "deleted") and columns[name].in_key:
            raise TaskDefinitionError(f"{said} names {name}, which is part of the key of {options.table}")
        return columns[name]

    key = _key(found, options, tuple(named(name, "key").name for name in options.key))
    for name in key:
        one = columns[name]
        if one.codec.kind is Kind.OPAQUE:
            raise TaskDefinitionError(
                f"{options.table}: its key {name} is binary data, which names no row here"
            )
        columns[name] = replace(
            one,
            in_key=True,
            writable=one.writable and not one.has_default,
            codec=replace(one.codec, nullable=False),
        )
    for name in options.references:
        columns[name] = _reference(named(name, "references"), key, options.table)
    for name, said in options.files.items():
        _check_file(named(name, "files"))
        if said.column is not None:
            by = named(said.column, f"files.{name}")
            if by.codec.kind is not Kind.TEXT or not by.writable or by.in_key:
                raise TaskDefinitionError(
                    f"files.{name} names {by.name} for the names of files: give a column of texts that can be written"
                )
            columns[by.name] = replace(by, writable=False)  # it is written with the file
            names_of_files[name] = by
    if options.title is not None:
        named(options.title, "title")
    _give_meanings(columns, options.title)
    title = next((one for one in columns.values() if one.meaning == "title"), None)
    return Schema(
        options.table,
        options.schema,
        columns,
        tuple(columns[name] for name in key),
        title,
        changed=_changed(options, named),
        version=_version(options, named),
        mark=None
        if options.deleted is None
        else _mark(options.deleted, named(options.deleted.column, "deleted")),
        scope={name: _scope(named(name, "where"), value) for name, value in options.where.items()},
        create_key=_create_key(found, options, named),
        is_view=found.is_view,
        shows_all=found.shows_all,
        identity=found.identity,
        is_plain=found.is_plain,
        constraints=found.constraints,
        names_of_files=names_of_files,
    )


def _check_file(column: Column) -> None:
    if column.codec.kind is not Kind.FILE:
        raise TaskDefinitionError(
            f"files names {column.name}, a column of the kind {column.codec.kind}: give one of bytes (bytea, BLOB)"
        )


def _reference(column: Column, key: Sequence[str], table: str) -> Column:
    """A column that refers to rows by their keys."""
    place = column.leads_to
    if place is not None and place.table == table and (place.column,) != tuple(key):
        raise TaskDefinitionError(
            f"references names {column.name}, which refers to {place.column} of {table}, but rows are named by "
            f"{', '.join(key)}: leave it out, or say by key that {place.column} names them"
        )
    if column.codec.kind not in (Kind.TEXT, Kind.WHOLE):
        raise TaskDefinitionError(
            f"references names {column.name}, a column of the kind {column.codec.kind}: give one with keys of rows"
        )
    return replace(column, codec=Reference(column.codec.nullable, column.codec))


def _key(found: Reflected, options: Options, said: tuple[str, ...]) -> tuple[str, ...]:
    if not said and not found.primary:
        kind = "view" if found.is_view else "table"
        raise TaskDefinitionError(
            f"the {kind} {options.table} has no primary key: say by key which columns no two rows have alike"
        )
    if said and not found.is_view and not any(set(group) <= set(said) for group in found.unique):
        raise TaskDefinitionError(
            f"key names {', '.join(said)}, which two rows of {options.table} may have alike: make it unique in the "
            "database"
        )
    return said or found.primary


def _give_meanings(columns: dict[str, Column], title: str | None) -> None:
    texts = [name for name, one in columns.items() if one.codec.kind is Kind.TEXT and not one.is_uuid]
    usual = [name for wanted in _TITLES for name in texts if name.lower() == wanted]
    others = sorted(texts, key=lambda name: columns[name].in_key)
    found = title or next(iter([*usual, *others]), None)
    taken = {"title"}
    for name, one in columns.items():
        meaning = "title" if name == found else meaning_of(name, one.codec.kind, taken)
        taken.add(meaning)
        columns[name] = replace(one, meaning=meaning)


def _changed(options: Options, named: Any) -> Column | None:
    if options.changed is None:
        return None
    column: Column = named(options.changed, "changed")
    if column.codec.kind not in (Kind.MOMENT, Kind.DATE, Kind.WHOLE):
        raise TaskDefinitionError(
            f"changed names {column.name}, a column of the kind {column.codec.kind}: give a time or a number that grows"
        )
    return column


def _version(options: Options, named: Any) -> Column | None:
    if options.version is None:
        return None
    column: Column = named(options.version, "version")
    if column.codec.kind is not Kind.WHOLE:
        raise TaskDefinitionError(
            f"version names {column.name}, a column of the kind {column.codec.kind}: give one of whole numbers"
        )
    return column


def _mark(flag: Flag, column: Column) -> Mark:
    kind, nullable = column.codec.kind, column.codec.nullable
    if not column.writable:
        raise TaskDefinitionError(f"deleted names {column.name}, which cannot be written")
    if kind in (Kind.MOMENT, Kind.DATE) and flag.value is None:
        if not nullable:
            raise TaskDefinitionError(f"deleted names {column.name}, which is never empty: give its value")
        return Mark(column, None, None)
    on = True if kind is Kind.YES_NO and flag.value is None else flag.value
    if on is None:
        raise TaskDefinitionError(
            f"deleted names {column.name}: say with value what it shows of a deleted row"
        )
    if kind is not Kind.YES_NO and not nullable and flag.otherwise is None:
        raise TaskDefinitionError(f"deleted names {column.name}, which is never empty: say otherwise as well")
    off = (not on if isinstance(on, bool) else None) if flag.otherwise is None else flag.otherwise
    try:
        return Mark(column, column.raw(on), column.raw(off))
    except UnfitError as error:
        raise TaskDefinitionError(f"deleted: {error}; give value and otherwise") from None


def _scope(column: Column, value: Any) -> Raw:
    try:
        return column.dialect.raw(column.codec.write(value))
    except ValueError as error:
        raise TaskDefinitionError(f"where: {column.name} {error}") from None


def _create_key(found: Reflected, options: Options, named: Any) -> Column | None:
    if options.create_key is None:
        return None
    column: Column = named(options.create_key, "create_key")
    if (column.name,) not in found.unique or not column.writable:
        raise TaskDefinitionError(
            f"create_key names {column.name}: give a column of texts or UUIDs with a unique index that can be written"
        )
    return column
