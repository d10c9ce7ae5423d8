"""One property of one page, read item by item: the way to lists that pages show cut."""

from __future__ import annotations

from typing import Any

from tasks.notion.sandbox import errors
from tasks.notion.sandbox.call import Call, page_size
from tasks.notion.sandbox.cells import show_cell
from tasks.notion.sandbox.columns import Column, Columns
from tasks.notion.sandbox.ids import TITLE, encode_column_id
from tasks.notion.sandbox.pages import path_id, source_of

_LISTS = frozenset({"title", "rich_text", "relation", "people"})


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
    head = {"object": "property_item", "type": column.type, "id": shown_id}
    value = cell[column.type]
    if column.type == "rollup" and value["type"] == "array":
        items = [{"object": "property_item", **item} for item in value["array"]]
        described: dict[str, Any] = {"rollup": {**value, "array": []}}
        return _listing(call, page.id, shown_id, column.type, items, described, query)
    if column.type not in _LISTS:
        return head | cell
    items = [head | {column.type: item} for item in value]
    return _listing(call, page.id, shown_id, column.type, items, {column.type: {}}, query)


def _listing(
    call: Call,
    page_id: str,
    column_id: str,
    kind: str,
    items: list[dict[str, Any]],
    described: dict[str, Any],
    query: dict[str, str],
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
            **described,
        },
    }
