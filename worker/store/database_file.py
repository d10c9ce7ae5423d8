"""The file of an SQLite database: that it stays the one that was opened, and how far it had come.

Processes that have a deleted file open write on into nothing, and the next one makes an empty file. An older copy of
it looks like any other database. Both are told by what stands beside it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from pathlib import Path

from worker.errors import StoreError
from worker.store.marks_file import MarksFile
from worker.telling.numbers import some

log = logging.getLogger(__name__)


class DatabaseFile:
    """One database's file, as this process knows it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._identity: tuple[int, int] | None = None
        self._guard = threading.Lock()
        self.marks_path = path.with_name(f"{path.name}.reached")
        self._marks = MarksFile(self.marks_path)

    def opened(self) -> None:
        """Note which file it is, where this process had none open yet."""
        with self._guard:
            if self._identity is None:
                self._identity = self._found()

    @property
    def is_in_use(self) -> bool:
        """Whether this process has opened it."""
        return self._identity is not None

    def is_another(self) -> bool:
        """Whether another file lies in its place since, which is the database from now on.

        Raises:
            StoreError: none does.
        """
        found = self._found()
        if found is None:
            raise StoreError(self._gone())
        with self._guard:
            before, self._identity = self._identity, found
        if before in (None, found):
            return False
        log.warning(
            "Another file lies in the place of the database %s: that one is used from now on.", self.path
        )
        return True

    def _found(self) -> tuple[int, int] | None:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino

    def _gone(self) -> str:
        if self._identity is not None:
            return (
                f"the database {self.path} was deleted while it was in use, and what is written now would be lost: "
                "stop Lockstep, put the file back from a backup, and start again"
            )
        number = len(self.marks(None))
        tasks = some(number, "task")
        return (
            f"the database {self.path} is gone: it held what {tasks} had linked. Put it back from a backup. To begin "
            f"anew, with both sides linked by their content, delete {self.marks_path.name} beside it, too"
        )

    def check_before_opening(self) -> None:
        """See to it that no empty database is made in place of one that was there.

        Raises:
            StoreError: it was.
        """
        if self._found() is None and (self._identity is not None or self.marks(None)):
            raise StoreError(self._gone())

    def marks(self, installation: int | None) -> Mapping[str, int]:
        """How far each task had come in the database of this installation, or of any; empty where nobody knows."""
        with self._guard:
            return self._marks.read(installation)

    def mark(self, installation: int, task: str, place: int) -> None:
        """Note how far a task has come.

        Raises:
            StoreError: that cannot be written.
        """
        with self._guard:
            self._marks.add(installation, task, place)
