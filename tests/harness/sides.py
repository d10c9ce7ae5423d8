"""Two small services in SQLite files, which tell who wrote what and when, and can be slow or out of order."""

from __future__ import annotations

import json
import sqlite3
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

#: Notion's names of the attributes and the other side's.
ATTRIBUTES = {"Name": "title", "Done": "done"}

SCHEMA = """
CREATE TABLE IF NOT EXISTS rows (id TEXT PRIMARY KEY, attrs TEXT NOT NULL, modified TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS writes (
    number INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, run TEXT NOT NULL, pid INTEGER NOT NULL,
    op TEXT NOT NULL, id TEXT NOT NULL, attrs TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS runs (
    run TEXT PRIMARY KEY, pid INTEGER NOT NULL, opened REAL NOT NULL, closed REAL
);
CREATE TABLE IF NOT EXISTS control (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


@dataclass(frozen=True)
class ProbeSpec:
    """A task over two such sides; `every` in seconds, `every=None` and `total=None` for a single run."""

    name: str = "probe"
    every: int | None = None
    total: int | None = None
    conflict_mode: str = "newer"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Write:
    """A write that a run of the task sent to a side."""

    number: int
    #: Seconds since the epoch.
    at: float
    #: Token of the run, made when the task was opened.
    run: str
    pid: int
    #: `create`, `update` or `delete`.
    op: str
    id: str
    attrs: dict[str, Any]


@dataclass(frozen=True)
class Run:
    """A run as the task itself saw it; one that was killed is never closed."""

    run: str
    pid: int
    opened: float
    closed: float | None


@dataclass(frozen=True)
class Row:
    id: str
    attrs: dict[str, Any]
    modified: datetime


class Side:
    """One service. Edits by the test go in silently; those of a run are also listed in `writes`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._open() as db:
            db.executescript(SCHEMA)

    def create(self, *, by: tuple[str, int] | None = None, **attrs: Any) -> Row:
        row = Row(uuid.uuid4().hex, attrs, datetime.now(UTC))
        with self._open() as db:
            self._put(db, row)
            self._note(db, by, "create", row.id, attrs)
        return row

    def update(self, row_id: str, *, by: tuple[str, int] | None = None, **changes: Any) -> Row:
        with self._open() as db:
            old = self._get(db, row_id)
            row = Row(row_id, {**old.attrs, **changes}, datetime.now(UTC))
            self._put(db, row)
            self._note(db, by, "update", row_id, changes)
        return row

    def delete(self, row_id: str, *, by: tuple[str, int] | None = None) -> None:
        with self._open() as db:
            db.execute("DELETE FROM rows WHERE id = ?", (row_id,))
            self._note(db, by, "delete", row_id, {})

    def rows(self) -> list[Row]:
        with self._open() as db:
            return [_row(*each) for each in db.execute("SELECT id, attrs, modified FROM rows ORDER BY rowid")]

    def values(self) -> list[dict[str, Any]]:
        """The attributes of all rows, in an order of their own, to compare sides."""
        return sorted((row.attrs for row in self.rows()), key=_order)

    def writes(self) -> list[Write]:
        with self._open() as db:
            found = db.execute("SELECT number, at, run, pid, op, id, attrs FROM writes ORDER BY number")
            return [Write(*each[:-1], attrs=json.loads(each[-1])) for each in found]

    def duplicates(self, attr: str) -> dict[Any, int]:
        """Values of `attr` that more than one row has, with how many."""
        counted = Counter(row.attrs.get(attr) for row in self.rows())
        return {value: count for value, count in counted.items() if count > 1}

    # -- how the service behaves, from now on -----------------------------------------------------------

    def be_slow(self, *, before: float = 0.0, after: float = 0.0, listing: float = 0.0) -> None:
        """Seconds that a write waits before it is done, and before it is answered; that a listing takes."""
        self.set_control(before=before, after=after, listing=listing)

    def refuse(self, reason: str = "") -> None:
        """Refuse every call with this reason; an empty one ends it."""
        self.set_control(refuse=reason)

    def set_control(self, **values: Any) -> None:
        with self._open() as db:
            for name, value in values.items():
                db.execute("INSERT OR REPLACE INTO control VALUES (?, ?)", (name, json.dumps(value)))

    def control(self) -> dict[str, Any]:
        with self._open() as db:
            return {name: json.loads(value) for name, value in db.execute("SELECT name, value FROM control")}

    # -- runs --------------------------------------------------------------------------------------------

    def run_opened(self, run: str, pid: int) -> None:
        with self._open() as db:
            db.execute("INSERT INTO runs VALUES (?, ?, ?, NULL)", (run, pid, time.time()))

    def run_closed(self, run: str) -> None:
        with self._open() as db:
            db.execute("UPDATE runs SET closed = ? WHERE run = ?", (time.time(), run))

    def runs(self) -> list[Run]:
        with self._open() as db:
            return [Run(*each) for each in db.execute("SELECT * FROM runs ORDER BY opened")]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        db = sqlite3.connect(self.path, timeout=10, isolation_level="IMMEDIATE")
        try:
            with db:
                yield db
        finally:
            db.close()

    def _get(self, db: sqlite3.Connection, row_id: str) -> Row:
        found = db.execute("SELECT id, attrs, modified FROM rows WHERE id = ?", (row_id,)).fetchone()
        if found is None:
            raise KeyError(row_id)
        return _row(*found)

    def _put(self, db: sqlite3.Connection, row: Row) -> None:
        values = (row.id, json.dumps(row.attrs), row.modified.isoformat())
        db.execute("INSERT OR REPLACE INTO rows VALUES (?, ?, ?)", values)

    def _note(
        self, db: sqlite3.Connection, by: tuple[str, int] | None, op: str, row_id: str, attrs: dict[str, Any]
    ) -> None:
        if by is not None:
            db.execute(
                "INSERT INTO writes (at, run, pid, op, id, attrs) VALUES (?, ?, ?, ?, ?, ?)",
                (time.time(), *by, op, row_id, json.dumps(attrs)),
            )


