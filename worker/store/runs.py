"""The history of runs."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, bindparam, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from config.redaction import redacted
from tasks.engine.naming import Names, tell
from tasks.errors import LockLostError, StateError
from tasks.merge import Name, Plan
from worker.store import schema
from worker.store.database import Database

#: How a run that really ran ends. `skipped`, `cancelled` and `abandoned` runs did not.
RAN = ("succeeded", "failed", "halted", "conflicts", "incomplete")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One line of the history."""

    run_id: str
    task: str
    #: `running`, one of `RAN`, `skipped`, `cancelled`, `abandoned`, or `planned` for a dry run.
    status: str
    #: Why it did not succeed, or what it had to leave out; empty when there is nothing to say.
    reason: str = ""
    #: What was done, by kind: `left_created`, `right_updated`, `conflicts`, …
    counts: Mapping[str, int] = field(default_factory=dict)
    #: Objects that failed or were left as they are, each with its reason.
    notes: Sequence[str] = ()
    #: What people call the objects that reason and notes are about, which name them by ids: these go to the queue and
    #: to logs as well, where nobody's titles belong.
    names: Names = field(default_factory=dict, compare=False, repr=False)
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    finished_at: datetime | None = None
    #: When the values that it replaced were pruned; it cannot be undone since.
    undo_pruned_at: datetime | None = None
    message_id: str | None = None
    #: `apply`, `undo` or `restore`, asked for by a person; `None` for an ordinary run.
    kind: str | None = None
    fence: int = 0
    host: str = field(default_factory=socket.gethostname)
    pid: int = field(default_factory=os.getpid)
    #: Of a dry run only.
    plan: Plan | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Take secrets out of what services and exceptions say, before anybody keeps or shows it."""
        object.__setattr__(self, "reason", redacted(self.reason))
        object.__setattr__(self, "notes", [redacted(note) for note in self.notes])

    @property
    def seconds(self) -> float | None:
        """How long it took."""
        return None if self.finished_at is None else (self.finished_at - self.started_at).total_seconds()

    def told(self) -> RunRecord:
        """The same with titles in the place of ids, for the screen of whoever may read the database."""
        return replace(
            self, reason=tell(self.reason, self.names), notes=[tell(note, self.names) for note in self.notes]
        )

    def to_json(self) -> dict[str, Any]:
        """In JSON's own types, without the plan and without names."""
        return {
            "run_id": self.run_id,
            "task": self.task,
            "kind": self.kind,
            "status": self.status,
            "reason": self.reason,
            "counts": dict(self.counts),
            "notes": list(self.notes),
            "started_at": self.started_at.isoformat(),
            "finished_at": self.finished_at and self.finished_at.isoformat(),
            "seconds": self.seconds,
            "undo_pruned_at": self.undo_pruned_at and self.undo_pruned_at.isoformat(),
            "host": self.host,
            "pid": self.pid,
            "fence": self.fence,
        }


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
            older = _place(connection, record.task) < reached
            take_fence(connection, record.task, record.fence)
            if older:
                _keep_in_mind(connection, record.task, datetime.now(UTC))
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
                .values(_row(record))
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
            return [_record(row) for row in connection.execute(query).mappings()]

    def that_kept(self, plan_id: str) -> RunRecord | None:
        """The newest run that halted with a plan, by the plan's whole id, though the plan may be gone."""
        run = schema.run.c
        said = run.reason.contains(f"lockstep apply {plan_id}", autoescape=True)
        query = (
            select(schema.run).where(run.status == "halted", said).order_by(run.started_at.desc()).limit(1)
        )
        with self._store.read() as connection:
            row = connection.execute(query).mappings().first()
        return None if row is None else _record(row)

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
        return None if row is None else _record(row)

    def last_fence(self, node: str) -> int:
        """The highest fencing token that wrote for a node; 0 where none did."""
        with self._store.read() as connection:
            return _fence(connection, node)

    def restored_at(self, task: str, reached: int = 0) -> datetime | None:
        """When it was noticed that the database is an older copy of itself; `None` where no run need care.

        It is noticed now, if the task had `reached` more than it knows of.
        """
        with self._store.read() as connection:
            noted: datetime | None = connection.scalar(
                select(schema.node.c.restored_at).where(schema.node.c.id == task)
            )
            if noted is None and _place(connection, task) < reached:
                return datetime.now(UTC)
            return noted

    def careful_no_more(self, task: str) -> None:
        """A run has gone through that knew of the older copy."""
        with self._store.write() as connection:
            _keep_in_mind(connection, task, None)

    def list(self, task: str | None = None, limit: int = 20, *, skipped: bool = True) -> list[RunRecord]:
        """The newest runs first, of one task or of all."""
        run = schema.run.c
        query = select(schema.run).order_by(run.started_at.desc(), run.id).limit(limit)
        if task is not None:
            query = query.where(run.task == task)
        if not skipped:
            query = query.where(run.status != "skipped")
        with self._store.read() as connection:
            return [_record(row) for row in connection.execute(query).mappings()]

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
                row["task"]: _record(row)
                for row in connection.execute(query.where(run.status != "skipped")).mappings()
            }


