"""What commands need before they start: settings, tasks, the store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from config import Settings, get_settings
from tasks.nearest import nearest
from tasks.object_task import ObjectTask
from tasks.registry import load_tasks
from tasks.scheduled import PRUNE, Scheduled
from tasks.sides import End, Labels
from worker.store import RunRecord, Store
from worker.telling.failures import CommandError
from worker.telling.numbers import some


@contextmanager
def open_store(settings: Settings) -> Iterator[Store]:
    """The database with its tables up to date.

    Raises:
        StoreError: it cannot be used.
    """
    store = Store(settings.sql_url())
    try:
        store.migrate()
        yield store
    finally:
        store.close()


def find_sync_task(name: str) -> ObjectTask:
    """The registered task of this name, which keeps objects in step.

    Raises:
        CommandError: there is none, or it is a database node.
        TaskDefinitionError: the tasks cannot be loaded.
    """
    task = find_task(name)
    if not isinstance(task, ObjectTask):
        raise CommandError(
            f"{name!r} is a database node: this command is for tasks that keep objects in step"
        )
    return task


def labels_of(name: str) -> Labels:
    """What people call the sides of a task; a task whose definition is gone has those of a `SyncTask`."""
    task = load_tasks(get_settings()).get(name)
    return task.pairing().labels if isinstance(task, ObjectTask) else Labels("Notion", "the other side")


def end_words_of(name: str) -> Mapping[str, End]:
    """What people may call the ends of a task; nothing of its own, where its definition is gone."""
    task = load_tasks(get_settings()).get(name)
    return task.end_words if isinstance(task, ObjectTask) else {}


def find_task(name: str) -> Scheduled:
    """The registered task of this name.

    Raises:
        CommandError: there is none.
        TaskDefinitionError: the tasks cannot be loaded.
    """
    tasks = load_tasks(get_settings())
    if name not in tasks:
        raise unknown_task(name, tasks)
    return tasks[name]


def known_task(name: str, settings: Settings, store: Store) -> None:
    """See to it that a name is that of a task, defined now or at least in the history.

    Raises:
        CommandError: it is not; nothing can be said about it then, least of all that all is well.
    """
    if store.knows(name):  # a task whose module is gone is told of all the same
        return
    defined = set(load_tasks(settings))
    if name not in defined:
        raise unknown_task(name, (defined | store.names()) - {PRUNE})


def find_run(store: Store, run_id: str) -> RunRecord:
    """The run whose id begins like this.

    Raises:
        CommandError: there is none, or more than one.
    """
    if not run_id:
        raise CommandError("the run's id is empty: `lockstep history NAME` lists the runs of a task")
    found = store.runs.find(run_id)
    if len(found) != 1:
        raise CommandError(
            f"there is no run {run_id!r}: `lockstep history NAME` lists the runs of a task, for "
            f"{some(get_settings().keep_runs_days, 'day')}"
            if not found
            else f"more than one run begins with {run_id!r}: give more of its letters"
        )
    return found[0]


def unknown_task(name: str, known: Iterable[str]) -> CommandError:
    """The error for a name that no task has, with the nearest one."""
    known = sorted(known)
    if not known:
        return CommandError(f"there is no task {name!r}, and no other: {HOW_TO_DEFINE}")
    return CommandError(f"there is no task {name!r}: {nearest(name, known)}")


HOW_TO_DEFINE = (
    "write a table [[sync]] in lockstep.toml, or name a module that schedules tasks in LOCKSTEP_TASKS"
)
