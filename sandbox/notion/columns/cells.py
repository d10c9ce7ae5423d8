"""What a page has in a column: as answers show it, and as plain Python for filters, sorts and formulas."""

from __future__ import annotations

from typing import Any

from sandbox.notion.columns.columns import OPTION_TYPES, Column, Columns
from sandbox.notion.columns.formula import formula_value
from sandbox.notion.columns.kept import kept, related
from sandbox.notion.columns.rollups import rollup_value
from sandbox.notion.parts import kept_files, users
from sandbox.notion.requests.call import Call
from sandbox.notion.state.clock import minute_text
from sandbox.notion.state.ids import encode_column_id
from sandbox.notion.state.stored import Stored

SHOWN_REFERENCES = 25
_STAMPS = ("created_time", "last_edited_time", "created_by", "last_edited_by")


def show_cells(call: Call, columns: Columns, page: Stored, only: set[str] | None = None) -> dict[str, Any]:
    """The `properties` of a page."""
    shown = {}
    for column in columns:
        if only is None or column.id in only:
            cell = {"id": encode_column_id(column.id), "type": column.type}
            cell |= show_cell(call, columns, column, page)
            if column.type == "relation":
                cell["has_more"] = len(related(call, column, page)) > SHOWN_REFERENCES
            shown[column.name] = cell
    return shown


def show_cell(
    call: Call, columns: Columns, column: Column, page: Stored, *, whole: bool = False
) -> dict[str, Any]:
    """The type and value of one cell; long lists of relations are cut unless `whole`."""
    return {column.type: _content(call, columns, column, page, whole=whole)}


def _content(call: Call, columns: Columns, column: Column, page: Stored, *, whole: bool) -> Any:
    if column.type in _STAMPS:
        return _stamp(call, column.type, page)
    given = page.doc.get("given", {}).get(column.id)
    if column.type in ("formula", "rollup") and column.config:
        if column.type == "formula":
            value = formula_value(call, columns, column, page, show_cell)
        else:
            value = rollup_value(call, columns, column, page, show_cell, whole=whole)
        return given if given is not None and value["type"] == "unsupported" else value
    if given is not None:
        return given
    value = kept(column, page)
    if column.type == "unique_id":
        return {"prefix": column.config.get("prefix"), "number": page.doc.get("number")}
    if column.type == "button":
        return {}
    if column.type == "verification":
        return value or {"state": "unverified", "verified_by": None, "date": None}
    if column.type in OPTION_TYPES:
        options = {option["id"]: option for option in column.options}
        chosen = [
            {key: options[option_id][key] for key in ("id", "name", "color")}
            for option_id in (value if isinstance(value, list) else [value])
            if option_id in options
        ]
        return chosen if column.type == "multi_select" else next(iter(chosen), None)
    if column.type == "people":
        return [users.full_user(call, user_id) for user_id in value]
    if column.type == "relation":
        pages = related(call, column, page)
        return [{"id": page_id} for page_id in (pages if whole else pages[:SHOWN_REFERENCES])]
    return [kept_files.shown(call, file) for file in value] if column.type == "files" else value


def _stamp(call: Call, kind: str, page: Stored) -> Any:
    if kind == "created_time":
        return minute_text(page.created)
    if kind == "last_edited_time":
        return minute_text(page.edited)
    return users.full_user(call, page.created_by if kind == "created_by" else page.edited_by)
