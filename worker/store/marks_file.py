"""How far each task had come, beside the file of a database: one line more for each step, so that a step costs the same
however many tasks there are.

The first line is the whole as it was when the file was written anew, `{"file": …, "installation": …, "places": {task:
place}}`; each further line is `[task, place]`, and the largest place of a task counts: places only grow. Who adds a
line shares the file with others who do; who writes it anew has it alone, so that no line is left behind.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from filelock import FileLock, Timeout

from config.private_files import FILE_MODE, open_private
from worker.errors import StoreError

log = logging.getLogger(__name__)

#: Seconds to wait for another process that writes the file anew, and between two looks whether it has.
PATIENCE, PAUSE = 10, 0.001
#: Lines after which it is written anew, and as many for each task.
LINES, LINES_OF_TASK = 1000, 8
#: Bytes by which a file is told from one that was written anew: the system may give both the same number.
HEAD = 64


class MarksFile:
    """The file, as one process has read it so far. Not safe to share between threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._forget()

    def _forget(self) -> None:
        self._identity: tuple[int, int] | None = None
        self._head = b""
        self._offset = self._lines = self._changed = 0
        self._installation: int | None = None
        self._places: dict[str, int] = {}
        #: Whether the next line has to begin with a break: the one before it has none.
        self._broken = False

    def read(self, installation: int | None) -> Mapping[str, int]:
        """The places in the database of this installation, or of any; empty where nobody knows."""
        try:
            self._catch_up()
        except FileNotFoundError:
            self._forget()
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            self._forget()
            log.warning(
                "%s cannot be read (%s): whether an older copy was restored is not known.", self._path, error
            )
        return self._places if installation in (None, self._installation) else {}

    def add(self, installation: int, task: str, place: int) -> None:
        """Note how far a task has come.

        Raises:
            StoreError: that cannot be written.
        """
        known = self.read(installation)
        try:
            if self._installation != installation:
                self._write_anew(installation, task, place, PATIENCE)
                return
            if self._lines > LINES + LINES_OF_TASK * len(known):
                with suppress(Timeout):  # another one is at it
                    self._write_anew(installation, task, place, 0)
                    return
            line = (b"\n" if self._broken else b"") + json.dumps([task, place]).encode() + b"\n"
            while not self._append(line):
                pass  # it was written anew meanwhile, without this line
        except (OSError, Timeout) as error:
            raise StoreError(f"{self._path} cannot be written: {error}") from error

    def _catch_up(self) -> None:
        """Read what was added since the last time, or all of another file."""
        found = self._path.stat()
        identity = found.st_dev, found.st_ino
        if identity != self._identity or found.st_size < self._offset:
            self._forget()
        elif (found.st_size, found.st_mtime_ns) == (self._offset, self._changed):
            return
        with self._path.open("rb") as file:
            opened = os.fstat(file.fileno())
            if file.read(len(self._head)) != self._head:
                self._forget()
            self._identity, self._changed = (opened.st_dev, opened.st_ino), opened.st_mtime_ns
            file.seek(self._offset)
            text = file.read()
        if not self._offset:
            self._head = text[:HEAD]
        # The last line may be under way, but for a file of one line, which earlier versions ended without a break.
        end = text.rfind(b"\n") + 1 or (len(text) if self._offset == 0 else 0)
        for line in filter(None, text[:end].split(b"\n")):
            self._take(line)
        self._offset += end
        self._broken = not text[:end].endswith(b"\n") or end < len(text)

    def _take(self, line: bytes) -> None:
        if not self._lines:
            noted: Any = json.loads(line)
            self._places = {str(task): int(place) for task, place in noted["places"].items()}
            self._installation = noted.get("installation")
        else:
            try:
                task, place = json.loads(line)
                self._places[str(task)] = max(int(place), self._places.get(str(task), 0))
            except (ValueError, TypeError):
                log.debug("A line of %s was cut off.", self._path)  # by a loss of power
        self._lines += 1

    def _append(self, line: bytes) -> bool:
        """Add a line; False where another file has taken its place meanwhile."""
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, FILE_MODE)
        try:
            with self._locked(file, fcntl.LOCK_SH):
                opened, there = os.fstat(file), self._path.stat()
                if (there.st_dev, there.st_ino) != (opened.st_dev, opened.st_ino):
                    return False
                os.write(file, line)
                return True
        finally:
            os.close(file)

    def _write_anew(self, installation: int, task: str, place: int, patience: float) -> None:
        """Write all in one line; `Timeout` where another one is at it for too long."""
        with FileLock(f"{self._path}.lock", timeout=patience, mode=FILE_MODE):
            self.read(installation)
            if self._identity is None:  # there is none, or one that nobody can read
                self._replace(installation, task, place)
                return
            with self._path.open("rb") as before, self._locked(before.fileno(), fcntl.LOCK_EX):
                self._replace(installation, task, place)

    def _replace(self, installation: int, task: str, place: int) -> None:
        places = {**self.read(installation), task: place}
        new = self._path.with_name(f"{self._path.name}.new")
        with open_private(new, "w") as file:
            json.dump({"file": uuid4().hex, "installation": installation, "places": places}, file)
            file.write("\n")
        new.replace(self._path)

    @contextmanager
    def _locked(self, file: int, mode: int) -> Iterator[None]:
        """Have an open file to oneself, or with others who share it; `Timeout` where that takes too long."""
        end = time.monotonic() + PATIENCE
        while True:
            with suppress(BlockingIOError):
                fcntl.flock(file, mode | fcntl.LOCK_NB)
                break
            if time.monotonic() > end:
                raise Timeout(str(self._path))
            time.sleep(PAUSE)
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)
