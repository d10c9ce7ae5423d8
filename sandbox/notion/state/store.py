"""Everything the workspace holds, in one SQLite table of objects.

Every request runs in one transaction and one after the other, so that answers never show half of a write.
Another process may use the same file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

from sandbox.notion.state.stored import COLUMNS, Change, Past, Stored, from_row, to_row

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
CREATE TABLE IF NOT EXISTS unshared (id TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS piece (file TEXT, number INTEGER, data BLOB NOT NULL, PRIMARY KEY (file, number));
"""
#: The objects of `{seed}` and everything below them.
_TREE = """
WITH RECURSIVE tree (id) AS (
    {seed} UNION SELECT object.id FROM object JOIN tree ON object.parent = tree.id
) SELECT id FROM tree
"""
#: Whether an object, or something above it, is in the trash.
_IN_TRASH = """
WITH RECURSIVE line (parent, in_trash) AS (
    SELECT parent, in_trash FROM object WHERE id = ?
    UNION SELECT object.parent, object.in_trash FROM object JOIN line ON object.id = line.parent
) SELECT 1 FROM line WHERE in_trash LIMIT 1
"""

#: The rows of a data source, archived or not.
_ROWS = "FROM object WHERE parent = ? AND kind = 'page' AND in_trash = 0 AND json_extract(doc, '$.is_archived') = ?"


