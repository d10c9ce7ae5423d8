"""The ledger: every value that lost."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, func, insert, select, update

from tasks.merge import Conflict, Name
from tasks.values.canonical import dump, load
from worker.store import schema
from worker.store.database import Database


@dataclass(frozen=True, slots=True)
class ConflictRecord:
    """One line of the ledger."""

    id: int
    task: str
    run_id: str
    at: datetime
    left_id: str
    right_id: str
    #: `None` where an object was deleted on one side and edited on the other.
    attribute: str | None
    base: Any
    left: Any
    right: Any
    left_edited: datetime | None
    right_edited: datetime | None
    #: `left`, `right`, or `None` where neither was written.
    winner: str | None
    rule: str
    #: The side whose value a person brought back, and when.
    taken: str | None = None
    taken_at: datetime | None = None
    #: What people call the object; `None` where that is not known.
    title: str | None = None
    address: str | None = None

    @property
    def pair(self) -> tuple[str, str]:
        """Both ids."""
        return self.left_id, self.right_id

    @property
    def name(self) -> Name:
        """What people call the object."""
        return schema.name_of(self)

    def value_on(self, side: str) -> Any:
        """The value that a side had."""
        return self.left if side == "left" else self.right


class Conflicts:
    """Reading and writing the table `conflict`."""

    def __init__(self, store: Database) -> None:
        self._store = store

    def count(self, task: str | None = None) -> int:
        """How many conflicts are in the ledger, of one task or of all."""
        query = select(func.count()).select_from(schema.conflict)
        if task is not None:
            query = query.where(schema.conflict.c.task == task)
        with self._store.read() as connection:
            return int(connection.scalar(query) or 0)

    def list(self, task: str | None = None, limit: int = 100) -> list[ConflictRecord]:
        """The newest conflicts, of one task or of all."""
        table = schema.conflict
        query = select(table).order_by(table.c.id.desc()).limit(limit)
        if task is not None:
            query = query.where(table.c.task == task)
        with self._store.read() as connection:
            return [_record(row) for row in connection.execute(query).mappings()]

    def find(self, conflict_id: int) -> ConflictRecord | None:
        """One conflict by its number."""
        query = select(schema.conflict).where(schema.conflict.c.id == conflict_id)
        with self._store.read() as connection:
            row = connection.execute(query).mappings().first()
        return None if row is None else _record(row)

    def take(self, conflict_id: int, side: str) -> None:
        """Note whose value a person brought back."""
        with self._store.write() as connection:
            connection.execute(
                update(schema.conflict)
                .where(schema.conflict.c.id == conflict_id)
                .values(taken=side, taken_at=datetime.now(UTC))
            )

    @staticmethod
    def keep(connection: Connection, task: str, conflict: Conflict, run_id: str) -> None:
        """Add a conflict; one that is there already, from a run that was cut off, is not added again."""
        row = {
            "left_id": conflict.left_id,
            "right_id": conflict.right_id,
            "attribute": conflict.attribute,
            "base": dump(conflict.base),
            "left_value": dump(conflict.left),
            "right_value": dump(conflict.right),
            "left_edited": conflict.left_edited,
            "right_edited": conflict.right_edited,
        }
        fingerprint = hashlib.sha256(dump(row).encode()).hexdigest()
        table = schema.conflict.c
        known = select(table.id).where(table.task == task, table.fingerprint == fingerprint)
        if connection.execute(known).first() is None:
            connection.execute(
                insert(schema.conflict).values(
                    task=task,
                    fingerprint=fingerprint,
                    run_id=run_id,
                    at=datetime.now(UTC),
                    winner=conflict.winner and conflict.winner.value,
                    rule=conflict.rule,
                    **schema.name_columns(conflict.name),
                    **row,
                )
            )


def _record(row: RowMapping) -> ConflictRecord:
    fields = {key.removesuffix("_value"): row[key] for key in row if key != "fingerprint"}
    for name in ("base", "left", "right"):
        fields[name] = load(fields[name])
    return ConflictRecord(**fields)
