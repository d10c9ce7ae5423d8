"""The history of runs."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, Select, func, insert, select, update

from worker.store import schema
from worker.store.database import Database
from worker.store.tables.fences import keep_in_mind, known_fence, known_place, take_fence
from worker.store.tables.run_record import RAN, RunRecord, record_of, row_of


class Runs:
    """Reading and writing the table `run`."""

    def __init__(self, store: Database) -> None:
        self._store = store

    def start(self, record: RunRecord, total: int | None, reached: int = 0) -> str | None:
        """Enter a run, unless it may not run: then the reason is returned and nothing is entered.

        The caller holds the node's lock. Runs of the task that are still entered as running belong to
        sessions that are gone, and are marked as abandoned.

        Args:
            record: the run.
            total: how many runs there may be.
            reached: how far the task had come (`place_of`). A database that has not come that far is an older copy
                of itself, which is kept in mind until `careful_no_more`.

        Raises:
            LockLostError: a newer session of the node has written already.
        """
        run = schema.run.c
        with self._store.write() as connection:
            older = known_place(connection, record.task) < reached
            take_fence(connection, record.task, record.fence)
            if older:
                keep_in_mind(connection, record.task, datetime.now(UTC))
            connection.execute(
                update(schema.run)
                .where(run.task == record.task, run.status == "running")
                .values(status="abandoned", reason="its worker was lost", finished_at=record.started_at)
            )
            ran = _ran(record.task).where(run.message_id == record.message_id)
            if record.message_id is not None and connection.scalar(ran):
                return "this message was delivered before and has run"
            if total is not None and _count(connection, record.task) >= total:
                return f"all {total} runs of this task are done"
            _insert(connection, record)
        return None

    def finish(self, record: RunRecord) -> None:
        """Enter how a run ended. A run that was marked as abandoned meanwhile stays so."""
        run = schema.run.c
        with self._store.write() as connection:
            ended = (
                update(schema.run)
                .where(run.id == record.run_id, run.status == "running")
                .values(row_of(record))
            )
            if connection.execute(ended).rowcount:
                return
            known = connection.execute(select(run.id).where(run.id == record.run_id)).first()
            if known is None:  # an older copy of the database was restored meanwhile
                _insert(connection, record)

    def find(self, run_id: str) -> list[RunRecord]:
        """The runs whose id begins like this, two at the most."""
        query = select(schema.run).where(schema.run.c.id.startswith(run_id, autoescape=True)).limit(2)
        with self._store.read() as connection:
            return [record_of(row) for row in connection.execute(query).mappings()]

    def that_kept(self, plan_id: str) -> RunRecord | None:
        """The newest run that halted with a plan, by the plan's whole id, though the plan may be gone."""
        run = schema.run.c
        said = run.reason.contains(f"lockstep apply {plan_id}", autoescape=True)
        query = (
            select(schema.run).where(run.status == "halted", said).order_by(run.started_at.desc()).limit(1)
        )
        with self._store.read() as connection:
            row = connection.execute(query).mappings().first()
        return None if row is None else record_of(row)

    def enter(self, record: RunRecord) -> None:
        """Enter a run that did not start, such as a skipped one."""
        with self._store.write() as connection:
            _insert(connection, record)

    def abandon(self, run_id: str, reason: str) -> None:
        """Mark a run whose worker was lost."""
        run = schema.run.c
        with self._store.write() as connection:
            connection.execute(
                update(schema.run)
                .where(run.id == run_id, run.status == "running")
                .values(status="abandoned", reason=reason, finished_at=datetime.now(UTC))
            )

    def give_up(self, message_id: str, reason: str) -> bool:
        """Enter the run of a message as failed that did not end in its time; False when it is not under way."""
        run = schema.run.c
        with self._store.write() as connection:
            given_up = connection.execute(
                update(schema.run)
                .where(run.message_id == message_id, run.status == "running")
                .values(status="failed", reason=reason, finished_at=datetime.now(UTC))
            )
        return given_up.rowcount > 0

    def count_finished(self, task: str) -> int:
        """How many ordinary runs of a task really ran, also of those that are not in the history any more."""
        with self._store.read() as connection:
            return _count(connection, task)

    def last_started(self, task: str) -> datetime | None:
        """When the last run that really ran, or runs now, was started."""
        run = schema.run.c
        query = select(func.max(run.started_at)).where(
            run.task == task, run.status.in_((*RAN, "running")), run.kind.is_(None)
        )
        with self._store.read() as connection:
            last: datetime | None = connection.scalar(query)
            return last

    def last_ordinary(self, task: str) -> RunRecord | None:
        """The newest run by schedule, by `lockstep run` or by an event that really ran, or runs now."""
        run = schema.run.c
        return self._newest(task, run.status.in_((*RAN, "running")) & run.kind.is_(None))

    def last_ended(self, task: str) -> RunRecord | None:
        """The newest run of any kind that came to an end, or was lost with its worker."""
        return self._newest(task, schema.run.c.status.in_((*RAN, "abandoned")))

    def _newest(self, task: str, condition: ColumnElement[bool]) -> RunRecord | None:
        run = schema.run.c
        query = select(schema.run).where(run.task == task, condition).order_by(run.started_at.desc()).limit(1)
        with self._store.read() as connection:
            row = connection.execute(query).mappings().first()
        return None if row is None else record_of(row)

    def last_fence(self, node: str) -> int:
        """The highest fencing token that wrote for a node; 0 where none did."""
        with self._store.read() as connection:
            return known_fence(connection, node)

    def restored_at(self, task: str, reached: int = 0) -> datetime | None:
        """When it was noticed that the database is an older copy of itself; `None` where no run need care.

        It is noticed now, if the task had `reached` more than it knows of.
        """
        with self._store.read() as connection:
            noted: datetime | None = connection.scalar(
                select(schema.node.c.restored_at).where(schema.node.c.id == task)
            )
            if noted is None and known_place(connection, task) < reached:
                return datetime.now(UTC)
            return noted

    def careful_no_more(self, task: str) -> None:
        """A run has gone through that knew of the older copy."""
        with self._store.write() as connection:
            keep_in_mind(connection, task, None)

    def list(self, task: str | None = None, limit: int = 20, *, skipped: bool = True) -> list[RunRecord]:
        """The newest runs first, of one task or of all."""
        run = schema.run.c
        query = select(schema.run).order_by(run.started_at.desc(), run.id).limit(limit)
        if task is not None:
            query = query.where(run.task == task)
        if not skipped:
            query = query.where(run.status != "skipped")
        with self._store.read() as connection:
            return [record_of(row) for row in connection.execute(query).mappings()]

    def count(self, task: str) -> int:
        """How many runs of a task are in the history, however they ended."""
        with self._store.read() as connection:
            return int(connection.scalar(select(func.count()).where(schema.run.c.task == task)) or 0)

    def latest(self) -> dict[str, RunRecord]:
        """The newest run of each task that was not skipped."""
        run = schema.run.c
        newest = (
            select(run.task, func.max(run.started_at).label("started_at"))
            .where(run.status != "skipped")
            .group_by(run.task)
            .subquery()
        )
        query = select(schema.run).join(
            newest, (run.task == newest.c.task) & (run.started_at == newest.c.started_at)
        )
        with self._store.read() as connection:
            return {
                row["task"]: record_of(row)
                for row in connection.execute(query.where(run.status != "skipped")).mappings()
            }


def _ran(task: str) -> Select[int]:
    run = schema.run.c
    return select(func.count()).where(run.task == task, run.status.in_(RAN), run.kind.is_(None))


def _count(connection: Connection, task: str) -> int:
    pruned = connection.scalar(select(schema.node.c.runs_pruned).where(schema.node.c.id == task))
    return int(connection.scalar(_ran(task)) or 0) + int(pruned or 0)


def _insert(connection: Connection, record: RunRecord) -> None:
    connection.execute(insert(schema.run).values(id=record.run_id, **row_of(record)))
