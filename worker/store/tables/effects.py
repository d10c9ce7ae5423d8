"""What the writes of each run replaced."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, or_, select

from tasks.merge import ID, Effect, End, Name
from tasks.values.canonical import dump, load
from worker.store import schema
from worker.store.database import Database

_INSERT = insert(schema.effect)


@dataclass(frozen=True, slots=True)
class KeptEffect:
    """A write, with its run and its time."""

    run_id: str
    at: datetime
    effect: Effect


class Effects:
    """Reading and writing the table `effect`."""

    def __init__(self, store: Database) -> None:
        self._store = store

    def of_run(self, run_id: str) -> list[Effect]:
        """What a run wrote, in its order."""
        table = schema.effect.c
        with self._store.read() as connection:
            rows = connection.execute(
                select(schema.effect).where(table.run_id == run_id).order_by(table.id)
            ).all()
        return [_effect(row) for row in rows]

    def objects(self, task: str) -> list[tuple[tuple[ID, ID], Name]]:
        """The objects that were written, each time with both ids as far as they are known, and what it was called."""
        table = schema.effect.c
        columns = table.side, table.target_id, table.source_id, table.title, table.address
        with self._store.read() as connection:
            rows = connection.execute(select(*columns).where(table.task == task).order_by(table.id)).all()
        return [
            (_in_order(row.side, row.target_id or "", row.source_id or ""), schema.name_of(row))
            for row in rows
        ]

    def of_object(self, task: str, keys: Collection[tuple[End, ID]]) -> list[KeptEffect]:
        """What was written to an object on either side, in order."""
        table = schema.effect.c
        ours = [
            ((table.side == end.value) & (table.target_id == one))
            | ((table.side == end.opposite.value) & (table.source_id == one))
            for end, one in keys
        ]
        with self._store.read() as connection:
            rows = connection.execute(
                select(schema.effect).where(table.task == task, or_(False, *ours)).order_by(table.id)
            ).all()
        return [KeptEffect(row.run_id, row.at, _effect(row)) for row in rows]

    @staticmethod
    def keep(connection: Connection, task: str, effect: Effect, run_id: str) -> None:
        """Keep what a write is about to replace."""
        Effects.keep_all(connection, task, [effect], run_id)

    @staticmethod
    def keep_all(connection: Connection, task: str, effects: Sequence[Effect], run_id: str) -> None:
        """Keep what writes are about to replace."""
        rows = [
            {
                "task": task,
                "run_id": run_id,
                "at": datetime.now(UTC),
                "kind": effect.kind,
                "side": effect.side.value,
                "target_id": effect.target_id,
                "source_id": effect.source_id,
                "before": dump(dict(effect.before)),
                "after": dump(dict(effect.after)),
                **schema.name_columns(effect.name),
            }
            for effect in effects
        ]
        if rows:
            connection.execute(_INSERT, rows)


def _effect(row: Any) -> Effect:
    return Effect(
        row.kind,
        End(row.side),
        row.target_id,
        row.source_id,
        load(row.before),
        load(row.after),
        schema.name_of(row),
    )


def _in_order(side: str, target: ID, source: ID) -> tuple[ID, ID]:
    """The left id and the right one."""
    return (target, source) if side == End.LEFT.value else (source, target)
