"""The history of runs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, Select, bindparam, exists, func, insert, select, update

from worker.store import schema
from worker.store.database import Database
from worker.store.tables.fences import keep_in_mind, known_fence, known_place, place_of, take_fence
from worker.store.tables.plans import Plans
from worker.store.tables.run_record import RAN, RunRecord, record_of, row_of
from worker.store.tables.tallies import count_ends, count_run

#: Ids that one query asks for; SQLite takes so many variables in every version.
_IDS_AT_ONCE = 500


# Made once: SQLAlchemy takes longer to build such a statement than a database takes to carry it out.
_RUN = schema.run.c
_OF_TASK = _RUN.task == bindparam("of_task")
#: How a task stands when a run of it begins: one row, whatever is known of it.
_STAND = select(
    select(schema.node.c.fence)
    .where(schema.node.c.id == bindparam("of_task"))
    .scalar_subquery()
    .label("fence"),
    select(schema.node.c.restored_at)
    .where(schema.node.c.id == bindparam("of_task"))
    .scalar_subquery()
    .label("restored_at"),
    select(func.max(_RUN.id)).where(_OF_TASK, _RUN.status == "running").scalar_subquery().label("running"),
    exists()
    .where(_OF_TASK, _RUN.message_id == bindparam("of_message"), _RUN.status.in_(RAN), _RUN.kind.is_(None))
    .label("delivered"),
)
_LOSE = (
    update(schema.run)
    .where(_OF_TASK, _RUN.status == "running")
    .values(status="abandoned", reason="its worker was lost", finished_at=bindparam("at"))
)
_END = update(schema.run).where(_RUN.id == bindparam("of_id"), _RUN.status == "running")
_ENTER = insert(schema.run)


@dataclass(frozen=True, slots=True)
class Begun:
    """What was found when a run was to be entered."""

    #: Why it may not run; `None` where it was entered.
    refused: str | None
    #: When it was noticed that the database is an older copy of itself; `None` where no run need care.
    restored_at: datetime | None
    #: The run of the task that was entered as going on, and was not seen to end.
    unended: str | None = None


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
        return self.begin(record, total, reached).refused

    def begin(self, record: RunRecord, total: int | None, reached: int = 0) -> Begun:
        """The same, with what else was found on the way."""
        task, fence = record.task, record.fence
        with self._store.write() as connection:
            row = connection.execute(_STAND, {"of_task": task, "of_message": record.message_id}).one()
            restored_at: datetime | None = row.restored_at
            take_fence(connection, task, fence)
            if place_of(int(row.fence or 0), ended=not row.running) < reached:
                restored_at = datetime.now(UTC)
                keep_in_mind(connection, task, restored_at)
            # Nobody enters a run meanwhile in SQLite, where a writer has the turn from its begin on.
            if row.running or connection.dialect.name != "sqlite":
                lost = connection.execute(_LOSE, {"of_task": task, "at": record.started_at})
                count_ends(connection, task, "abandoned", lost.rowcount)
            # One that ran when it was looked at may have ended before the fence was taken.
            again = row.running and connection.scalar(_ran(task).where(_RUN.message_id == record.message_id))
            if record.message_id is not None and (row.delivered or again):
                return Begun("this message was delivered before and has run", restored_at)
            if total is not None and ordinary_runs(connection, task) >= total:
                done = "the only run of this task is" if total == 1 else f"all {total} runs of this task are"
                return Begun(f"{done} done", restored_at)
            _insert(connection, record)
        return Begun(None, restored_at, row.running)

    def finish(self, record: RunRecord, *, went_through: bool = False) -> None:
        """Enter how a run ended. A run that was marked as abandoned meanwhile stays so.

        Args:
            record: the run.
            went_through: whether it did what it was to do, so that plans that wait of its task are dropped.
        """
        run = schema.run.c
        with self._store.write() as connection:
            if went_through:
                Plans.drop_waiting(connection, record.task)
            if connection.execute(_END, {"of_id": record.run_id, **row_of(record)}).rowcount:
                count_run(connection, record)
                return
            known = connection.execute(select(run.id).where(run.id == record.run_id)).first()
            if known is None:  # an older copy of the database was restored meanwhile
                _insert(connection, record)
                count_run(connection, record)

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
            if record.finished_at is not None:
                count_run(connection, record)

    def abandon(self, run_id: str, reason: str) -> None:
        """Mark a run whose worker was lost."""
        run = schema.run.c
        with self._store.write() as connection:
            task = connection.scalar(select(run.task).where(run.id == run_id))
            lost = connection.execute(
                update(schema.run)
                .where(run.id == run_id, run.status == "running")
                .values(status="abandoned", reason=reason, finished_at=datetime.now(UTC))
            )
            count_ends(connection, task or "", "abandoned", lost.rowcount)

    def give_up(self, message_id: str, reason: str) -> bool:
        """Enter the run of a message as failed that did not end in its time; False when it is not under way."""
        run = schema.run.c
        with self._store.write() as connection:
            task = connection.scalar(select(run.task).where(run.message_id == message_id))
            given_up = connection.execute(
                update(schema.run)
                .where(run.message_id == message_id, run.status == "running")
                .values(status="failed", reason=reason, finished_at=datetime.now(UTC))
            )
            count_ends(connection, task or "", "failed", given_up.rowcount)
        return given_up.rowcount > 0

    def count_finished(self, task: str) -> int:
        """How many ordinary runs of a task really ran, also of those that are not in the history any more."""
        with self._store.read() as connection:
            return ordinary_runs(connection, task)

    def last_started(self, task: str) -> datetime | None:
        """When the last run that really ran, or runs now, was started."""
        run = schema.run.c
        query = select(func.max(run.started_at)).where(
            run.task == task, run.status.in_((*RAN, "running")), run.kind.is_(None)
        )
        with self._store.read() as connection:
            last: datetime | None = connection.scalar(query)
            return last

    def first_started(self, task: str) -> datetime | None:
        """When the first run of a task that is in the history was started, unless it was skipped."""
        run = schema.run.c
        query = select(func.min(run.started_at)).where(run.task == task, run.status != "skipped")
        with self._store.read() as connection:
            first: datetime | None = connection.scalar(query)
            return first

    def with_ids(self, run_ids: Collection[str]) -> dict[str, RunRecord]:
        """Those of these runs that are in the history still, by their ids."""
        found: dict[str, RunRecord] = {}
        wanted = list(dict.fromkeys(run_ids))
        with self._store.read() as connection:
            for start in range(0, len(wanted), _IDS_AT_ONCE):
                some = schema.run.c.id.in_(wanted[start : start + _IDS_AT_ONCE])
                for row in connection.execute(select(schema.run).where(some)).mappings():
                    found[row["id"]] = record_of(row)
        return found

    def pruned_before(self, task: str) -> datetime | None:
        """Before when what runs of a task wrote is not kept any more; `None` where all of it is."""
        run, node = schema.run.c, schema.node.c
        ended = func.max(func.coalesce(run.finished_at, run.started_at))
        with self._store.read() as connection:
            last: datetime | None = connection.scalar(
                select(ended).where(run.task == task, run.undo_pruned_at.is_not(None))
            )
            if last is not None:
                return last
            gone = connection.scalar(select(node.runs_pruned).where(node.id == task))
        return self.first_started(task) if gone else None

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

    def list(
        self,
        task: str | None = None,
        limit: int = 20,
        *,
        skipped: bool = True,
        since: datetime | None = None,
        statuses: Collection[str] = (),
    ) -> list[RunRecord]:
        """The newest runs first, of one task or of all; with `statuses` only those that ended, or are, so."""
        run = schema.run.c
        query = select(schema.run).where(*_wanted(task, since, statuses))
        if not skipped:
            query = query.where(run.status != "skipped")
        query = query.order_by(run.started_at.desc(), run.id).limit(limit)
        with self._store.read() as connection:
            return [record_of(row) for row in connection.execute(query).mappings()]

    def count(
        self, task: str | None = None, *, since: datetime | None = None, statuses: Collection[str] = ()
    ) -> int:
        """How many of these runs are in the history, however they ended unless it is said."""
        query = select(func.count()).select_from(schema.run).where(*_wanted(task, since, statuses))
        with self._store.read() as connection:
            return int(connection.scalar(query) or 0)

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


def _wanted(task: str | None, since: datetime | None, statuses: Collection[str]) -> list[ColumnElement[bool]]:
    run = schema.run.c
    found: list[ColumnElement[bool]] = []
    if task is not None:
        found.append(run.task == task)
    if since is not None:
        found.append(run.started_at >= since)
    if statuses:
        found.append(run.status.in_(statuses))
    return found


def _ran(task: str) -> Select[int]:
    run = schema.run.c
    return select(func.count()).where(run.task == task, run.status.in_(RAN), run.kind.is_(None))


def ordinary_runs(connection: Connection, task: str) -> int:
    """How many of a task's runs count towards a total, also of those that are not in the history any more."""
    pruned = connection.scalar(select(schema.node.c.runs_pruned).where(schema.node.c.id == task))
    return int(connection.scalar(_ran(task)) or 0) + int(pruned or 0)


def set_pruned(connection: Connection, task: str, number: int) -> None:
    """Note how many runs that count towards a total are not in the history any more."""
    connection.execute(update(schema.node).where(schema.node.c.id == task).values(runs_pruned=number))


def _insert(connection: Connection, record: RunRecord) -> None:
    connection.execute(_ENTER, {"id": record.run_id, **row_of(record)})
