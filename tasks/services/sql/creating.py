"""Making rows: what a new one gets, and how a create that is made again finds what it made."""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from tasks.errors import ItemError, UnfitError
from tasks.services.sql.column import Column
from tasks.services.sql.reading import Reader
from tasks.services.sql.row import Row
from tasks.services.sql.schema import Schema
from tasks.services.sql.sending import Sender
from tasks.services.sql.values import Raw
from tasks.sides import ID, Kind
from tasks.values.canonical import is_empty

#: Namespace of the keys of rows.
_ROWS = uuid.UUID("6f0f3c0e-5a1e-4f0e-8f0c-2f6f0a4c7b51")


@dataclass(frozen=True, slots=True)
class Creator:
    """Makes the rows of a table."""

    reader: Reader
    label: str
    #: The ids of the rows that were synced last.
    synced: Collection[ID]

    @property
    def schema(self) -> Schema:
        """The table."""
        return self.reader.schema

    def create(self, key: str, values: Mapping[str, Any]) -> Row:
        """Make a row; the one that was made with this key, where the table has a place for that.

        Raises:
            UnfitError: a value does not fit.
            ItemError: the database does not take the row.
        """
        raws = self._filled(values)
        token = self._token(key, raws)
        raws |= token
        for column in self.schema.key:
            if column.name not in raws and not column.has_default and not self.schema.is_view:
                raise ItemError(
                    f"{self.label}: nobody says which {column.name} a new row has, and it is its key"
                )

        def work(connection: sa.Connection) -> Row:
            made = self._made_before(connection, token)
            if made is not None:
                return made
            given = {**raws, **self._number(connection)}
            added = Sender(connection, self.schema, self.label).insert(given, list(values)).rows
            row = self.reader.one(connection, tuple(added[0]), anywhere=True) if len(added) == 1 else None
            if row is None:
                raise ItemError(f"{self.label} did not keep the new row: something in the database undid it")
            return row

        return self.reader.database.write(work)

    def made(self, key: str) -> ID | None:
        """The id of the row that was made with this key, where the table has a place for that."""
        token = self._token(key, self._filled({}))
        return self._look(token) if token else None

    def _look(self, token: Mapping[str, Raw]) -> ID | None:
        with self.reader.database.reading() as connection:
            found = self._with(connection, token)
        return self.reader.row(found[0]).id if len(found) == 1 else None

    def _with(self, connection: sa.Connection, token: Mapping[str, Raw]) -> Sequence[sa.Row[Any]]:
        conditions = [self.schema.columns[name].sql == raw for name, raw in token.items()]
        return connection.execute(self.reader.select(conditions)).all()

    def _filled(self, values: Mapping[str, Any]) -> dict[str, Raw]:
        """What a new row gets, by column: what is given, and what the scope says."""
        raws: dict[str, Raw] = {}
        unfit: dict[str, str] = {}
        for name, value in values.items():
            column = self.schema.written(name)
            filled = not column.codec.nullable and (column.has_default or column.in_key)
            if is_empty(value) and (filled or name in self.schema.scope):
                continue  # the database knows what it has then, or the scope, or what tells the create
            try:
                raws |= self.schema.raws(name, value)
            except UnfitError as error:
                unfit[name] = str(error)
        for name, raw in self.schema.scope.items():
            if raws.setdefault(name, raw) != raw:
                unfit[name] = f"{name} would put the row out of what is synced, which is {name} = {raw!r}"
        if unfit:
            raise UnfitError("; ".join(unfit.values()), unfit)
        return raws | self._unsaid(raws)

    def _unsaid(self, given: Collection[str]) -> dict[str, Raw]:
        """What a program would set besides, where the database does not."""
        found: dict[str, Raw] = {}
        changed, version, mark = self.schema.changed, self.schema.version, self.schema.mark
        if changed is not None and changed.codec.kind is Kind.MOMENT and _is_open(changed, given):
            found[changed.name] = changed.now()
        if version is not None and _is_open(version, given):
            found[version.name] = version.raw(1)
        if mark is not None and _is_open(mark.column, given):
            found[mark.column.name] = mark.off
        for name, column in self.schema.columns.items():
            if (
                name not in found
                and not column.in_key
                and not column.codec.nullable
                and _is_open(column, given)
            ):
                with suppress(UnfitError):  # the database refuses it then, by name
                    found[name] = column.raw(None)
        return found

    def _number(self, connection: sa.Connection) -> dict[str, Raw]:
        """The number of a new row, where it would get that of one which was synced, and be taken for it."""
        column = self.schema.key[0]
        if not column.is_reused:
            return {}
        last = connection.execute(sa.select(sa.func.max(column.sql)).select_from(self.schema.sql)).scalar()
        known = (int(one) for one in self.synced if re.fullmatch(r"[0-9]{1,18}", one))
        return {column.name: max(last or 0, *known, 0) + 1}

    def _token(self, key: str, given: Collection[str]) -> dict[str, Raw]:
        """What is written so that a row that was made with this key is found again."""
        column, schema = self.schema.create_key, self.schema
        if column is None:
            open_keys = [one for one in schema.key if one.name not in given]
            column = open_keys[0] if len(open_keys) == 1 and _may_be_given(open_keys[0]) else None
        if column is None or column.name in given:
            return {}
        return {column.name: str(uuid.uuid5(_ROWS, key))}

    def _made_before(self, connection: sa.Connection, token: Mapping[str, Raw]) -> Row | None:
        """The row that an earlier try made; put back, where somebody marked it as deleted meanwhile."""
        if not token:
            return None
        found = self._with(connection, token)
        if len(found) != 1:
            return None
        row, mark = self.reader.row(found[0]), self.schema.mark
        if mark is not None:
            Sender(connection, self.schema, self.label).restore(mark, row)
        return self.reader.one(connection, row.key, anywhere=True)


def _is_open(column: Column, given: Collection[str]) -> bool:
    """Whether nobody says what a new row has there."""
    return column.writable and not column.has_default and column.name not in given


def _may_be_given(column: Column) -> bool:
    """Whether a key may be a UUID that is made here: its type is that, or nothing says what else it is."""
    codec = column.codec
    length = getattr(codec, "length", None)
    is_text = codec.kind is Kind.TEXT and not column.has_default and (length is None or length >= 36)
    return column.is_uuid or (is_text and column.writable)
