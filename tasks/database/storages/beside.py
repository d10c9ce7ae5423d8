"""What a node has told, kept where a backup of its database does not bring it back.

A database whose order of arrival ends before the last place that was told of it was set back. Where this is lost, or
set back together with the database, peers still notice by the marks that they have heard (see
`tasks.database.records.marks`).
"""

from __future__ import annotations

import json
import logging
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from secrets import token_hex
from typing import Protocol

from config.private_files import open_private, private_directory
from tasks.database.records.record import STAMP_MAX

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outside:
    """How far a node was when it told a peer last."""

    #: The place in its order of arrival.
    place: int
    #: The bound of its clock.
    bound: int


class Beside(Protocol):
    """Keeps it outside of the database."""

    def read(self) -> Outside | None:
        """What was kept last; None: nothing was, or it is lost."""
        ...

    def keep(self, outside: Outside) -> None:
        """Keep it, where it is further than what was kept."""
        ...


class MemoryBeside:
    """Keeps it as long as the process lives: a database may be set back under it."""

    def __init__(self) -> None:
        self._outside: Outside | None = None

    def read(self) -> Outside | None:
        """What was kept last."""
        return self._outside

    def keep(self, outside: Outside) -> None:
        """Keep it, where it is further than what was kept."""
        if self._outside is None or outside.place > self._outside.place:
            self._outside = outside


class FileBeside:
    """Keeps it in a small file, which may be deleted at any time. It holds nothing of the records."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._warned = False

    def read(self) -> Outside | None:
        """What the file says; None: there is none, or it cannot be read."""
        try:
            data = json.loads(self.path.read_bytes())
            outside = Outside(int(data["place"]), int(data["bound"]))
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return outside if all(0 <= stamp < STAMP_MAX for stamp in (outside.place, outside.bound)) else None

    def keep(self, outside: Outside) -> None:
        """Replace the file, where that is further."""
        before = self.read()
        if before is not None and outside.place <= before.place:
            return
        new = self.path.with_name(f"{self.path.name}.{token_hex(4)}")
        try:
            private_directory(self.path.parent)
            with open_private(new, "w") as file:
                file.write(json.dumps(asdict(outside)))
            new.replace(self.path)
        except OSError as error:
            with suppress(OSError):
                new.unlink(missing_ok=True)
            if not self._warned:
                self._warned = True
                log.warning(
                    "%s cannot be written: %s. A restored backup is noticed by the node's peers only.",
                    self.path,
                    error.strerror,
                )
