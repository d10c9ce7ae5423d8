"""State that is kept in files, without a database: taken over by the database, or given another name."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import Connection

from config.private_files import open_private
from tasks.errors import StateError
from tasks.journal.contract import Base
from tasks.journal.file import MOVED, FileJournal, is_moved
from tasks.journal.ledger_file import entries_in
from tasks.local import alone
from worker.store import RunRecord, Store
from worker.store.renaming import RenameRefusedError
from worker.store.tables import intents
from worker.store.tables.conflicts import Conflicts
from worker.store.tables.fences import take_fence
from worker.store.tables.links import Links
from worker.store.tables.memory import Memories
from worker.store.tables.numbers import count_along

log = logging.getLogger(__name__)

#: In the place of the run that wrote something; runs without a database have no ids.
_IN_FILES = ""

#: What stands beside a state, by the end of its name: the conflicts' ledger, and what a database took over.
_BESIDE = (".conflicts.jsonl", ".json.imported")


def import_local_state(path: Path, store: Store, record: RunRecord, before: Callable[[], None]) -> None:
    """Take over the state that runs of the task without a database left, once, so that no run works from a stale base.

    Args:
        path: of the state.
        store: the database.
        record: of the run that begins.
        before: called before anything is taken over.

    Raises:
        StateError: the file cannot be read, and is left as it is; or a run without a database uses it now.
    """
    try:
        if is_moved(path):
            return
        with alone(record.task, path):
            local = FileJournal(path)
            if path.exists() or local.changes.exists():
                before()
                _import(asyncio.run(local.load()), path, store, record)
            _set_aside(local)
    except OSError as error:
        raise StateError(f"state file {path} cannot be set aside: {error.strerror}") from error


@contextmanager
def setting_aside(path: Path, task: str) -> Iterator[None]:
    """Keep the state in files to this process, and let no run work from it any more once the database has another one.

    What there is of it stays beside it. Nothing is changed where the block does not come to its end.

    Raises:
        StateError: that cannot be done, or a run without a database uses it now.
    """
    with alone(task, path):
        local = FileJournal(path)
        fresh = not is_moved(path)
        if fresh:
            asyncio.run(local.load())
        yield
        try:
            if fresh:
                _set_aside(local)
        except OSError as error:
            raise StateError(f"state file {path} cannot be set aside: {error.strerror}") from error


def _set_aside(local: FileJournal) -> None:
    """Keep a state that was loaded under another name, and a mark in its place."""
    path = local.path
    if path.exists() or local.changes.exists():
        local.compact()
        path.replace(path.with_suffix(".json.imported"))
    with open_private(path, "w") as file:
        file.write(json.dumps(MOVED) + "\n")


def copy_of_files(path: Path, task: str, store: Store) -> None:
    """Put the state in files, and the ledger beside it, into a database; the files stay as they are.

    Raises:
        StateError: one cannot be read.
    """
    local = FileJournal(path)
    base = asyncio.run(local.load())
    with store.write() as connection:
        _put(connection, task, base, _IN_FILES)
        for entry in entries_in(local.ledger):
            Conflicts.keep(connection, task, entry, _IN_FILES)


def _import(base: Base, path: Path, store: Store, record: RunRecord) -> None:
    task = record.task
    if store.links.count(task):
        log.warning("Task %r: the database has links already, so %s is set aside.", task, path)
        return
    with store.write() as connection:
        take_fence(connection, task, record.fence)
        _put(connection, task, base, record.run_id)


def _put(connection: Connection, task: str, base: Base, run_id: str) -> None:
    more = Counter[str]()
    for link in base.links:
        more.update(Links.put(connection, task, link, run_id))
    count_along(connection, task, more)
    intents.begin(connection, task, base.intents, run_id)
    Memories.remember(connection, task, base.memory)


def state_files(path: Path) -> list[Path]:
    """The files that hold a state or tell what became of it."""
    return [one for one in (path, path.with_suffix(".journal"), *_beside(path)) if one.exists()]


def move_state(old: Path, new: Path) -> None:
    """Give a state another name, in one step.

    Raises:
        RenameRefusedError: there is a state of that name already.
        StateError: a run uses one of them, or a file cannot be moved.
    """
    if not state_files(old):
        return
    try:
        with ExitStack() as held:
            for path in sorted((old, new)):
                held.enter_context(FileLock(path.with_suffix(".lock"), timeout=0, thread_local=False))
            if new.with_suffix(".journal").exists() or (new.exists() and not is_moved(new)):
                raise RenameRefusedError(
                    f"{new} holds a state of its own: what is kept of both cannot be mixed; nothing was changed"
                )
            if old.with_suffix(".journal").exists():  # else there would be two files to move
                journal = FileJournal(old)
                asyncio.run(journal.load())
                journal.compact()
            for source, target in zip(_beside(old), _beside(new), strict=True):
                if source.exists() and not target.exists():
                    source.replace(target)
            if old.exists():
                old.replace(new)
    except Timeout as error:
        raise StateError(f"{error.lock_file} is in use: wait for the run of that task to end") from None
    except OSError as error:
        raise StateError(f"{old} cannot be moved to {new}: {error.strerror}") from error


def _beside(path: Path) -> list[Path]:
    return [path.with_suffix(end) for end in _BESIDE]
