"""What is done while a node is locked, or only looked at, by the kind of its task."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from tasks.engine.report import Order, RunReport
from tasks.engine.sync import Progress
from tasks.errors import TaskDefinitionError
from tasks.journal.contract import Journal
from tasks.journal.file import FileJournal, is_moved
from tasks.object_task import ObjectTask
from tasks.scheduled import Scheduled
from worker.session.renamed import first_run, former_names
from worker.session.restored import CAREFUL, Marks
from worker.store import RunRecord, SqlJournal, Store


async def with_care(task: Scheduled, store: Store, order: Order, reached: int = 0) -> Order:
    """The same order, for a run that may be of an older copy of the database; one that was entered has noted it."""
    if await asyncio.to_thread(store.runs.restored_at, task.name, reached) is None:
        return order
    return replace(order, careful=CAREFUL)


async def plan_only(
    task: Scheduled, store: Store, progress: Progress, order: Order, marks: Marks
) -> RunRecord:
    """A dry run: what the next run would do. Nothing is written, and neither lock nor history is touched."""
    if isinstance(task, ObjectTask):
        order = await with_care(task, store, order, await asyncio.to_thread(marks.reached, task.name))
        journal = await asyncio.to_thread(_journal_to_plan_from, task, store)
        report = await task.run(journal, progress=progress, order=order, dry_run=True)
        if (stopped := await stopped_at_first(task, store, journal, order)) is not None:
            report = replace(report, reason=stopped.reason)
        counts = report.plan.counts()
    else:
        report = await run_other(task, None, store, order=order)
        counts = dict(report.outcome.counts)
    return RunRecord(
        run_id="",
        task=task.name,
        status=report.status,
        reason=report.reason,
        counts=counts,
        finished_at=datetime.now(UTC),
        plan=report.plan,
    )


async def stopped_at_first(
    task: ObjectTask, store: Store, journal: Journal, order: Order
) -> RunReport | None:
    """What stops the first run of a task that seems to have had another name."""
    if order.planner is not None or order.plan_id is not None or isinstance(journal, FileJournal):
        return None
    names = await asyncio.to_thread(former_names, task, store)
    return await first_run(task, store, journal, names) if names else None


async def run_other(
    task: Scheduled,
    journal: SqlJournal | None,
    store: Store,
    check_lock: Callable[[], None] = lambda: None,
    order: Order | None = None,
) -> RunReport:
    """One run of a task that is no object sync; without a journal it only looks."""
    from tasks.database.sync import DatabaseSync
    from worker.session.node_runs import run_node
    from worker.session.pruning import Pruning

    if isinstance(task, Pruning):
        return await task.run(store, check_lock=check_lock, dry_run=journal is None)
    if not isinstance(task, DatabaseSync):
        raise TaskDefinitionError(f"task {task.name!r}: a worker cannot run a {type(task).__name__}")
    return await run_node(task, journal, order)


def _journal_to_plan_from(task: ObjectTask, store: Store) -> Journal:
    """Where the base is that the next run would start from; a plan only reads it."""
    local = FileJournal(task.state_path)
    kept_in_files = not is_moved(local.path) and (local.path.exists() or local.changes.exists())
    if kept_in_files and not store.links.count(task.name):
        return local
    return SqlJournal(store, task.name, "", 0)
