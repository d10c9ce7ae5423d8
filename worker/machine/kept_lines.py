"""What the processes of `lockstep up` say, kept in files of the state directory that never grow beyond their room.

Each line has the time at which it came, in UTC, the process, and what it said, without secrets.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TextIO, cast

from config.private_files import open_private, private_directory

log = logging.getLogger(__name__)

#: Bytes of one file, and how many older ones are kept beside it.
ROOM = 4_000_000
OLDER = 4

_LINE = re.compile(r"(\d{4}-\d\d-\d\dT\S+Z) (\S+) (.*)", re.DOTALL)


def file_of(state_dir: Path) -> Path:
    """The newest file."""
    return state_dir / "logs" / "up.log"


@dataclass(frozen=True, slots=True)
class KeptLine:
    """One line."""

    at: datetime
    process: str
    text: str


class Keeper(RotatingFileHandler):
    """Keeps lines; where that fails it says so once, since the processes go on and are shown all the same."""

    def __init__(
        self, path: Path, redact: Callable[[str], str], *, room: int = ROOM, older: int = OLDER
    ) -> None:
        private_directory(path.parent)
        super().__init__(path, maxBytes=room, backupCount=older, encoding="utf-8", delay=True)
        self._redact = redact
        self._told = False

    def _open(self) -> TextIOWrapper:
        return cast(TextIOWrapper, open_private(Path(self.baseFilename), "a"))

    def keep(self, process: str, line: str) -> None:
        """Keep a line of a process."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self.handle(logging.makeLogRecord({"msg": f"{at} {process} {self._redact(line.rstrip())}"}))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  the name is logging's
        """Say that lines cannot be kept, such as on a full disk."""
        if not self._told:
            self._told = True
            log.exception(
                "Lines cannot be kept in %s, so `lockstep logs` will not show all.", self.baseFilename
            )


def lines_in(path: Path) -> Iterator[KeptLine]:
    """All lines that are kept, the oldest first."""
    found = [
        (int(each.suffix[1:]), each)
        for each in path.parent.glob(f"{path.name}.*")
        if each.suffix[1:].isdigit()
    ]
    for each in [*(older for _, older in sorted(found, reverse=True)), path]:
        try:
            with each.open(encoding="utf-8", errors="replace", newline="\n") as file:
                yield from filter(None, map(kept_line, file))
        except FileNotFoundError:  # turned over just now
            continue


class Follower:
    """Reads what is added to the newest file, also when that is turned over."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rest = ""
        self._file = self._opened()
        if self._file is not None:
            self._file.seek(0, os.SEEK_END)

    def more(self) -> Iterator[KeptLine]:
        """The lines that came since; half a line is left for the next time."""
        if self._file is not None:
            yield from self._lines(self._file)
            if self._is_newest(self._file):
                return
            yield from self._lines(self._file)  # what came between the two looks
            self._file.close()
        self._file, self._rest = self._opened(), ""
        if self._file is not None:
            yield from self._lines(self._file)

    def _lines(self, file: TextIO) -> Iterator[KeptLine]:
        *whole, self._rest = (self._rest + file.read()).split("\n")
        yield from filter(None, map(kept_line, whole))

    def _is_newest(self, file: TextIO) -> bool:
        """Whether it has its name still, or there is no other one yet."""
        try:
            return os.path.samestat(self._path.stat(), os.fstat(file.fileno()))
        except FileNotFoundError:
            return True

    def _opened(self) -> TextIO | None:
        try:
            return self._path.open(encoding="utf-8", errors="replace", newline="\n")
        except FileNotFoundError:
            return None


def kept_line(text: str) -> KeptLine | None:
    """A line of a file; `None` for one that is none."""
    found = _LINE.fullmatch(text.rstrip("\n"))
    return None if found is None else KeptLine(datetime.fromisoformat(found[1]), found[2], found[3])