class Store:
    """A workspace in a file, or in memory when `path` is None."""

    def __init__(self, path: Path | None) -> None:
        self._lock = RLock()
        self._depth = 0
        self._watchers: list[Callable[[list[Change]], None]] = []
        #: Objects that this transaction has written, as they were before.
        self._before: dict[str, tuple[Any, ...] | None] = {}
        self._hidden: frozenset[str] = frozenset()
        self._past: Past | None = None
        self._db = sqlite3.connect(
            ":memory:" if path is None else path, check_same_thread=False, isolation_level=None, timeout=30
        )
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)
        self._db.create_function("visible", 1, lambda object_id: object_id not in self._hidden)

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
                self._before.clear()
                raise
            else:
                self._db.execute("COMMIT")
            finally:
                self._depth = 0
            self._tell()

    @contextmanager
    def rehearsal(self) -> Iterator[None]:
        """Within a transaction: whatever is done is undone at the end."""
        before = dict(self._before)
        self._db.execute("SAVEPOINT rehearsal")
        try:
            yield
        finally:
            self._db.execute("ROLLBACK TO rehearsal")
            self._db.execute("RELEASE rehearsal")
            self._before = before

    @property
    def busy(self) -> bool:
        """Whether this thread is within a transaction."""
        with self._lock:
            return self._depth > 0

    def version(self) -> tuple[int, ...]:
        """Changes whenever anything is written, by this process or another."""
        (other,) = self._db.execute("PRAGMA data_version").fetchone()
        return int(other), self._db.total_changes, self._past.mark if self._past else 0

    # -- changes, sharing and the past --------------------------------------------------------------------

    def watch(self, watcher: Callable[[list[Change]], None]) -> None:
        """Tell `watcher` of the changes of every transaction of this process, in their order."""
        with self._lock:
            self._watchers.append(watcher)

    def unwatch(self, watcher: Callable[[list[Change]], None]) -> None:
        """Tell it no more."""
        with self._lock:
            self._watchers.remove(watcher)

    def _tell(self) -> None:
        written, self._before = self._before, {}
        changes = [Change(from_row(row) if row else None, self.get(key)) for key, row in written.items()]
        for watcher in list(self._watchers) if changes else []:
            watcher(changes)

    def _remember(self, object_id: str) -> None:
        if self._watchers and object_id not in self._before:
            self._before[object_id] = self._row(object_id)

    def unshare(self, object_id: str) -> None:
        """Hide an object, and everything below it, from integrations."""
        self._db.execute("INSERT OR IGNORE INTO unshared (id) VALUES (?)", (object_id,))

    def share(self, object_id: str) -> None:
        """Undo `unshare`."""
        self._db.execute("DELETE FROM unshared WHERE id = ?", (object_id,))

    def unshared(self) -> frozenset[str]:
        """The ids of everything that is hidden from integrations."""
        if self._db.execute("SELECT 1 FROM unshared LIMIT 1").fetchone() is None:
            return frozenset()
        return frozenset(key for (key,) in self._db.execute(_TREE.format(seed="SELECT id FROM unshared")))

    @contextmanager
    def as_shared(self) -> Iterator[None]:
        """Within a transaction: as integrations see the workspace, without what is not shared with them."""
        self._hidden = self.unshared()
        try:
            yield
        finally:
            self._hidden = frozenset()

    @contextmanager
    def as_of(self, past: Past | None) -> Iterator[None]:
        """Within a transaction: lists and rows (`rows`, `get_many`, `of_kind`) are those of a past."""
        self._past = past
        try:
            yield
        finally:
            self._past = None

    def hides(self, object_id: str | None) -> bool:
        """Whether the caller is an integration with which the object is not shared."""
        return object_id in self._hidden

    def _visible(self) -> str:
        return " AND visible(id)" if self._hidden else ""

    def _overlaid(self, found: list[Stored], fits: Callable[[Stored], bool]) -> list[Stored]:
        """What was there in the past in place of what is there now."""
        if self._past is None:
            return found
        old = self._past.objects
        return [obj for obj in found if obj.id not in old] + [
            obj for obj in old.values() if obj is not None and obj.id not in self._hidden and fits(obj)
        ]

    # -- objects ------------------------------------------------------------------------------------------

    def get(self, object_id: str) -> Stored | None:
        """The object with this id."""
        row = None if object_id in self._hidden else self._row(object_id)
        return from_row(row) if row else None

    def _row(self, object_id: str) -> tuple[Any, ...] | None:
        sql = f"SELECT {COLUMNS} FROM object WHERE id = ?"  # noqa: S608
        row: tuple[Any, ...] | None = self._db.execute(sql, (object_id,)).fetchone()
        return row

    def get_many(self, object_ids: list[str]) -> dict[str, Stored]:
        """The objects with these ids, as far as they are there."""
        found: dict[str, Stored] = {}
        for start in range(0, len(object_ids), 500):
            part = object_ids[start : start + 500]
            marks = ",".join("?" * len(part))
            sql = f"SELECT {COLUMNS} FROM object WHERE id IN ({marks}){self._visible()}"  # noqa: S608
            found |= {row[1]: from_row(row) for row in self._db.execute(sql, part)}
        wanted = set(object_ids)
        return {obj.id: obj for obj in self._overlaid(list(found.values()), lambda obj: obj.id in wanted)}

    def insert(self, obj: Stored) -> Stored:
        """Add an object; last among the children of its parent unless it has a position."""
        self._remember(obj.id)
        if not obj.position:
            obj.position = self.last_position(obj.parent)
        cursor = self._db.execute(
            "INSERT INTO object (id, kind, parent, position, created, edited, created_by, edited_by, in_trash,"
            " indexed, doc) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
            (obj.id, obj.kind, obj.parent, *to_row(obj)),
        )
        obj.seq = int(cursor.lastrowid or 0)
        return obj

    def save(self, obj: Stored) -> None:
        """Write an object back."""
        self._remember(obj.id)
        self._db.execute(
            "UPDATE object SET parent=?, position=?, created=?, edited=?, created_by=?, edited_by=?, in_trash=?,"
            " indexed=?, doc=? WHERE id=?",
            (obj.parent, *to_row(obj), obj.id),
        )

    def delete(self, object_id: str) -> None:
        """Remove an object for good."""
        self._remember(object_id)
        self._db.execute("DELETE FROM object WHERE id = ?", (object_id,))

    def delete_tree(self, object_id: str) -> None:
        """Remove an object and everything below it for good."""
        for (key,) in self._db.execute(_TREE.format(seed="SELECT ?"), (object_id,)).fetchall():
            self.delete(key)

    def children(self, parent: str, kinds: tuple[str, ...], *, trashed: bool = False) -> list[Stored]:
        """The children of these kinds that are not in the trash (or, with `trashed`, all), in their order."""
        marks = ",".join("?" * len(kinds))
        sql = f"SELECT {COLUMNS} FROM object WHERE parent = ? AND kind IN ({marks})"  # noqa: S608
        sql += ("" if trashed else " AND in_trash = 0") + self._visible()
        return [from_row(row) for row in self._db.execute(sql + " ORDER BY position, seq", (parent, *kinds))]

    def has_children(self, parent: str) -> bool:
        """Whether something that is not in the trash lies under the object."""
        sql = "SELECT 1 FROM object WHERE parent = ? AND in_trash = 0 AND kind != 'comment' LIMIT 1"
        return self._db.execute(sql, (parent,)).fetchone() is not None

    def lies_in_trash(self, object_id: str) -> bool:
        """Whether an object is in the trash, by itself or with something that it lies in."""
        return self._db.execute(_IN_TRASH, (object_id,)).fetchone() is not None

    def rows(
        self,
        data_source: str,
        before: tuple[int, int] | None = None,
        limit: int = -1,
        *,
        archived: bool = False,
    ) -> list[Stored]:
        """Pages of a data source that are not in the trash, newest first, from (created, seq) downwards."""
        sql = f"SELECT {COLUMNS} {_ROWS}{self._visible()}"
        values: list[Any] = [data_source, int(archived)]
        if before is not None:
            sql += " AND (created, seq) <= (?, ?)"
            values += before
        sql += " ORDER BY created DESC, seq DESC LIMIT ?"
        at_once = limit if self._past is None else -1
        found = [from_row(row) for row in self._db.execute(sql, (*values, at_once))]
        if self._past is None:
            return found

        def was_there(obj: Stored) -> bool:
            listed = (obj.parent, obj.kind, obj.in_trash) == (data_source, "page", False)
            return (
                listed
                and obj.doc["is_archived"] == archived
                and (before is None or (obj.created, obj.seq) <= before)
            )

        rows = sorted(self._overlaid(found, was_there), key=lambda obj: (obj.created, obj.seq), reverse=True)
        return rows if limit < 0 else rows[:limit]

    def count_rows(self, data_source: str) -> int:
        """How many pages of a data source are neither in the trash nor archived, now."""
        sql = f"SELECT count(*) {_ROWS}{self._visible()}"
        (number,) = self._db.execute(sql, (data_source, 0)).fetchone()
        return int(number)

    def of_kind(self, *kinds: str) -> list[Stored]:
        """All objects of these kinds, oldest first."""
        marks = ",".join("?" * len(kinds))
        sql = f"SELECT {COLUMNS} FROM object WHERE kind IN ({marks}){self._visible()} ORDER BY seq"  # noqa: S608
        found = [from_row(row) for row in self._db.execute(sql, kinds)]
        if self._past is None:
            return found
        return sorted(self._overlaid(found, lambda obj: obj.kind in kinds), key=lambda obj: obj.seq)

    def last_position(self, parent: str) -> float:
        """Where a child stands behind all others."""
        sql = "SELECT coalesce(max(position), 0) + 1 FROM object WHERE parent = ?"
        (position,) = self._db.execute(sql, (parent,)).fetchone()
        return float(position)

    def next_position(self, parent: str, after: Stored | None) -> tuple[float, float]:
        """The gap behind a child, or before the first one: an open interval of positions."""
        low = after.position if after else 0.0
        sql = "SELECT min(position) FROM object WHERE parent = ? AND position > ?"
        (high,) = self._db.execute(sql, (parent, low)).fetchone()
        return low, float(high) if high is not None else low + 2

    # -- files --------------------------------------------------------------------------------------------

    def put_piece(self, file_id: str, number: int, data: bytes) -> None:
        """Keep a piece of a file, instead of the one of this number."""
        self._db.execute(
            "INSERT OR REPLACE INTO piece (file, number, data) VALUES (?, ?, ?)", (file_id, number, data)
        )

    def read_file(self, file_id: str) -> bytes | None:
        """The bytes of a file; `None` where nobody sent any."""
        found = self._db.execute(
            "SELECT data FROM piece WHERE file = ? ORDER BY number", (file_id,)
        ).fetchall()
        return b"".join(data for (data,) in found) if found else None

    # -- facts --------------------------------------------------------------------------------------------

    def fact(self, name: str) -> str | None:
        """A small thing worth remembering."""
        row = self._db.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else None

    def set_fact(self, name: str, value: str) -> None:
        """Remember a small thing."""
        self._db.execute("INSERT OR REPLACE INTO fact (name, value) VALUES (?, ?)", (name, value))
