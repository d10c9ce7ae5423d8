"""What the writes of each run replaced."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection, insert, select

from tasks.merge import Effect, End
from tasks.values.canonical import dump, load
from worker.store import schema
from worker.store.database import Database

_INSERT = insert(schema.effect)


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
        return [
            Effect(
                row.kind,
                End(row.side),
                row.target_id,
                row.source_id,
                load(row.before),
                load(row.after),
                schema.name_of(row),
            )
            for row in rows
        ]

    @staticmethod
    def keep(connection: Connection, task: str, effect: Effect, run_id: str) -> None:
        """Keep what a write is about to replace."""
        connection.execute(
            _INSERT,
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
            },
        )
