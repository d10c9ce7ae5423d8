"""A task between two tables in memory that can do whatever a test needs: changes, faults, counting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tasks import Changes, ConflictMode, CursorExpiredError, ItemError, Listing, SideError, SyncTask

START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Row:
    id: str
    values: dict[str, Any]
    edited: datetime
    version: int


@dataclass
class Board:
    """One side: rows, a log of changes, faults, and how often it was called."""

    name: str
    rows: dict[str, Row] = field(default_factory=dict)
    made: int = 0
    version: int = 0
    deleted: dict[str, int] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    #: Values of the first attribute that are refused.
    refused: set[Any] = field(default_factory=set)
    #: Cursors below this are expired.
    oldest: int = 0
    clock: Callable[[], datetime] = lambda: START
    #: Ids that the listing hides, by a filter.
    hidden: set[str] = field(default_factory=set)
    #: Ids of rows that are not listed, of which the service does not say that they are deleted.
    moved: set[str] = field(default_factory=set)
    #: How many writes are taken until the service is away; `None` is all.
    broken_after: int | None = None
    #: Whether it cannot be listed.
    unreachable: bool = False

    def write(self, kind: str) -> None:
        if self.broken_after is not None:
            if self.broken_after == 0:
                raise SideError(f"{self.name} is away")
            self.broken_after -= 1
        self.calls[kind] += 1

    def add(self, **values: Any) -> str:
        self.made += 1
        row_id = f"{self.name[0]}{self.made}"
        self.rows[row_id] = Row(row_id, values, self.clock(), self.bump())
        return row_id

    def edit(self, row_id: str, **values: Any) -> None:
        row = self.rows[row_id]
        self.rows[row_id] = Row(row_id, {**row.values, **values}, self.clock(), self.bump())

    def remove(self, row_id: str) -> None:
        del self.rows[row_id]
        self.deleted[row_id] = self.bump()

    def bump(self) -> int:
        self.version += 1
        return self.version

    @property
    def writes(self) -> int:
        return sum(self.calls[kind] for kind in ("create", "update", "delete"))

    def shown(self) -> list[tuple[Any, ...]]:
        return sorted((tuple(row.values.values()) for row in self.rows.values()), key=repr)


class Boards(SyncTask):
    """Columns `A`, `B` on one side and `a`, `b` on the other; rows with equal `A` are the same thing."""

    def __init__(
        self,
        name: str = "boards",
        mode: ConflictMode | str = ConflictMode.NEWER,
        *,
        attributes: str = "AB",
        deltas: bool = False,
    ) -> None:
        super().__init__(name, {letter: letter.lower() for letter in attributes}, mode)
        self.now = START
        self.notion = Board("notion", clock=lambda: self.now)
        self.other = Board("other", clock=lambda: self.now)
        self.deltas = deltas
        self.the_scope = ""
        self.forms: dict[str, str] = {}

    def pair(self, **values: Any) -> tuple[str, str]:
        """The same row on both sides."""
        lower = {name.lower(): value for name, value in values.items()}
        return self.notion.add(**values), self.other.add(**lower)

    def later(self, **delta: float) -> None:
        self.now += timedelta(**delta)

    def clock(self) -> datetime:
        return self.now

    def scope(self) -> str:
        return self.the_scope

    def attr_forms(self) -> dict[str, str]:
        return self.forms

    # -- both sides alike ------------------------------------------------------------------------------------

    def _list(self, board: Board) -> Listing:
        board.calls["list"] += 1
        if board.unreachable:
            raise SideError(f"{board.name} is away")
        rows = [row for row in board.rows.values() if row.id not in board.hidden]
        return Listing(rows, cursor=board.version if self.deltas else None)

    def _changes(self, board: Board, cursor: int) -> Any:
        if not self.deltas:
            return NotImplemented
        board.calls["changes"] += 1
        if cursor < board.oldest:
            raise CursorExpiredError("too old")
        changed = [row for row in board.rows.values() if row.version > cursor and row.id not in board.hidden]
        gone = [row_id for row_id, version in board.deleted.items() if version > cursor]
        return Changes(changed, gone, board.version)

    def _get(self, board: Board, row_id: str) -> Row | None:
        board.calls["get"] += 1
        return board.rows.get(row_id)

    def _create(self, board: Board, values: dict[str, Any]) -> Row:
        board.write("create")
        self._refuse(board, values)
        return board.rows[board.add(**values)]

    def _update(self, board: Board, row: Row, changes: dict[str, Any]) -> Row:
        board.write("update")
        self._refuse(board, changes)
        board.edit(row.id, **changes)
        return board.rows[row.id]

    def _refuse(self, board: Board, values: dict[str, Any]) -> None:
        if board.refused & set(values.values()):
            raise ItemError("this value is not taken")

    def _delete(self, board: Board, row: Row) -> None:
        board.write("delete")
        board.remove(row.id)

    def _is_gone(self, board: Board, row_id: str) -> bool:
        board.calls["is_gone"] += 1
        return row_id not in board.moved

    def get_notion_objects(self) -> Listing:
        return self._list(self.notion)

    def get_other_objects(self) -> Listing:
        return self._list(self.other)

    def notion_changes(self, cursor: Any) -> Any:
        return self._changes(self.notion, cursor)

    def other_changes(self, cursor: Any) -> Any:
        return self._changes(self.other, cursor)

    def notion_get_obj(self, obj_id: str) -> Any:
        return self._get(self.notion, obj_id)

    def other_get_obj(self, obj_id: str) -> Any:
        return self._get(self.other, obj_id)

    def notion_is_gone(self, obj_id: str) -> bool:
        return self._is_gone(self.notion, obj_id)

    def other_is_gone(self, obj_id: str) -> bool:
        return self._is_gone(self.other, obj_id)

    def notion_id(self, obj: Row) -> str:
        return obj.id

    def other_id(self, obj: Row) -> str:
        return obj.id

    def notion_hash(self, obj: Row) -> str:
        return str(obj.values["A"])

    def other_hash(self, obj: Row) -> str:
        return str(obj.values["a"])

    def notion_timestamp(self, obj: Row) -> datetime:
        return obj.edited

    def other_timestamp(self, obj: Row) -> datetime:
        return obj.edited

    def notion_to_dict(self, obj: Row) -> dict[str, Any]:
        return dict(obj.values)

    def other_to_dict(self, obj: Row) -> dict[str, Any]:
        return dict(obj.values)

    def notion_create_obj(self, **kwargs: Any) -> Row:
        return self._create(self.notion, kwargs)

    def other_create_obj(self, **kwargs: Any) -> Row:
        return self._create(self.other, kwargs)

    def notion_update_attrs(self, obj: Row, changes: dict[str, Any]) -> Row:
        return self._update(self.notion, obj, changes)

    def other_update_attrs(self, obj: Row, changes: dict[str, Any]) -> Row:
        return self._update(self.other, obj, changes)

    def notion_update_obj(self, obj: Row, attr: str, value: Any) -> None:
        self._update(self.notion, obj, {attr: value})

    def other_update_obj(self, obj: Row, attr: str, value: Any) -> None:
        self._update(self.other, obj, {attr: value})

    def notion_delete_obj(self, obj: Row) -> None:
        self._delete(self.notion, obj)

    def other_delete_obj(self, obj: Row) -> None:
        self._delete(self.other, obj)
