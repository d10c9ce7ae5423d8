"""Times that were set for a task while it is scheduled, in the place of those that its definition says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, insert, select

from tasks.errors import TaskDefinitionError
from tasks.schedule import Schedule, checked
from worker.store import schema
from worker.store.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """What was set for one task."""

    task: str
    #: In the words of tables (`tasks.schedule.TIMING`).
    said: Mapping[str, Any]
    at: datetime
    by: str

    def over(self, schedule: Schedule) -> Schedule:
        """A schedule with these times; as it is, where they do not go together (any more).

        Whoever sets them is told. What is defined may change later: then that counts.
        """
        try:
            return checked(schedule.changed(self.said)) if schedule.recurs else schedule
        except TaskDefinitionError:
            return schedule


class Timings:
    """Reading and writing the table `timing`."""

    def __init__(self, store: Database) -> None:
        self._store = store

    def all(self) -> dict[str, Timing]:
        """All, by task."""
        with self._store.read() as connection:
            rows = connection.execute(select(schema.timing)).mappings().all()
        return {
            row["task"]: Timing(task=row["task"], said=json.loads(row["said"]), at=row["at"], by=row["by"])
            for row in rows
        }

    def keep(self, task: str, said: Mapping[str, Any], by: str) -> None:
        """Set times for a task."""
        with self._store.write() as connection:
            connection.execute(delete(schema.timing).where(schema.timing.c.task == task))
            connection.execute(
                insert(schema.timing).values(
                    task=task, said=json.dumps(dict(said)), at=datetime.now(UTC), by=schema.storable(by)
                )
            )

    def drop(self, task: str) -> bool:
        """Let the definition count again; False where nothing was set."""
        with self._store.write() as connection:
            dropped = connection.execute(delete(schema.timing).where(schema.timing.c.task == task))
        return dropped.rowcount > 0
