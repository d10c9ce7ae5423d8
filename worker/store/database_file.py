"""The file of an SQLite database: that it stays the one that was opened, and how far it had come.

Processes that have a deleted file open write on into nothing, and the next one makes an empty file. An older copy of
it looks like any other database. Both are told by what stands beside it.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from config.private_files import open_private
from worker.errors import StoreError

log = logging.getLogger(__name__)

#: Seconds to wait for another process that notes something beside the database.
PATIENCE = 10


class DatabaseFile:
    """One database's file, as this process knows it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._identity: tuple[int, int] | None = None
        self._guard = threading.Lock()
        #: Holds how far the tasks had come, by their names, and the number of the installation.
        self.marks_path = path.with_name(f"{path.name}.reached")

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
        tasks = "1 task" if number == 1 else f"{number} tasks"
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
        try:
            noted: Any = json.loads(self.marks_path.read_text("utf-8"))
            places = {str(task): int(place) for task, place in noted["places"].items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning(
                "%s cannot be read (%s): whether an older copy was restored is not known.",
                self.marks_path,
                error,
            )
            return {}
        return places if installation in (None, noted.get("installation")) else {}

    def mark(self, installation: int, task: str, place: int) -> None:
        """Note how far a task has come.

        Raises:
            StoreError: that cannot be written.
        """
        try:
            with FileLock(f"{self.marks_path}.lock", timeout=PATIENCE, mode=0o600):
                places = {**self.marks(installation), task: place}
                new = self.marks_path.with_name(f"{self.marks_path.name}.new")
                with open_private(new, "w") as file:
                    json.dump({"installation": installation, "places": places}, file)
                new.replace(self.marks_path)
        except (OSError, Timeout) as error:
            raise StoreError(f"{self.marks_path} cannot be written: {error}") from error