class Sides:
    """Both sides of a probe task below one directory."""

    def __init__(self, directory: Path, name: str = "probe") -> None:
        self.notion = Side(directory / name / "notion.db")
        self.other = Side(directory / name / "other.db")

    def equal(self) -> bool:
        """Whether both sides have the same rows."""
        return self._translated() == self.other.values()

    def assert_equal(self) -> None:
        assert self._translated() == self.other.values()

    def _translated(self) -> list[dict[str, Any]]:
        """Notion's rows in the other side's names."""
        rows = [{ATTRIBUTES[name]: value for name, value in attrs.items()} for attrs in self.notion.values()]
        return sorted(rows, key=_order)

    def runs(self) -> list[Run]:
        return self.notion.runs()

    def overlapping(self) -> list[tuple[str, str]]:
        """Pairs of runs of which one wrote between the first and the last write of the other."""
        writes = sorted([*self.notion.writes(), *self.other.writes()], key=lambda write: write.at)
        spans: dict[str, tuple[float, float]] = {}
        for write in writes:
            first = spans.get(write.run, (write.at, write.at))[0]
            spans[write.run] = (first, write.at)
        ordered = sorted(spans.items(), key=lambda item: item[1])
        return [
            (a, b)
            for position, (a, (_, a_last)) in enumerate(ordered)
            for b, (b_first, _) in ordered[position + 1 :]
            if b_first < a_last
        ]


def _order(attrs: dict[str, Any]) -> str:
    return json.dumps(attrs, sort_keys=True)


def _row(row_id: str, attrs: str, modified: str) -> Row:
    return Row(row_id, json.loads(attrs), datetime.fromisoformat(modified))
