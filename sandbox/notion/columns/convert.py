"""What becomes of the values when a column changes its type."""

from __future__ import annotations

from typing import Any

from sandbox.notion.columns.columns import READ_ONLY, Column
from sandbox.notion.requests.call import Call
from sandbox.notion.requests.errors import ApiError
from sandbox.notion.state.stored import Stored


def convert_column(call: Call, source: Stored, before: Column, after: Column) -> None:
    """Bring every value of the column into its new type; what does not fit becomes empty."""
    for page in call.store.children(source.id, ("page",), trashed=True):
        if before.id not in page.doc["values"]:
            continue
        old = page.doc["values"].pop(before.id)
        text = _text(before, old)
        new = None if text is None or after.type in READ_ONLY else _parsed(call, after, text)
        if new is not None:
            page.doc["values"][after.id] = new
        call.store.save(page)


def _text(column: Column, value: Any) -> str | None:
    if value in (None, [], ""):
        return None
    if column.type in ("title", "rich_text"):
        return "".join(run["plain_text"] for run in value)
    if column.type in ("select", "status", "multi_select"):
        names = {option["id"]: option["name"] for option in column.options}
        return ", ".join(
            names[key] for key in (value if isinstance(value, list) else [value]) if key in names
        )
    if column.type == "date":
        return str(value["start"])
    if column.type == "checkbox":
        return "Yes" if value else "No"
    if isinstance(value, int | float):
        return f"{value:g}"
    return value if isinstance(value, str) else None


def _parsed(call: Call, column: Column, text: str) -> Any:
    from sandbox.notion.columns.values import read_value  # values make options, options make columns

    try:
        return read_value(call, column, {column.type: _written(column.type, text)}, column.name)
    except (ApiError, ValueError):
        return None


def _written(kind: str, text: str) -> Any:
    if kind == "rich_text":
        return [{"text": {"content": text}}]
    if kind == "number":
        return float(text) if not text.lstrip("-").isdigit() else int(text)
    if kind in ("select", "status"):
        return {"name": text}
    if kind == "multi_select":
        return [{"name": part.strip()} for part in text.split(",") if part.strip()]
    if kind == "checkbox":
        return text.lower() in ("yes", "true", "x", "1")
    if kind == "date":
        return {"start": text}
    return text if kind in ("url", "email", "phone_number") else None
