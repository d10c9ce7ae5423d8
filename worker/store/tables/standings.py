"""What is kept of all tasks that whoever looks at them wants to know, asked for at once: so many statements for all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import CTE, ColumnElement, Connection, Select, case, func, select, true, union_all

from tasks.merge.holding import FAILURES_BEFORE_QUARANTINE
from worker.store import schema
from worker.store.database import Database
from worker.store.tables.run_record import RAN, RunRecord, record_of

_RUN = schema.run.c
_SKIPPED, _ENDED = "skipped", (*RAN, "abandoned")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is kept of one task."""

    #: The newest run that was not skipped.
    last: RunRecord | None = None
    #: The newest run by schedule, by `lockstep run` or by an event that really ran, or runs now.
    ordinary: RunRecord | None = None
    #: The newest run of any kind that came to an end, or was lost with its worker.
    ended: RunRecord | None = None
    #: The newest ordinary run that left nothing behind.
    succeeded: RunRecord | None = None
    #: When the first run in the history was started that was not skipped.
    first: datetime | None = None
    #: How many ordinary runs really ran, also of those that are not in the history any more.
    ran: int = 0
    links: int = 0
    #: In the ledger, and not marked as seen by anybody.
    conflicts: int = 0
    held: int = 0
    quarantined: int = 0


def _names() -> CTE:
    """The tasks in the history, each found by one search of the index: "distinct" reads all of it."""
    names = select(func.min(_RUN.task).label("task")).cte("names", recursive=True)
    following = select(func.min(_RUN.task)).where(_RUN.task > names.c.task).scalar_subquery()
    return names.union_all(select(following).where(names.c.task.is_not(None)))


_NAMES = _names()
_ORDINARY = _RUN.kind.is_(None)
_NOT_SKIPPED = _RUN.status != _SKIPPED
#: Of each task, the newest run of each of these is wanted.
_NEWEST = (
    _NOT_SKIPPED,
    _RUN.status.in_((*RAN, "running")) & _ORDINARY,
    _RUN.status.in_(_ENDED),
    (_RUN.status == "succeeded") & _ORDINARY,
)


def _of_name(what: ColumnElement[Any], condition: ColumnElement[bool], order: ColumnElement[Any]) -> Any:
    query = select(what).where(_RUN.task == _NAMES.c.task, condition).order_by(order).limit(1)
    return query.correlate(_NAMES).scalar_subquery()


_PICKED = union_all(
    *(
        select(_of_name(_RUN.id, one, _RUN.started_at.desc()).label("id")).select_from(_NAMES)
        for one in _NEWEST
    )
)
_RUNS = select(schema.run).where(_RUN.id.in_(_PICKED))
_FIRST = select(_NAMES.c.task, _of_name(_RUN.started_at, _NOT_SKIPPED, _RUN.started_at)).where(
    _NAMES.c.task.is_not(None)
)
_RAN = select(_RUN.task, func.count()).where(_RUN.status.in_(RAN), _ORDINARY).group_by(_RUN.task)
_NODES = select(schema.node.c.id, schema.node.c.runs_pruned, schema.node.c.linked)
_CONFLICTS = (
    select(schema.conflict.c.task, func.count())
    .where(schema.conflict.c.done_at.is_(None))
    .group_by(schema.conflict.c.task)
)
_HELD = select(
    schema.held.c.task,
    func.count(),
    func.sum(case((schema.held.c.failures > FAILURES_BEFORE_QUARANTINE, 1), else_=0)),
).group_by(schema.held.c.task)


class Standings:
    """Reads what is kept of all tasks."""

    def __init__(self, store: Database) -> None:
        self._store = store

    def all(self) -> Mapping[str, Kept]:
        """What is kept of each task; one that is not named has nothing.

        Raises:
            StateError: a run of the history cannot be read.
        """
        with self._store.read() as connection:
            runs = _runs(connection)
            first = _pairs(connection, _FIRST)
            ran, conflicts = _pairs(connection, _RAN), _pairs(connection, _CONFLICTS)
            nodes = {name: (pruned, linked) for name, pruned, linked in connection.execute(_NODES)}
            held = {name: (number, old) for name, number, old in connection.execute(_HELD)}
        found = {}
        for name in {*runs, *nodes, *conflicts, *held}:
            pruned, linked = nodes.get(name, (0, 0))
            number, quarantined = held.get(name, (0, 0))
            mine = runs.get(name, ())
            found[name] = Kept(
                last=_newest(mine, lambda run: run.status != _SKIPPED),
                ordinary=_newest(mine, lambda run: run.status in (*RAN, "running") and run.kind is None),
                ended=_newest(mine, lambda run: run.status in _ENDED),
                succeeded=_newest(mine, lambda run: run.status == "succeeded" and run.kind is None),
                first=first.get(name),
                ran=int(ran.get(name) or 0) + int(pruned or 0),
                links=int(linked or 0),
                conflicts=int(conflicts.get(name) or 0),
                held=int(number),
                quarantined=int(quarantined or 0),
            )
        return found

    def recent(self, tasks: Iterable[str], limit: int) -> Mapping[str, Sequence[RunRecord]]:
        """The newest runs of each of these tasks that were not skipped, the newest first."""
        found: dict[str, list[RunRecord]] = {name: [] for name in tasks}
        with self._store.read() as connection:
            rows = connection.execute(_recent(connection.dialect.name, limit)).mappings()
            for row in rows:
                if row["task"] in found:
                    found[row["task"]].append(record_of(row))
        return found


def _recent(dialect: str, limit: int) -> Select[Any]:
    """By the index, task by task. SQLite knows no lateral join, and PostgreSQL reads all for SQLite's form."""
    mine = select(_RUN.id).where(_RUN.task == _NAMES.c.task, _NOT_SKIPPED)
    mine = mine.order_by(_RUN.started_at.desc(), _RUN.id).limit(limit).correlate(_NAMES)
    if dialect == "postgresql":
        each = mine.lateral("each")
        picked = select(each.c.id).select_from(_NAMES.join(each, true()))
        query = select(schema.run).where(_RUN.id.in_(picked))
    else:
        query = select(schema.run).select_from(_NAMES.join(schema.run, _RUN.id.in_(mine)))
    return query.order_by(_RUN.task, _RUN.started_at.desc(), _RUN.id)


def _runs(connection: Connection) -> Mapping[str, Sequence[RunRecord]]:
    found: dict[str, list[RunRecord]] = defaultdict(list)
    for row in connection.execute(_RUNS).mappings():
        found[row["task"]].append(record_of(row))
    return found


def _pairs(connection: Connection, query: Select[Any]) -> dict[str, Any]:
    return {row[0]: row[1] for row in connection.execute(query)}


def _newest(runs: Sequence[RunRecord], wanted: Callable[[RunRecord], bool]) -> RunRecord | None:
    return max(filter(wanted, runs), key=lambda run: run.started_at, default=None)
