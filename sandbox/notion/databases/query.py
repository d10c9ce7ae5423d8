"""Queries of a data source: filter, sort, and walk through the results page by page.

A cursor belongs to its walk and to this process. Between two pages of results rows may change: the walk then
goes on over what is there now, so that rows may be missed or come twice, as at Notion.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from threading import Lock
from typing import Any

from sandbox.notion.columns.columns import OPTION_TYPES, Column, Columns
from sandbox.notion.columns.plain_cells import plain_cell
from sandbox.notion.databases.filters import RowTest, column_of, compile_filter
from sandbox.notion.pages.pages import path_id, refuse_unknown, show_page
from sandbox.notion.parts import dates
from sandbox.notion.parts.collation import text_key
from sandbox.notion.requests import errors
from sandbox.notion.requests.call import Call, listing, page_size
from sandbox.notion.state.ids import new_id
from sandbox.notion.state.stored import Stored

_KEYS = frozenset({"filter", "sorts", "start_cursor", "page_size", "result_type", "is_archived"})
_MAX_WALKS = 2000


@dataclass
class Walk:
    """One way through the results of one query."""

    question: str
    given: int = 0
    #: The row that comes next, and where it stood.
    following: Stored | None = None
    place: int = 0
    order: list[str] = field(default_factory=list)
    version: tuple[int, ...] | None = None


class Walks:
    """The walks that are under way; the oldest are forgotten."""

    def __init__(self) -> None:
        self._walks: OrderedDict[str, Walk] = OrderedDict()
        self._lock = Lock()

    def start(self, walk: Walk) -> str:
        """Remember a walk; its id."""
        walk_id = new_id()
        with self._lock:
            self._walks[walk_id] = walk
            if len(self._walks) > _MAX_WALKS:
                self._walks.popitem(last=False)
        return walk_id

    def find(self, cursor: Any, question: str) -> Walk:
        """The walk that a cursor goes on with; `ApiError` when it is not one of the same query's."""
        parts = cursor.split(":") if isinstance(cursor, str) else []
        with self._lock:
            walk = self._walks.get(parts[1]) if len(parts) == 3 else None
        if (
            walk is None
            or walk.question != question
            or walk.following is None
            or walk.following.id != parts[2]
        ):
            raise errors.validation(f"The start_cursor provided is invalid: {cursor}")
        return walk

    def forget(self) -> None:
        """Make every cursor invalid."""
        with self._lock:
            self._walks.clear()


def run_query(
    call: Call,
    walks: Walks,
    raw_id: str,
    body: dict[str, Any],
    only: list[str],
    show_other: Callable[[Call, Stored], dict[str, Any]],
) -> dict[str, Any]:
    """POST /data_sources/{id}/query.

    Args:
        show_other: shows what is among the results of a wiki beside pages.
    """
    refuse_unknown(body, _KEYS)
    source = call.find("data_source", path_id(raw_id, "data_source_id"))
    columns = Columns(source)
    for key in only:
        columns.named(key)
    size = page_size(body.get("page_size"), call.limits.page_size)
    if body.get("result_type") not in (None, "page", "data_source"):
        raise errors.bad_body("result_type", '"page" or "data_source"', body["result_type"])
    archived = body.get("is_archived") or False
    kind = body.get("result_type")
    asked = {key: body.get(key) for key in ("filter", "sorts", "is_archived", "result_type")}
    question = json.dumps([source.id, asked], sort_keys=True)
    test = compile_filter(call, columns, body["filter"]) if body.get("filter") else None
    sorts = _read_sorts(columns, body.get("sorts"))
    if body.get("start_cursor") is not None:
        walk = replace(walks.find(body["start_cursor"], question))
    else:
        walk = Walk(question)
    left = call.limits.query_results - walk.given
    others = _in_wiki(call, source) if kind != "page" and test is None and not archived else []
    if test is None and not sorts and not others and kind != "data_source":
        start = (walk.following.created, walk.following.seq) if walk.following else None
        rows = call.store.rows(source.id, start, min(size, left) + 1, archived=archived)
    else:

        def find_all() -> list[Stored]:
            pages = [] if kind == "data_source" else _all_rows(call, columns, test, sorts, archived)
            return pages + others

        rows = _ordered_rows(call, walk, find_all, min(size, left) + 1)
    shown, rest = rows[: min(size, left)], rows[min(size, left) :]
    walk.given += len(shown)
    walk.place += len(shown)
    walk.following = rest[0] if rest else None
    capped = bool(rest) and walk.given >= call.limits.query_results
    cursor = None
    if rest and not capped:
        cursor = f"s:{walks.start(walk)}:{rest[0].id}"
    results = [
        show_page(call, row, only, columns) if row.kind == "page" else show_other(call, row) for row in shown
    ]
    answer = listing("page_or_data_source" if call.has_data_sources else "page_or_database", results, cursor)
    if capped:
        answer["request_status"] = {"type": "incomplete", "incomplete_reason": "query_result_limit_reached"}
    return answer


