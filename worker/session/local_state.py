"""State that is kept in files, without a database, under another name."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from pathlib import Path

from filelock import FileLock, Timeout

from tasks.errors import StateError
from tasks.journal.file import FileJournal, is_moved
from worker.store.renaming import RenameRefusedError

#: What stands beside a state, by the end of its name: the conflicts' ledger, and what a database took over.
_BESIDE = (".conflicts.jsonl", ".json.imported")


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