def _ran(task: str) -> Select[int]:
    run = schema.run.c
    return select(func.count()).where(run.task == task, run.status.in_(RAN), run.kind.is_(None))


def _count(connection: Connection, task: str) -> int:
    pruned = connection.scalar(select(schema.node.c.runs_pruned).where(schema.node.c.id == task))
    return int(connection.scalar(_ran(task)) or 0) + int(pruned or 0)


_TAKE = update(schema.node).where(
    schema.node.c.id == bindparam("of_node"), schema.node.c.fence <= bindparam("of_fence")
)


_HOLD = update(schema.node).where(
    schema.node.c.id == bindparam("of_node"), schema.node.c.fence == bindparam("of_fence")
)


def take_fence(connection: Connection, node: str, fence: int) -> None:
    """See in the same transaction to it that no newer session has written for the node.

    Raises:
        LockLostError: one has.
    """
    taken = {"of_node": node, "of_fence": fence, "fence": fence}
    if connection.execute(_TAKE, taken).rowcount:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(dialect.insert(schema.node).values(id=node, fence=fence).on_conflict_do_nothing())
    if not connection.execute(_TAKE, taken).rowcount:
        raise LockLostError(f"another session of {node!r} has taken over; this one writes no more")


def hold_fence(connection: Connection, node: str, fence: int) -> None:
    """See in the same transaction to it that the database still is the one that this session was entered in.

    Raises:
        LockLostError: a newer session has written for the node.
        StateError: it is another one, which does not know of this session.
    """
    if connection.execute(_HOLD, {"of_node": node, "of_fence": fence, "fence": fence}).rowcount:
        return
    if _fence(connection, node) > fence:
        raise LockLostError(f"another session of {node!r} has taken over; this one writes no more")
    raise StateError(
        "another database was put in the place of the one that this run had begun with, which does not know of the "
        "run: it writes no more. The next run says what is to be done"
    )


def place_of(fence: int, *, ended: bool) -> int:
    """How far a task has come with the run of this fence; more than with any run before."""
    return 2 * fence + ended


def fence_of(place: int) -> int:
    """The fence of the run with which a task had come so far."""
    return place // 2


def _fence(connection: Connection, node: str) -> int:
    return int(connection.scalar(select(schema.node.c.fence).where(schema.node.c.id == node)) or 0)


def _place(connection: Connection, task: str) -> int:
    run = schema.run.c
    running = select(run.id).where(run.task == task, run.status == "running").limit(1)
    return place_of(_fence(connection, task), ended=connection.execute(running).first() is None)


def _keep_in_mind(connection: Connection, task: str, restored_at: datetime | None) -> None:
    node = schema.node.c
    connection.execute(update(schema.node).where(node.id == task).values(restored_at=restored_at))


def _insert(connection: Connection, record: RunRecord) -> None:
    connection.execute(insert(schema.run).values(id=record.run_id, **_row(record)))


def _row(record: RunRecord) -> dict[str, Any]:
    return {
        "task": record.task,
        "message_id": record.message_id,
        "kind": record.kind,
        "status": record.status,
        "reason": schema.storable(record.reason),
        "counts": json.dumps(dict(record.counts), sort_keys=True),
        "notes": json.dumps([schema.storable(note) for note in record.notes], ensure_ascii=False),
        "names": _dumped(record.names),
        "fence": record.fence,
        "host": record.host,
        "pid": record.pid,
        "started_at": record.started_at,
        "finished_at": record.finished_at,
    }


def _record(row: RowMapping) -> RunRecord:
    fields = {name: row[name] for name in row if name not in {"id", "counts", "notes", "names"}}
    try:
        counts, notes = json.loads(row["counts"]), json.loads(row["notes"])
        names = {(side, one): Name(title) for side, one, title in json.loads(row["names"] or "[]")}
    except ValueError as error:
        raise StateError(f"run {row['id']} of the history cannot be read: {error}") from error
    return RunRecord(run_id=row["id"], counts=counts, notes=notes, names=names, **fields)


def _dumped(names: Names) -> str | None:
    rows = [[side, obj_id, schema.storable(name.title)] for (side, obj_id), name in names.items()]
    return json.dumps(rows, ensure_ascii=False) if rows else None
