"""The options of select, multi-select and status columns."""

from __future__ import annotations

from typing import Any

from sandbox.notion.columns.columns import Column
from sandbox.notion.parts.rich_text import length
from sandbox.notion.requests import errors
from sandbox.notion.state.ids import new_id

_COLORS = frozenset(
    {"default", "gray", "brown", "orange", "yellow", "green", "blue", "purple", "pink", "red"}
)


def find_option(column: Column, option: dict[str, Any]) -> dict[str, Any] | None:
    """The option that is meant: by id, else by name."""
    by_id = [known for known in column.options if known["id"] == option.get("id")]
    by_name = [known for known in column.options if known["name"] == option.get("name")]
    return next(iter(by_id + by_name), None)


def new_option(name: Any, color: Any, path: str) -> dict[str, Any]:
    """A fresh option; `ApiError` when its name cannot be one."""
    if not isinstance(name, str) or not name:
        raise errors.bad_body(path, "a non-empty string", name)
    if "," in name:
        raise errors.validation(f"Invalid select option, commas not allowed: {name}")
    if length(name) > 100:
        raise errors.too_long(path, 100, length(name))
    if color is not None and (not isinstance(color, str) or color not in _COLORS):
        raise errors.bad_body(path.removesuffix("name") + "color", "a color", color)
    return {"id": new_id(), "name": name, "color": color or "default", "description": None}
