"""What is dropped from the database when it is old, a little at a time.

Links, open intents, held objects, open conflicts, what is remembered of a task, and its last run are never dropped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    and_,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from tasks.values.canonical import load, same
from worker.store import schema
from worker.store.database import Database
from worker.store.tables.run_record import RAN

#: Rows that one transaction drops; nobody waits longer for the database than that takes.
BATCH = 500
#: Runs whose undo data one transaction drops: each goes as a whole or not at all, since half of it undoes nothing.
RUNS_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class Retention:
    """How long each kind is kept."""

    runs: timedelta
    skipped: timedelta
    undo: timedelta
    conflicts: timedelta
    plans: timedelta


def prune(
    store: Database, retention: Retention, now: datetime, *, batch: int = BATCH
) -> Iterator[Counter[str]]:
    """Drop what is older than it is to be kept; each step is one transaction and tells what it dropped, by kind.

    `plans`, `undo` (runs that cannot be undone any more), `conflicts`, `skipped`, `runs` and `alerts`. Undo
    data goes before the runs: a run stays in the history for as long as it can be undone.

    Raises:
        StoreError: the database cannot be used; what was dropped until then stays so.
    """
    yield from _plain(store, "plans", schema.plan, _old_plans(now - retention.plans), batch)
    yield from _undo(store, now, now - retention.undo)
    yield from _conflicts(store, now - retention.conflicts, batch)
    yield from _plain(store, "skipped", schema.run, _old_skipped(now - retention.skipped), batch)
    yield from _runs(store, now - retention.runs, batch)
    yield from _alerts(store, now - retention.runs, batch)


def prunable(store: Database, retention: Retention, now: datetime) -> Counter[str]:
    """What `prune` would drop, by kind; nothing is."""
    undo_before = now - retention.undo
    queries: dict[str, Select[Any]] = {
        "plans": _rows(schema.plan, _old_plans(now - retention.plans)),
        "undo": _undoable_before(undo_before),
        "skipped": _rows(schema.run, _old_skipped(now - retention.skipped)),
        "runs": _rows(schema.run, _old_runs(now - retention.runs, undo_before)),
        "alerts": _rows(schema.alert, schema.alert.c.over_at < now - retention.runs),
    }
    with store.read() as connection:
        counted = Counter(
            {
                kind: int(connection.scalar(select(func.count()).select_from(query.subquery())) or 0)
                for kind, query in queries.items()
            }
        )
        counted["conflicts"] = sum(
            sum(_is_settled(connection, row) for row in rows)
            for rows in _pages(connection, now - retention.conflicts, BATCH)
        )
    return +counted


# -- what is old ------------------------------------------------------------------------------------------------


def _old_plans(before: datetime) -> ColumnElement[bool]:
    plan = schema.plan.c
    return and_(plan.at < before, or_(plan.applied_at.is_(None), plan.applied_at < before))


def _old_skipped(before: datetime) -> ColumnElement[bool]:
    return and_(schema.run.c.status == "skipped", schema.run.c.started_at < before)


def _old_runs(before: datetime, undo_before: datetime | None = None) -> ColumnElement[bool]:
    """Runs that ended, but for the last ones of each task, which say how it is and when it is due again.

    What can be undone stays; with `undo_before` only what can be after the undo data before that time has gone.
    """
    run, effect = schema.run.c, schema.effect.c
    undoable: ColumnElement[bool] = exists().where(effect.run_id == run.id)
    if undo_before is not None:
        undoable = and_(undoable, func.coalesce(run.finished_at, run.started_at) >= undo_before)
    newer = schema.run.alias()
    of_task = select(func.max(newer.c.started_at)).where(newer.c.task == run.task)
    last = of_task.where(newer.c.status != "skipped").scalar_subquery()
    last_ran = of_task.where(newer.c.status.in_(RAN), newer.c.kind.is_(None)).scalar_subquery()
    return and_(
        run.started_at < before,
        run.status.not_in(("running", "skipped")),
        run.started_at < last,
        or_(last_ran.is_(None), run.started_at != last_ran),
        ~undoable,
    )


def _undoable_before(before: datetime) -> Select[Any]:
    """The ids of runs that ended before a time and can be undone still; also of those that are not known."""
    run, effect = schema.run.c, schema.effect.c
    ended = and_(run.status != "running", func.coalesce(run.finished_at, run.started_at) < before)
    return (
        select(effect.run_id)
        .distinct()
        .select_from(schema.effect.outerjoin(schema.run, run.id == effect.run_id))
        .where(effect.at < before, or_(run.id.is_(None), ended))
    )


def _rows(table: Table, old: ColumnElement[bool]) -> Select[Any]:
    return select(*table.primary_key).where(old)


# -- dropping it ------------------------------------------------------------------------------------------------


def _plain(
    store: Database, kind: str, table: Table, old: ColumnElement[bool], batch: int
) -> Iterator[Counter[str]]:
    while True:
        with store.write() as connection:
            rows = connection.execute(_rows(table, old).limit(batch)).all()
            for row in rows:
                key = (column == part for column, part in zip(table.primary_key, row, strict=True))
                connection.execute(delete(table).where(*key))
        yield Counter({kind: len(rows)})
        if len(rows) < batch:
            return


def _undo(store: Database, now: datetime, before: datetime) -> Iterator[Counter[str]]:
    run, effect = schema.run.c, schema.effect.c
    while True:
        with store.write() as connection:
            ids = connection.scalars(_undoable_before(before).limit(RUNS_AT_ONCE)).all()
            connection.execute(update(schema.run).where(run.id.in_(ids)).values(undo_pruned_at=now))
            connection.execute(delete(schema.effect).where(effect.run_id.in_(ids)))
        yield Counter({"undo": len(ids)})
        if len(ids) < RUNS_AT_ONCE:
            return


def _runs(store: Database, before: datetime, batch: int) -> Iterator[Counter[str]]:
    run = schema.run.c
    query = select(run.id, run.task, run.status, run.kind).where(_old_runs(before)).limit(batch)
    while True:
        with store.write() as connection:
            rows = connection.execute(query).all()
            connection.execute(delete(schema.run).where(run.id.in_([row.id for row in rows])))
            counting = Counter(row.task for row in rows if row.status in RAN and row.kind is None)
            for task, number in counting.items():
                count_on(connection, task, number)
        yield Counter({"runs": len(rows)})
        if len(rows) < batch:
            return


def _alerts(store: Database, before: datetime, batch: int) -> Iterator[Counter[str]]:
    """Alerts that are over, kept as long as runs, each with its messages."""
    alert = schema.alert.c
    while True:
        with store.write() as connection:
            ids = connection.scalars(select(alert.id).where(alert.over_at < before).limit(batch)).all()
            connection.execute(delete(schema.alert_message).where(schema.alert_message.c.alert_id.in_(ids)))
            connection.execute(delete(schema.alert).where(alert.id.in_(ids)))
        yield Counter({"alerts": len(ids)})
        if len(ids) < batch:
            return


def count_on(connection: Connection, task: str, number: int) -> None:
    """Keep in mind how many runs of a total are done, though their rows go."""
    node = schema.node.c
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(dialect.insert(schema.node).values(id=task, fence=0).on_conflict_do_nothing())
    counted = func.coalesce(node.runs_pruned, 0) + number
    connection.execute(update(schema.node).where(node.id == task).values(runs_pruned=counted))


def _conflicts(store: Database, before: datetime, batch: int) -> Iterator[Counter[str]]:
    after = 0
    while True:
        with store.write() as connection:
            rows = next(_pages(connection, before, batch, after), [])
            settled = [row.id for row in rows if _is_settled(connection, row)]
            connection.execute(delete(schema.conflict).where(schema.conflict.c.id.in_(settled)))
        yield Counter({"conflicts": len(settled)})
        if len(rows) < batch:
            return
        after = rows[-1].id


def _pages(connection: Connection, before: datetime, batch: int, after: int = 0) -> Iterator[list[Any]]:
    """The old lines of the ledger, some at a time."""
    conflict = schema.conflict.c
    columns = (
        conflict.id, conflict.task, conflict.first_id, conflict.second_id, conflict.attribute, conflict.base,
        conflict.first_stayed, conflict.second_stayed, conflict.taken,
    )  # fmt: skip
    old = and_(conflict.at < before, or_(conflict.taken_at.is_(None), conflict.taken_at < before))
    while True:
        query = select(*columns).where(old, conflict.id > after).order_by(conflict.id).limit(batch)
        rows = list(connection.execute(query))
        if rows:
            yield rows
        if len(rows) < batch:
            return
        after = rows[-1].id


def _is_settled(connection: Connection, row: Any) -> bool:
    """Whether nobody has to decide a conflict any more.

    One that was left to a person is open for as long as the pair is linked and its base is that of the conflict.
    """
    if row.taken is not None or not (row.first_stayed and row.second_stayed):
        return True
    link = schema.link.c
    pair = (link.task == row.task, link.left_id == row.first_id, link.right_id == row.second_id)
    left = connection.scalar(select(link.left_values).where(*pair))
    if left is None:
        return True
    return not same(load(left).get(row.attribute), load(row.base))