def _in_wiki(call: Call, source: Stored) -> list[Stored]:
    """The data sources of the databases that lie in a wiki."""
    databases = call.store.children(source.id, ("database",))
    return [found for database in databases for found in call.store.children(database.id, ("data_source",))]


def _ordered_rows(call: Call, walk: Walk, find_all: Callable[[], list[Stored]], wanted: int) -> list[Stored]:
    """The next rows of a filtered or sorted walk; the order is kept as long as nothing is written."""
    version = call.store.version()
    if walk.version != version:
        rows = find_all()
        walk.order, walk.version = [row.id for row in rows], version
        if walk.following is not None and walk.following.id in walk.order:
            walk.place = walk.order.index(walk.following.id)
        return rows[walk.place : walk.place + wanted]
    ids = walk.order[walk.place : walk.place + wanted]
    found = call.store.get_many(ids)
    return [found[row_id] for row_id in ids if row_id in found]


def _all_rows(
    call: Call, columns: Columns, test: RowTest | None, sorts: list[tuple[Column | str, bool]], archived: bool
) -> list[Stored]:
    rows = call.store.rows(columns.source.id, archived=archived)
    if test is not None:
        rows = [row for row in rows if test(row)]
    for key, descending in reversed(sorts):
        rows = _sorted(call, columns, rows, key, descending)
    return rows


def matching_rows(call: Call, source: Stored, filter: Any, sorts: Any) -> list[Stored]:
    """All rows that a filter lets through, in the order of sorts; `ApiError` when either is wrong."""
    columns = Columns(source)
    test = compile_filter(call, columns, filter) if filter else None
    return _all_rows(call, columns, test, _read_sorts(columns, sorts), archived=False)


def _read_sorts(columns: Columns, sorts: Any) -> list[tuple[Column | str, bool]]:
    if sorts is None:
        return []
    if not isinstance(sorts, list):
        raise errors.bad_body("sorts", "an array", sorts)
    read: list[tuple[Column | str, bool]] = []
    for index, sort in enumerate(sorts):
        path = f"sorts[{index}]"
        if not isinstance(sort, dict):
            raise errors.bad_body(path, "an object", sort)
        direction = sort.get("direction", "ascending")
        if direction not in ("ascending", "descending"):
            raise errors.bad_body(f"{path}.direction", '"ascending" or "descending"', direction)
        if "timestamp" in sort:
            if sort["timestamp"] not in ("created_time", "last_edited_time"):
                raise errors.bad_body(
                    f"{path}.timestamp", '"created_time" or "last_edited_time"', sort["timestamp"]
                )
            read.append((sort["timestamp"], direction == "descending"))
        else:
            if not isinstance(sort.get("property"), str):
                raise errors.bad_body(f"{path}.property", "a string", sort.get("property"))
            read.append((column_of(columns, sort["property"]), direction == "descending"))
    return read


def _sorted(
    call: Call, columns: Columns, rows: list[Stored], key: Column | str, descending: bool
) -> list[Stored]:
    """Rows by one key, empty cells last; equal ones stay as they are."""
    column = Column(key, key, key) if isinstance(key, str) else key
    options = column.options if column.type in OPTION_TYPES else []
    order = {option["name"]: index for index, option in enumerate(options)}
    keyed = [(sort_key(plain_cell(call, columns, column, row), order), row) for row in rows]
    full = [(found, row) for found, row in keyed if found is not None]
    full.sort(key=lambda item: item[0], reverse=descending)
    return [row for _, row in full] + [row for value, row in keyed if value is None]


def sort_key(value: Any, order: dict[str, int]) -> tuple[int, Any] | None:
    """What a plain cell sorts by, None for an empty one: options by their place, lists by what is first in them."""
    if isinstance(value, tuple):
        return sort_key(value[1], order)
    if isinstance(value, list):
        return sort_key(value[0], order) if value else None
    if value is None or value == "":
        return None
    if order:
        return 0, order.get(value, len(order))
    if isinstance(value, str):
        return 1, text_key(value)
    if isinstance(value, date):
        return 2, dates.as_moment(value)
    # Formulas and rollups may hold values of several types, which have no order of their own.
    return (3, value) if isinstance(value, int | float) else (4, str(value))
