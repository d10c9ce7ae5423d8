"""The ledger of conflicts of a task that runs without a database: one line of a file for each entry."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tasks.errors import StateError
from tasks.journal.ledger import LedgerEntry, Version, fingerprint_of
from tasks.journal.lines import append_lines, fields_of
from tasks.merge import Name
from tasks.values.canonical import load


class LedgerFile:
    """A ledger that one process adds to. Not safe to share between threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        #: Fingerprints of what it holds, once that was asked for.
        self._told: set[str] | None = None

    def keep(self, entry: LedgerEntry) -> None:
        """Add an entry, unless it is there.

        Raises:
            StateError: the file cannot be read or written.
        """
        if self._told is None:
            self._told = _told_in(self.path)
        if entry.fingerprint not in self._told:
            append_lines(self.path, [{"fingerprint": entry.fingerprint, **fields_of(entry)}])
            self._told.add(entry.fingerprint)


def entries_in(path: Path) -> Iterator[LedgerEntry]:
    """The entries of a ledger; a line that a crash has cut off is none, and one of an older form is left out.

    Raises:
        StateError: the file cannot be read.
    """
    for line in _lines_in(path):
        with suppress(StateError, TypeError, KeyError):
            said = dict(load(line))
            del said["fingerprint"]
            places = {place: Version(**said.pop(place)) for place in ("first", "second")}
            yield LedgerEntry(**{**said, **places, "name": Name(**said.get("name", {}))})


def _lines_in(path: Path) -> list[str]:
    """What stands in a ledger; nothing where there is none yet."""
    try:
        return [line for line in path.read_text(encoding="utf-8", errors="replace").split("\n") if line]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StateError(f"{path} cannot be read: {error.strerror}") from error


def _told_in(path: Path) -> set[str]:
    """The fingerprints of what a ledger holds."""
    return set(filter(None, map(_fingerprint_in, _lines_in(path))))


def _fingerprint_in(line: str) -> str:
    """That of an entry; none where a crash has cut its line off."""
    try:
        entry = load(line)
        # A line of an older version has none, but its parts.
        return str(entry["fingerprint"]) if "fingerprint" in entry else fingerprint_of(entry)
    except (StateError, TypeError, KeyError):
        return ""
