"""One property of one page, read item by item: the way to lists that pages show cut."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.notion.columns.cells import show_cell
from sandbox.notion.columns.columns import Column, Columns
from sandbox.notion.columns.kept import related
from sandbox.notion.columns.rollups import rolled_up
from sandbox.notion.pages.pages import path_id, source_of
from sandbox.notion.requests import errors
from sandbox.notion.requests.call import Call, page_size
from sandbox.notion.state.ids import TITLE, encode_column_id
from sandbox.notion.state.stored import Stored

_LISTS = frozenset({"title", "rich_text", "relation", "people"})
#: Functions of rollups that this endpoint does not work out: it lists what they look at.
_LISTED = frozenset({"show_original", "show_unique", "unique", "median"})


def retrieve(call: Call, raw_id: str, raw_column: str, query: dict[str, str]) -> dict[str, Any]:
    """GET /pages/{id}/properties/{property}."""
    page = call.find("page", path_id(raw_id, "page_id"))
    source = source_of(call, page)
    if source is not None:
        columns = Columns(source)
        column = columns.named(raw_column)
        cell = show_cell(call, columns, column, page, whole=True)
    elif raw_column == TITLE:
        column = Column(TITLE, TITLE, "title")
        cell = {"title": page.doc["values"].get(TITLE, [])}
    else:
        raise errors.no_such_column(raw_column)
    shown_id = encode_column_id(column.id)
    if column.type == "rollup":
        items, value = _rollup_items(call, columns, column, page), cell["rollup"]
        return _listing(call, page.id, shown_id, column.type, items, query, lambda ends: _result(value, ends))
    head = {"object": "property_item", "type": column.type, "id": shown_id}
    if column.type not in _LISTS:
        return head | cell
    items = [head | {column.type: item} for item in cell[column.type]]
    return _listing(call, page.id, shown_id, column.type, items, query, lambda _: {})


def _rollup_items(call: Call, columns: Columns, column: Column, page: Stored) -> list[dict[str, Any]]:
    """What a rollup lists: the cells that it shows, item by item, or the related pages that it counts over."""
    if not column.config:  # put in as answers show it
        given = show_cell(call, columns, column, page)["rollup"]
        return [{"object": "property_item", **item} for item in given.get("array", [])]
    if column.config["function"] not in _LISTED:
        relation = columns.by_id.get(column.config["relation"])
        head = {
            "object": "property_item",
            "type": "relation",
            "id": encode_column_id(column.config["relation"]),
        }
        pages = related(call, relation, page) if relation is not None else []
        return [head | {"relation": {"id": page_id}} for page_id in pages]
    items = []
    head = {"object": "property_item", "id": encode_column_id(column.config["target"])}
    for cell in rolled_up(call, columns, column, page, show_cell, whole=True):
        kind = cell["type"]
        values = cell[kind] if kind in _LISTS else [cell[kind]]
        items += [head | {"type": kind, kind: value} for value in values]
    return items


def _result(value: dict[str, Any], ends: bool) -> dict[str, Any]:
    """What a rollup comes to, as a part of its list tells it: only the last one knows, and none repeats the items."""
    function = value.get("function")
    if function in _LISTED or value["type"] == "array":
        return {"type": "array", "array": [], "function": function}
    value = {key: part for key, part in value.items() if key != "array"}
    return value if ends else {"type": "incomplete", "incomplete": {}, "function": function}


def _listing(
    call: Call,
    page_id: str,
    column_id: str,
    kind: str,
    items: list[dict[str, Any]],
    query: dict[str, str],
    described: Callable[[bool], dict[str, Any]],
) -> dict[str, Any]:
    size = page_size(query.get("page_size"), call.limits.page_size, "query")
    start = 0
    if "start_cursor" in query:
        cursor = query["start_cursor"].removeprefix("i:")
        if not cursor.isdigit() or int(cursor) >= len(items):
            raise errors.validation(f"The start_cursor provided is invalid: {query['start_cursor']}")
        start = int(cursor)
    following = f"i:{start + size}" if start + size < len(items) else None
    path = f"/v1/pages/{page_id}/properties/{column_id}?start_cursor={following}&page_size={size}"
    return {
        "object": "list",
        "results": items[start : start + size],
        "next_cursor": following,
        "has_more": following is not None,
        "type": "property_item",
        "property_item": {
            "id": column_id,
            "next_url": f"https://api.notion.com{path}" if following else None,
            "type": kind,
            kind: described(following is None),
        },
    }
