"""Tasks that are paused: since when, by whom, why, and until when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, delete, insert, select, update

from worker.store import schema
from worker.store.database import Database
from worker.store.tables.one_row import beside
from worker.store.tables.run_record import RAN

#: How a run ends that counts as a failure.
FAILURES = frozenset({"failed", "halted", "abandoned"})
#: Who pauses a task that fails.
BY_ITSELF = "Lockstep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """One pause that goes on."""

    task: str
    since: datetime
    #: Whoever asked for it, or `BY_ITSELF`.
    by: str
    why: str = ""
    #: When it ends by itself; `None`: when somebody resumes the task.
    until: datetime | None = None

    @property
    def by_itself(self) -> bool:
        """Whether nobody asked for it: the task failed too often in a row."""
        return self.by == BY_ITSELF

    def __str__(self) -> str:
        until = "" if self.until is None else f" until {self.until:%Y-%m-%d %H:%M} UTC"
        why = f": {self.why}" if self.why else ""
        return f"paused by {self.by} since {self.since:%Y-%m-%d %H:%M} UTC{until}{why}"

    def to_json(self) -> dict[str, Any]:
        """For scripts."""
        return {"since": self.since, "by": self.by, "why": self.why, "until": self.until}


class Pauses:
    """Reading and writing the table `pause`. A row stays when its pause is over: failures are counted from then on."""

    def __init__(self, store: Database) -> None:
        self._store = store

    def keep(self, pause: Pause) -> None:
        """Pause a task; a pause that it has is replaced."""
        with self._store.write() as connection:
            _keep(connection, pause)

    def end(self, task: str) -> Pause | None:
        """End a task's pause, and give it; `None` where there was none."""
        now = datetime.now(UTC)
        with self._store.write() as connection:
            known = _known(connection, task)
            if known is None or not _goes_on(known, now):
                return None
            row = schema.pause.c
            connection.execute(update(schema.pause).where(row.task == task).values(ended_at=now))
            return _pause(known)

    def of(self, task: str) -> Pause | None:
        """The pause of a task, if it goes on."""
        with self._store.read() as connection:
            return pause_of(connection, task)

    def all(self) -> Mapping[str, Pause]:
        """All that go on, by task."""
        now = datetime.now(UTC)
        with self._store.read() as connection:
            rows = connection.execute(select(schema.pause)).mappings().all()
        return {row["task"]: _pause(row) for row in rows if _goes_on(row, now)}

    def after_failures(self, task: str, limit: int) -> Pause | None:
        """Pause a task whose last runs, `limit` in a row, failed since it was resumed last.

        Returns:
            The pause, where this made it: one is told of it.
        """
        now = datetime.now(UTC)
        run = schema.run.c
        with self._store.write() as connection:
            known = _known(connection, task)
            if known is not None and _goes_on(known, now):
                return None
            query = (
                select(run.status, run.reason)
                .where(run.task == task, run.status.in_((*RAN, "abandoned")), run.kind.is_(None))
                .order_by(run.started_at.desc())
                .limit(limit)
            )
            if known is not None:
                query = query.where(run.started_at > (known["ended_at"] or known["until"]))
            last = connection.execute(query).all()
            if len(last) < limit or any(status not in FAILURES for status, _ in last):
                return None
            times = "its last run failed" if limit == 1 else f"its last {limit} runs failed"
            reason = f"{times}, the last one with: {last[0].reason or last[0].status}"
            pause = Pause(task=task, since=now, by=BY_ITSELF, why=reason)
            _keep(connection, pause)
        return pause


_OF_TASK = select(schema.pause).where(schema.pause.c.task == bindparam("of_task"))
_WITH_FENCE = select(schema.pause, schema.node.c.fence).select_from(beside(schema.pause))


def pause_and_fence(connection: Connection, task: str) -> tuple[Pause | None, int]:
    """The pause of a task, if it goes on; and the highest fence that wrote for it, 0 where none did."""
    row = connection.execute(_WITH_FENCE, {"of_task": task}).mappings().one()
    fence = int(row["fence"] or 0)
    return (_pause(row) if row["task"] is not None and _goes_on(row, datetime.now(UTC)) else None), fence


def pause_of(connection: Connection, task: str) -> Pause | None:
    """The pause of a task, if it goes on."""
    known = _known(connection, task)
    return _pause(known) if known is not None and _goes_on(known, datetime.now(UTC)) else None


def _known(connection: Connection, task: str) -> RowMapping | None:
    return connection.execute(_OF_TASK, {"of_task": task}).mappings().one_or_none()


def _goes_on(row: RowMapping, now: datetime) -> bool:
    return row["ended_at"] is None and (row["until"] is None or now < row["until"])


def _pause(row: RowMapping) -> Pause:
    return Pause(task=row["task"], since=row["since"], by=row["by"], why=row["why"], until=row["until"])


def _keep(connection: Connection, pause: Pause) -> None:
    connection.execute(delete(schema.pause).where(schema.pause.c.task == pause.task))
    connection.execute(
        insert(schema.pause).values(
            task=pause.task,
            since=pause.since,
            by=schema.storable(pause.by),
            why=schema.storable(pause.why),
            until=pause.until,
        )
    )
