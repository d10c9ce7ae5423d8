"""Changing rows: each write is one transaction, and takes only a row that is still as it was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from tasks.errors import ItemError, PreconditionError, UnfitError
from tasks.services.sql.reading import Reader
from tasks.services.sql.row import Row, key_of
from tasks.services.sql.schema import Schema
from tasks.services.sql.sending import Sender
from tasks.services.sql.values import Raw
from tasks.sides import ID


@dataclass(frozen=True, slots=True)
class Writer:
    """Changes the rows of a table."""

    reader: Reader
    label: str

    @property
    def schema(self) -> Schema:
        """The table."""
        return self.reader.schema

    def _sender(self, connection: sa.Connection) -> Sender:
        return Sender(connection, self.schema, self.label)

    def update(self, row: Row, changes: Mapping[str, Any]) -> Row:
        """Set columns of a row in one statement, and give the row as it is then.

        Raises:
            PreconditionError: the row is not as it was read.
            UnfitError: values do not fit; nothing was written.
        """
        raws: dict[str, Raw] = {}
        unfit: dict[str, str] = {}
        for name, value in changes.items():
            column = self.schema.written(name)
            if column.in_key:
                unfit[name] = f"{name} is the key of the row, which stays"
                continue
            try:
                raws |= self.schema.raws(name, value, row.raws.get(name))
            except UnfitError as error:
                unfit[name] = str(error)
        if unfit:
            raise UnfitError("; ".join(unfit.values()), unfit)

        def work(connection: sa.Connection) -> Row:
            # A file that is there under the only name that it can have is not written again.
            found = (
                self._sender(connection).update(self._unchanged(row), raws, row, list(changes))
                if raws
                else len(connection.execute(self.reader.select(self._unchanged(row))).all())
            )
            if found != 1:
                raise self._changed_meanwhile(connection, row)
            now = self.reader.one(connection, row.key, anywhere=True)
            if now is None:
                raise ItemError(f"{self.label}: the row is not to be found after the write, which is undone")
            return now

        return self.reader.database.write(work)

    def delete(self, row: Row) -> None:
        """Delete a row, or mark it as deleted.

        Raises:
            PreconditionError: the row is not as it was read.
            ItemError: others refer to it.
        """
        mark = self.schema.mark

        def work(connection: sa.Connection) -> None:
            conditions = self._unchanged(row)
            sender = self._sender(connection)
            if mark is None:
                count = sender.delete(conditions)
            else:
                count = sender.update(conditions, {mark.column.name: mark.written()}, row)
            if count != 1:
                raise self._changed_meanwhile(connection, row)

        self.reader.database.write(work)

    def restore(self, obj_id: ID) -> Row | None:
        """Take the mark of a deleted row away; `None` where the row is not there."""
        mark, key = self.schema.mark, key_of(obj_id, len(self.schema.key))
        if mark is None or key is None:
            return None

        def work(connection: sa.Connection) -> Row | None:
            row = self.reader.one(connection, key, anywhere=True)
            if row is None:
                return None
            self._sender(connection).restore(mark, row)
            return self.reader.one(connection, key)

        return self.reader.database.write(work)

    def _unchanged(self, row: Row) -> list[sa.ColumnElement[bool]]:
        """The conditions of a row that is as it was read."""
        still = [
            self.schema.columns[name].is_still(raw) for name, raw in row.raws.items() if name in self._watched
        ]
        alive = [] if self.schema.mark is None else [self.schema.mark.is_off]
        return [*self.schema.has_key(row.key), *still, *alive]

    @property
    def _watched(self) -> set[str]:
        """The columns of which a change is one of the row; that it was touched is none."""
        changed = self.schema.changed
        return set(self.reader.names) - ({changed.name} if changed is not None else set())

    def _changed_meanwhile(self, connection: sa.Connection, row: Row) -> PreconditionError:
        there = self.reader.one(connection, row.key)
        what = "was deleted" if there is None else "was edited"
        return PreconditionError(f"the row {row.id} of {self.label} {what} since it was read")
