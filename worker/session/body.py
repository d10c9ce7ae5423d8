"""What is done while a node is locked, or only looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from tasks.engine.report import Order, RunReport
from tasks.engine.sync import Progress
from tasks.journal.contract import Base, Journal
from tasks.journal.file import FileJournal, is_moved
from tasks.scheduled import Scheduled
from worker.session.local_state import import_local_state
from worker.session.renamed import first_run, former_names
from worker.session.restored import CAREFUL, Marks, Step
from worker.store import RunRecord, SqlJournal, Store


async def with_care(task: Scheduled, store: Store, order: Order, reached: int = 0) -> Order:
    """The same order, for a run that may be of an older copy of the database; one that was entered has noted it."""
    return _careful(order, await asyncio.to_thread(store.runs.restored_at, task.name, reached))


def _careful(order: Order, restored_at: datetime | None) -> Order:
    return order if restored_at is None else replace(order, careful=CAREFUL)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the work of a run starts from, once it is entered."""

    order: Order
    #: What is remembered of the task, without its links; `None` where it is yet to be read.
    base: Base | None = None
    #: Names that the task may have had before.
    former_names: Sequence[str] = ()
    #: Why the work cannot be begun.
    error: Exception | None = None


def prepared(
    task: Scheduled, store: Store, record: RunRecord, order: Order, restored_at: datetime | None, step: Step
) -> Prepared:
    """Read what the work of a run needs, in the thread that has entered it; an error is the run's."""
    path = task.state_path
    if path is None:
        return Prepared(order)
    try:
        import_local_state(path, store, record, step.begin)
        base = store.links.recall(task.name)
        ordered = order.planner is not None or order.plan_id is not None
        began = base.intents or base.memory.forms is not None or base.count
        names = () if ordered or began else former_names(task, store)
    except Exception as error:
        return Prepared(order, error=error)
    return Prepared(_careful(order, restored_at), base, names)


async def plan_only(
    task: Scheduled, store: Store, progress: Progress, order: Order, marks: Marks
) -> RunRecord:
    """A dry run: what the next run would do. Nothing is written, and neither lock nor history is touched."""
    journal: Journal = SqlJournal(store, task.name, "", 0)
    stopped = None
    if task.state_path is not None:
        order = await with_care(task, store, order, await asyncio.to_thread(marks.reached, task.name))
        if await asyncio.to_thread(starts_from_files, task.name, task.state_path, store):
            journal = FileJournal(task.state_path)
        else:
            stopped = await stopped_at_first(task, store, journal, order)
    report = await task.run(journal, progress=progress, order=order, dry_run=True)
    return RunRecord(
        run_id="",
        task=task.name,
        status=report.status,
        reason=report.reason if stopped is None else stopped.reason,
        counts=dict(report.foreseen),
        finished_at=datetime.now(UTC),
        plan=report.plan,
    )


async def stopped_at_first(task: Scheduled, store: Store, journal: Journal, order: Order) -> RunReport | None:
    """What stops the first run of a task that seems to have had another name."""
    if order.planner is not None or order.plan_id is not None:
        return None
    names = await asyncio.to_thread(former_names, task, store)
    return await first_run(task, store, journal, names) if names else None


def starts_from_files(task: str, path: Path, store: Store) -> bool:
    """Whether the base that the next run would start from is in files still; a plan only reads it."""
    changes = FileJournal(path).changes
    return not is_moved(path) and (path.exists() or changes.exists()) and not store.links.count(task)
