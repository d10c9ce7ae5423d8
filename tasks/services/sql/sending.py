"""Sending a statement that writes: what the database refuses is told with the columns that it is about."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import StatementError

from tasks.services.sql import refusals
from tasks.services.sql.dialects import UNTOUCHED
from tasks.services.sql.row import Row
from tasks.services.sql.schema import Mark, Schema
from tasks.services.sql.values import Raw
from tasks.sides import Kind


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a statement: the rows that it gave, and how many it found."""

    rows: Sequence[Sequence[Any]]
    count: int


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends statements about the rows of a table within a transaction."""

    connection: sa.Connection
    schema: Schema
    #: What people call the table.
    label: str

    def insert(self, raws: Mapping[str, Raw], given: Sequence[str]) -> Answer:
        """Make a row; the answer is its key.

        Args:
            raws: what the row gets.
            given: the columns that a person may be told of.

        Raises:
            ItemError: the database does not take it.
        """
        insert = sa.insert(self.schema.sql).values({name: _bound(raw) for name, raw in raws.items()})
        keys = [column.dialect.shown(column.sql) for column in self.schema.key]
        return self._sent(insert.returning(*keys), given)

    def delete(self, conditions: Sequence[sa.ColumnElement[bool]]) -> int:
        """Delete rows; how many there were.

        Raises:
            ItemError: the database does not let them go.
        """
        return self._sent(sa.delete(self.schema.sql).where(*conditions), ()).count

    def update(
        self,
        conditions: Sequence[sa.ColumnElement[bool]],
        raws: Mapping[str, Raw],
        row: Row,
        given: Sequence[str] = (),
    ) -> int:
        """Set columns of rows, and what tells other programs of it; how many rows there were.

        Args:
            conditions: of which rows.
            raws: what they get.
            row: as it was read.
            given: the columns that a person may be told of.

        Raises:
            UnfitError: the database does not take some of them; nothing was written.
        """
        told = self._told(raws, row)

        def statement(names: Collection[str]) -> sa.Update:
            new = {name: _bound(raw) for name, raw in raws.items() if name in names}
            return sa.update(self.schema.sql).where(*conditions).values({**new, **told})

        return self._sent(statement(raws), given, statement).count

    def restore(self, mark: Mark, row: Row) -> None:
        """Take the mark of a deleted row away, if it has one."""
        self.update([*self.schema.has_key(row.key), mark.is_on], {mark.column.name: mark.off}, row)

    def _told(self, raws: Collection[str], row: Row) -> dict[str, Any]:
        """What other programs know a write by: its time, and one version more."""
        changed, version = self.schema.changed, self.schema.version
        told: dict[str, Any] = {}
        if (
            changed is not None
            and changed.codec.kind is Kind.MOMENT
            and changed.writable
            and changed.name not in raws
        ):
            told[changed.name] = _bound(changed.now(row.raws.get(changed.name)))
        if version is not None and version.writable and version.name not in raws:
            told[version.name] = version.sql + sa.literal_column("1")
        return told

    def _sent(
        self,
        statement: Any,
        given: Sequence[str],
        of: Callable[[Collection[str]], Any] | None = None,
    ) -> Answer:
        """The answer to a statement.

        Args:
            statement: what is sent.
            given: the columns that a person may be told of.
            of: the statement for some of them only, to find out which ones are refused.
        """
        tried = self._try(statement, keep=True)
        if isinstance(tried, Answer):
            return tried
        names = refusals.columns_of(tried, self.schema.columns, self.schema.constraints)
        if not names and len(given) > 1 and of is not None:
            names = [name for name in given if not isinstance(self._try(of([name]), keep=False), Answer)]
        elif not names and len(given) == 1:
            names = list(given)
        raise refusals.refusal(tried, self.label, names, given) from None

    def _try(self, statement: Any, *, keep: bool) -> Answer | Exception:
        """What became of a statement; a refusal leaves the transaction as it was before."""
        savepoint = self.connection.begin_nested()
        try:
            result = self.connection.execute(statement)
            # All of it before the savepoint ends: SQLite does not end one while an answer is being read.
            answer = Answer(result.all() if result.returns_rows else (), result.rowcount)
        except (StatementError, OverflowError) as error:
            if not refusals.is_refusal(error):
                raise
            savepoint.rollback()
            return error
        (savepoint.commit if keep else savepoint.rollback)()
        return answer


def _bound(raw: Raw) -> Any:
    return sa.bindparam(None, raw, UNTOUCHED, unique=True)
