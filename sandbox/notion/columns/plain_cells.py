"""Cells as plain Python values, for filters and sorts."""

from __future__ import annotations

from typing import Any

from sandbox.notion.columns.cells import show_cell
from sandbox.notion.columns.columns import OPTION_TYPES, Column, Columns
from sandbox.notion.columns.kept import kept
from sandbox.notion.parts import dates, rich_text
from sandbox.notion.requests.call import Call
from sandbox.notion.state.clock import MINUTE_MS, moment
from sandbox.notion.state.stored import Stored


def plain_cell(call: Call, columns: Columns, column: Column, page: Stored) -> Any:
    """Text, number, boolean, day or moment, name or names, or ids; formulas and rollups as (type, value)."""
    kind = column.type
    if kind in ("created_time", "last_edited_time"):
        ms = page.created if kind == "created_time" else page.edited
        return moment(ms - ms % MINUTE_MS)
    if kind in ("created_by", "last_edited_by"):
        return [page.created_by if kind == "created_by" else page.edited_by]
    if kind in ("formula", "rollup"):
        return _computed(show_cell(call, columns, column, page)[kind])
    if kind == "unique_id":
        return page.doc.get("number")
    value = kept(column, page)
    if kind in ("title", "rich_text"):
        return rich_text.plain(value)
    if kind in OPTION_TYPES:
        names = {option["id"]: option["name"] for option in column.options}
        if kind == "multi_select":
            return [names[key] for key in value if key in names]
        return names.get(value)
    if kind == "date":
        return dates.start_of(value)
    if kind == "verification":
        return _verification(value)
    return value


def _verification(value: dict[str, Any] | None) -> str | None:
    state = (value or {}).get("state")
    return None if state == "unverified" else state


def _computed(value: dict[str, Any] | None) -> tuple[str, Any]:
    if value is None:  # put in without a value and without the means to work one out
        return "unsupported", None
    kind = value["type"]
    inner = value.get(kind)
    if kind == "date":
        return kind, dates.start_of(inner)
    if kind == "array":
        return kind, [_shown(item) for item in inner or []]
    return kind, inner


def _shown(item: dict[str, Any]) -> Any:
    """A cell as shown, made plain."""
    value = item[item["type"]]
    match item["type"]:
        case "title" | "rich_text":
            return rich_text.plain(value)
        case "date":
            return dates.start_of(value)
        case "select" | "status":
            return value["name"] if value else None
        case "multi_select":
            return [option["name"] for option in value]
        case "people" | "relation":
            return [entry["id"] for entry in value]
        case "created_by" | "last_edited_by":
            return [value["id"]]
        case "created_time" | "last_edited_time":
            return dates.parse(value)
        case "formula" | "rollup":
            return _computed(value)
        case _:
            return value
