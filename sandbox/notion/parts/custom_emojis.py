"""Emojis of the workspace's own, which people add in the app."""

from __future__ import annotations

from typing import Any

from sandbox.notion.requests import errors
from sandbox.notion.requests.call import Call, window
from sandbox.notion.state.ids import new_id
from sandbox.notion.state.stored import WORKSPACE, Stored


def add(call: Call, name: str, url: str) -> dict[str, Any]:
    """One more emoji; `ApiError` when its name is taken or empty."""
    if not name.strip():
        raise errors.validation("An emoji needs a name.")
    if any(emoji.doc["name"] == name for emoji in _all(call)):
        raise errors.validation(f"There is an emoji {name} already.")
    doc = {"name": name, "url": url}
    return _show(call.store.insert(call.new(new_id(), "custom_emoji", WORKSPACE, doc)))


def list_emojis(call: Call, query: dict[str, str]) -> dict[str, Any]:
    """GET /custom_emojis: all, or the one that has exactly this `name`."""
    found = [emoji for emoji in _all(call) if query.get("name") in (None, emoji.doc["name"])]
    start, size = window([emoji.id for emoji in found], query, call.limits.page_size)
    following = found[start + size].id if start + size < len(found) else None
    return {
        "object": "list",
        "type": "custom_emoji",
        "results": [_show(emoji) for emoji in found[start : start + size]],
        "has_more": following is not None,
        "next_cursor": following,
    }


def _all(call: Call) -> list[Stored]:
    return call.store.of_kind("custom_emoji")


def _show(emoji: Stored) -> dict[str, Any]:
    return {"id": emoji.id, "name": emoji.doc["name"], "url": emoji.doc["url"]}
