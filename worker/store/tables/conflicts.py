"""The ledger: every value that lost."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, func, insert, or_, select, update

from tasks.journal.ledger import LedgerEntry, Version
from tasks.sides import ID, End
from tasks.values.canonical import dump, load
from worker.store import schema
from worker.store.database import Database

#: What the columns of the two versions begin with.
_PLACES = {End.LEFT: "first", End.RIGHT: "second"}


@dataclass(frozen=True, slots=True)
class ConflictRecord:
    """One line of the ledger, as it is kept."""

    id: int
    task: str
    run_id: str
    at: datetime
    entry: LedgerEntry
    #: The side whose version a person brought back, and when.
    taken: End | None = None
    taken_at: datetime | None = None
    #: When a person marked it as seen, and who.
    done_at: datetime | None = None
    done_by: str | None = None


class Conflicts:
    """Reading and writing the table `conflict`."""

    def __init__(self, store: Database) -> None:
        self._store = store

    def count(self, task: str | None = None, *, unseen: bool = False) -> int:
        """How many conflicts are in the ledger, of one task or of all; `unseen` ones nobody has marked as seen."""
        query = select(func.count()).select_from(schema.conflict)
        if task is not None:
            query = query.where(schema.conflict.c.task == task)
        if unseen:
            query = query.where(schema.conflict.c.done_at.is_(None))
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

    def of_object(self, task: str, keys: Collection[tuple[End, ID]]) -> Sequence[ConflictRecord]:
        """The conflicts of an object, the oldest first."""
        table = schema.conflict.c
        ours = [table[f"{_PLACES[end]}_id"] == one for end, one in keys]
        query = select(schema.conflict).where(table.task == task, table.model == "", or_(False, *ours))
        with self._store.read() as connection:
            return [_record(row) for row in connection.execute(query.order_by(table.id)).mappings()]

    def find(self, conflict_id: int) -> ConflictRecord | None:
        """One conflict by its number."""
        query = select(schema.conflict).where(schema.conflict.c.id == conflict_id)
        with self._store.read() as connection:
            row = connection.execute(query).mappings().first()
        return None if row is None else _record(row)

    def mark_done(self, conflict_id: int, by: str) -> bool:
        """Note who has seen a conflict; False where somebody has before, whose name stays."""
        table = schema.conflict.c
        with self._store.write() as connection:
            marked = (
                update(schema.conflict)
                .where(table.id == conflict_id, table.done_at.is_(None))
                .values(done_at=datetime.now(UTC), done_by=schema.storable(by))
            )
            return bool(connection.execute(marked).rowcount)

    def take(self, conflict_id: int, side: End) -> None:
        """Note whose version a person brought back."""
        with self._store.write() as connection:
            connection.execute(
                update(schema.conflict)
                .where(schema.conflict.c.id == conflict_id)
                .values(taken=_PLACES[side], taken_at=datetime.now(UTC))
            )

    @staticmethod
    def keep(connection: Connection, task: str, entry: LedgerEntry, run_id: str) -> None:
        """Add an entry; one that is there already, from a run that was cut off, is not added again."""
        table = schema.conflict.c
        known = select(table.id).where(table.task == task, table.fingerprint == entry.fingerprint)
        if connection.execute(known).first() is None:
            connection.execute(
                insert(schema.conflict).values(
                    task=task,
                    fingerprint=entry.fingerprint,
                    run_id=run_id,
                    at=datetime.now(UTC),
                    model=entry.model,
                    attribute=entry.attribute,
                    base=dump(entry.base),
                    **_columns("first", entry.first),
                    **_columns("second", entry.second),
                    rule=entry.rule[:40],
                    why=schema.storable(entry.why),
                    **schema.name_columns(entry.name),
                )
            )


def _columns(place: str, version: Version) -> dict[str, Any]:
    return {
        f"{place}_where": schema.storable(version.where),
        f"{place}_id": version.id,
        f"{place}_value": dump(version.value),
        f"{place}_edited": version.edited,
        f"{place}_stayed": version.stayed,
    }


def _record(row: RowMapping) -> ConflictRecord:
    entry = LedgerEntry(
        first=_version("first", row),
        second=_version("second", row),
        model=row["model"],
        attribute=row["attribute"],
        base=load(row["base"]),
        rule=row["rule"],
        why=row["why"],
        name=schema.name_of(row),
    )
    taken = {place: end for end, place in _PLACES.items()}.get(row["taken"])
    return ConflictRecord(
        row["id"],
        row["task"],
        row["run_id"],
        row["at"],
        entry,
        taken,
        row["taken_at"],
        row["done_at"],
        row["done_by"],
    )


def _version(place: str, row: RowMapping) -> Version:
    where, object_id, value, edited, stayed = (
        row[f"{place}_{part}"] for part in ("where", "id", "value", "edited", "stayed")
    )
    return Version(where, object_id, load(value), edited, stayed)
