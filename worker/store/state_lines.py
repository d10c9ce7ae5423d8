"""The form in which a task's state leaves a database: lines of JSON, the last of which seals those before it.

The first line says what it is, in which version of the form, and whose. Then comes a line for each row, table by table.
The last one has the number of rows and the SHA-256 of all lines before it, so a file that was cut off is no state.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

from worker.errors import WorkerError

FORMAT = "lockstep state"
#: Of the form. What an older one reads otherwise, or cannot read, needs a higher one.
VERSION = 1

Row = Mapping[str, Any]


class StateFileError(WorkerError):
    """A file has no state that can be taken over; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Head:
    """What the first line says."""

    task: str
    #: The version of Lockstep that wrote it, and that of its tables.
    lockstep: str
    tables: str
    at: datetime
    #: By table.
    rows: Mapping[str, int]


def sealed(head: Head, rows: Iterable[tuple[str, Row]]) -> Iterator[bytes]:
    """The lines of a state, each as it is needed."""
    first: Row = {
        "format": FORMAT,
        "version": VERSION,
        "task": head.task,
        "lockstep": head.lockstep,
        "tables": head.tables,
        "at": head.at.isoformat(),
        "rows": dict(head.rows),
    }
    parts: Iterable[Row] = ({"table": table, "row": row} for table, row in rows)
    digest, number = hashlib.sha256(), -1
    for part in chain([first], parts):
        line = _line(part)
        digest.update(line)
        number += 1
        yield line
    yield _line({"rows": number, "sha256": digest.hexdigest()})


def opened(lines: Iterable[bytes]) -> tuple[Head, Iterator[tuple[str, Row]]]:
    """What the first line says, and the rows; whoever reads these to their end knows that they are whole.

    Raises:
        StateFileError: it is no state, or one of a newer version; or, while rows are read, it is broken or cut off.
    """
    left = iter(lines)
    first = next(left, b"")
    head = _head(first)
    return head, _rows(left, hashlib.sha256(first))


def _head(line: bytes) -> Head:
    try:
        said = json.loads(line)
        known = said["format"] == FORMAT
    except (ValueError, KeyError, TypeError):
        known = False
    if not known:
        raise StateFileError("it is no state that `lockstep export` wrote")
    try:
        if int(said["version"]) > VERSION:
            raise StateFileError(
                f"Lockstep {said.get('lockstep', '')} wrote it in version {said['version']} of its form, and this one "
                f"reads up to {VERSION}: install that version or a newer one"
            )
        rows = {str(table): int(number) for table, number in said["rows"].items()}
        at = datetime.fromisoformat(said["at"])
        return Head(str(said["task"]), str(said["lockstep"]), str(said["tables"]), at, rows)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise broken(1, error) from error


def _rows(lines: Iterator[bytes], digest: hashlib._Hash) -> Iterator[tuple[str, Row]]:
    number = 0
    for place, line in enumerate(lines, 2):
        try:
            said = json.loads(line)
            if "sha256" not in said:
                table, row = str(said["table"]), dict(said["row"])
                digest.update(line)
                number += 1
                yield table, row
                continue
            whole = (said["rows"], said["sha256"]) == (number, digest.hexdigest())
        except (ValueError, KeyError, TypeError) as error:
            raise broken(place, error) from error
        if not whole:
            raise StateFileError(
                "it was changed or damaged after it was written: what its last line says of the others is not so"
            )
        if next(lines, b"").strip():
            raise broken(place + 1, "it goes on after its end")
        return
    raise StateFileError("it is cut off: its last line is missing")


def broken(place: int, why: object) -> StateFileError:
    """What is said of a line that cannot be read."""
    return StateFileError(f"line {place} cannot be read ({why})")


def _line(part: Row) -> bytes:
    return json.dumps(part, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode() + b"\n"
