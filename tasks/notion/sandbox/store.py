"""Everything the workspace holds, in one SQLite table of objects.

Every request runs in one transaction and one after the other, so that answers never show half of a write.
Another process may use the same file.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS object (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    parent TEXT NOT NULL,
    position REAL NOT NULL,
    created INTEGER NOT NULL,
    edited INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    edited_by TEXT NOT NULL,
    in_trash INTEGER NOT NULL,
    indexed INTEGER NOT NULL,
    doc TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS object_rows ON object (parent, kind, in_trash, created, seq);
CREATE INDEX IF NOT EXISTS object_children ON object (parent, position, seq);
CREATE INDEX IF NOT EXISTS object_kinds ON object (kind, in_trash, edited);
CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
_COLUMNS = "seq, id, kind, parent, position, created, edited, created_by, edited_by, in_trash, indexed, doc"

#: The parent of what lies at the top of the workspace.
WORKSPACE = "workspace"


@dataclass
class Stored:
    """One page, database, data source, block, comment or user. Times are milliseconds in UTC."""

    id: str
    kind: str
    parent: str
    created: int
    edited: int
    created_by: str
    edited_by: str
    doc: dict[str, Any] = field(default_factory=dict)
    in_trash: bool = False
    #: Whether the search index knows the object.
    indexed: bool = True
    position: float = 0.0
    seq: int = 0


class Store:
    """A workspace in a file, or in memory when `path` is None."""

    def __init__(self, path: Path | None) -> None:
        self._lock = RLock()
        self._depth = 0
        self._db = sqlite3.connect(
            ":memory:" if path is None else path, check_same_thread=False, isolation_level=None, timeout=30
        )
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; nested ones belong to the outermost."""
        with self._lock:
            if self._depth:
                yield
                return
            self._db.execute("BEGIN IMMEDIATE")
            self._depth = 1
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            else:
                self._db.execute("COMMIT")
            finally:
                self._depth = 0

    def version(self) -> tuple[int, int]:
        """Changes whenever anything is written, by this process or another."""
        (other,) = self._db.execute("PRAGMA data_version").fetchone()
        return int(other), self._db.total_changes

    # -- objects ------------------------------------------------------------------------------------------

    def get(self, object_id: str) -> Stored | None:
        """The object with this id."""
        row = self._db.execute(f"SELECT {_COLUMNS} FROM object WHERE id = ?", (object_id,)).fetchone()  # noqa: S608
        return _stored(row) if row else None

    def get_many(self, object_ids: list[str]) -> dict[str, Stored]:
        """The objects with these ids, as far as they are there."""
        found: dict[str, Stored] = {}
        for start in range(0, len(object_ids), 500):
            part = object_ids[start : start + 500]
            marks = ",".join("?" * len(part))
            sql = f"SELECT {_COLUMNS} FROM object WHERE id IN ({marks})"  # noqa: S608
            found |= {row[1]: _stored(row) for row in self._db.execute(sql, part)}
        return found

    def insert(self, obj: Stored) -> Stored:
        """Add an object; last among the children of its parent unless it has a position."""
        if not obj.position:
            sql = "SELECT coalesce(max(position), 0) + 1 FROM object WHERE parent = ?"
            (obj.position,) = self._db.execute(sql, (obj.parent,)).fetchone()
        cursor = self._db.execute(
            "INSERT INTO object (id, kind, parent, position, created, edited, created_by, edited_by, in_trash,"
            " indexed, doc) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
            (obj.id, obj.kind, obj.parent, *_changing(obj)),
        )
        obj.seq = int(cursor.lastrowid or 0)
        return obj

    def save(self, obj: Stored) -> None:
        """Write an object back."""
        self._db.execute(
            "UPDATE object SET parent=?, position=?, created=?, edited=?, created_by=?, edited_by=?, in_trash=?,"
            " indexed=?, doc=? WHERE id=?",
            (obj.parent, *_changing(obj), obj.id),
        )

    def delete(self, object_id: str) -> None:
        """Remove an object for good."""
        self._db.execute("DELETE FROM object WHERE id = ?", (object_id,))

    def children(self, parent: str, kinds: tuple[str, ...], *, trashed: bool = False) -> list[Stored]:
        """The children of these kinds that are not in the trash (or, with `trashed`, all), in their order."""
        marks = ",".join("?" * len(kinds))
        sql = f"SELECT {_COLUMNS} FROM object WHERE parent = ? AND kind IN ({marks})"  # noqa: S608
        sql += "" if trashed else " AND in_trash = 0"
        return [_stored(row) for row in self._db.execute(sql + " ORDER BY position, seq", (parent, *kinds))]

    def has_children(self, parent: str) -> bool:
        """Whether something that is not in the trash lies under the object."""
        sql = "SELECT 1 FROM object WHERE parent = ? AND in_trash = 0 AND kind != 'comment' LIMIT 1"
        return self._db.execute(sql, (parent,)).fetchone() is not None

    def rows(
        self,
        data_source: str,
        before: tuple[int, int] | None = None,
        limit: int = -1,
        *,
        archived: bool = False,
    ) -> list[Stored]:
        """Pages of a data source that are not in the trash, newest first, from (created, seq) downwards."""
        sql = f"SELECT {_COLUMNS} FROM object WHERE parent = ? AND kind = 'page' AND in_trash = 0"  # noqa: S608
        sql += " AND json_extract(doc, '$.is_archived') = ?"
        values: list[Any] = [data_source, int(archived)]
        if before is not None:
            sql += " AND (created, seq) <= (?, ?)"
            values += before
        sql += " ORDER BY created DESC, seq DESC LIMIT ?"
        return [_stored(row) for row in self._db.execute(sql, (*values, limit))]

    def of_kind(self, *kinds: str) -> list[Stored]:
        """All objects of these kinds, oldest first."""
        marks = ",".join("?" * len(kinds))
        sql = f"SELECT {_COLUMNS} FROM object WHERE kind IN ({marks}) ORDER BY seq"  # noqa: S608
        return [_stored(row) for row in self._db.execute(sql, kinds)]

    def next_position(self, parent: str, after: Stored | None) -> tuple[float, float]:
        """The gap behind a child, or before the first one: an open interval of positions."""
        low = after.position if after else 0.0
        sql = "SELECT min(position) FROM object WHERE parent = ? AND position > ?"
        (high,) = self._db.execute(sql, (parent, low)).fetchone()
        return low, float(high) if high is not None else low + 2

    # -- facts --------------------------------------------------------------------------------------------

    def fact(self, name: str) -> str | None:
        """A small thing worth remembering."""
        row = self._db.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else None

    def set_fact(self, name: str, value: str) -> None:
        """Remember a small thing."""
        self._db.execute("INSERT OR REPLACE INTO fact (name, value) VALUES (?, ?)", (name, value))


def _changing(obj: Stored) -> tuple[Any, ...]:
    return (
        obj.position,
        obj.created,
        obj.edited,
        obj.created_by,
        obj.edited_by,
        int(obj.in_trash),
        int(obj.indexed),
        json.dumps(obj.doc, ensure_ascii=False, separators=(",", ":")),
    )


def _stored(row: tuple[Any, ...]) -> Stored:
    seq, object_id, kind, parent, position, created, edited, created_by, edited_by, trash, indexed, doc = row
    return Stored(
        id=object_id,
        kind=kind,
        parent=parent,
        created=created,
        edited=edited,
        created_by=created_by,
        edited_by=edited_by,
        doc=json.loads(doc),
        in_trash=bool(trash),
        indexed=bool(indexed),
        position=position,
        seq=seq,
    )
