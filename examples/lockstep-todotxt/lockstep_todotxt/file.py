"""A todo.txt file as a whole: read in one go, and replaced in one go."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from lockstep_todotxt.line import Line, read_line
from tasks.sides import SideError


@dataclass(frozen=True, slots=True)
class Content:
    """What a file held at one moment."""

    #: Its lines, `None` for an empty one.
    rows: tuple[Line | None, ...]
    edited: datetime
    #: Its bytes, by which is seen whether it is still the same.
    data: bytes

    @property
    def lines(self) -> list[Line]:
        """The tasks."""
        return [row for row in self.rows if row is not None]

    def find(self, task_id: str) -> Line | None:
        """The task with this id."""
        return next((line for line in self.lines if line.id == task_id), None)

    def bytes_of(self, rows: Sequence[Line | None]) -> bytes:
        """Other lines as bytes, with the line ends and the mark that this content has."""
        end = "\r\n" if b"\r\n" in self.data else "\n"
        mark = "\ufeff" if self.data.startswith(b"\xef\xbb\xbf") else ""
        return (mark + "".join(f"{row or ''}{end}" for row in rows)).encode()


class TodoFile:
    """A file of tasks, one a line."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Content:
        """Its tasks, each with an id.

        Raises:
            SideError: it cannot be read. One that is not there is no empty one: the disk that it is on may be missing.
        """
        try:
            with self.path.open("rb") as file:
                edited = os.fstat(file.fileno()).st_mtime
                return _content(file.read(), edited)
        except FileNotFoundError:
            raise SideError(
                f"there is no file {self.path}: make an empty one if it is to be a new list"
            ) from None
        except (OSError, UnicodeDecodeError) as error:
            raise SideError(f"{self.path} cannot be read: {error}") from error

    def replace(self, before: Content, rows: Sequence[Line | None]) -> Content | None:
        """Write other lines, all at once: who reads the file sees all of the old ones or all of the new ones.

        Returns:
            What it holds now; `None` where somebody wrote it since it was read, and it was left as it is.

        Raises:
            SideError: it cannot be written.
        """
        target = self.path.resolve()  # a link stays a link
        data = before.bytes_of(rows)
        try:
            number, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
            new = Path(name)
            try:
                with os.fdopen(number, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(number)
                    edited = os.fstat(number).st_mtime
                new.chmod(target.stat().st_mode)
                if target.read_bytes() != before.data:
                    return None
                new.replace(target)
            finally:
                new.unlink(missing_ok=True)
        except OSError as error:
            raise SideError(f"{self.path} cannot be written: {error}") from error
        return _content(data, edited)


def _content(data: bytes, edited: float) -> Content:
    raw = [line.rstrip("\r") for line in data.decode("utf-8-sig").split("\n")]
    if not raw[-1]:
        raw.pop()  # what follows the last line end is no line
    rows = _with_ids([read_line(line) if line.strip() else None for line in raw])
    return Content(tuple(rows), datetime.fromtimestamp(edited, UTC), data)


def _with_ids(rows: Sequence[Line | None]) -> Iterator[Line | None]:
    """Lines with an id for each that has none, or that was copied with the id of another.

    It follows from the text, so that it is the same until it is written into the file.
    """
    given = {row.id for row in rows if row is not None}
    taken: set[str] = set()
    for row in rows:
        if row is None or (row.id and row.id not in taken):
            new = row
        else:
            number = 0
            while (task_id := id_of(f"{row.text} {number}")) in taken | given:
                number += 1
            new = row.with_id(task_id)
        if new is not None:
            taken.add(new.id)
        yield new


def id_of(text: str) -> str:
    """A short id that follows from a text."""
    return sha256(text.encode()).hexdigest()[:10]
