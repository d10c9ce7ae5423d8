"""What the sides of a task say, asked as a run asks them at its begin; nothing is listed and nothing written."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from tasks.engine.examining import Examined, examine
from tasks.journal.contract import Journal
from tasks.journal.file import FileJournal, is_moved
from tasks.journal.state import State
from tasks.journal.state_journal import StateJournal
from tasks.object_task import ObjectTask
from worker.session.body import starts_from_files
from worker.store import SqlJournal, Store


@dataclass(slots=True)
class TaskFacts:
    """What is known of one task."""

    name: str
    examined: Examined = field(default_factory=Examined)
    #: Why it could not be asked, or not to the end.
    error: Exception | None = None
    #: Whether everything that there is to know is known; else it is still waited for.
    is_done: bool = False


async def look_at(task: ObjectTask, store: Store | None, found: TaskFacts) -> None:
    """Fill what is known of a task.

    Args:
        task: the task.
        store: the database, if it has tables of this version.
        found: where it is entered, bit by bit.
    """
    try:
        journal = await asyncio.to_thread(_journal, task, store)
        await examine(task.pairing(), journal, found.examined)
    except Exception as error:
        found.error = error
    found.is_done = True


def _journal(task: ObjectTask, store: Store | None) -> Journal:
    """What its next run would start from."""
    if store is None:
        path = task.state_path
        in_file = path.exists() and not is_moved(path)
        return FileJournal(path) if in_file else StateJournal(State())
    if starts_from_files(task.name, task.state_path, store):
        return FileJournal(task.state_path)
    return SqlJournal(store, task.name, "", 0)
