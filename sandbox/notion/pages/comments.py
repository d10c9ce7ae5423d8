"""Comments on pages and blocks."""

from __future__ import annotations

from typing import Any

from sandbox.notion.pages.pages import path_id
from sandbox.notion.parts import rich_text, users
from sandbox.notion.parts.parents import find_container, show_parent
from sandbox.notion.requests import errors
from sandbox.notion.requests.call import Call, listing, window
from sandbox.notion.state.clock import minute_text
from sandbox.notion.state.ids import new_id, parse_id
from sandbox.notion.state.stored import Stored


def create(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    """POST /comments: in a discussion that is there, as that of a page is from its first comment on, or a new one."""
    runs = rich_text.normalise(call, body.get("rich_text"), "rich_text")
    discussion = body.get("discussion_id")
    if discussion is not None:
        parent_id, discussion_id = _discussion(call, discussion)
    else:
        parent = _parent(call, body.get("parent"))
        parent_id = parent.id
        said = call.store.children(parent.id, ("comment",)) if parent.kind == "page" else []
        discussion_id = said[-1].doc["discussion"] if said else new_id()
    doc = {"rich_text": runs, "discussion": discussion_id, "display_name": body.get("display_name")}
    comment = call.store.insert(call.new(new_id(), "comment", parent_id, doc))
    return _show(call, comment)


def _discussion(call: Call, given: Any) -> tuple[str, str]:
    """What a discussion is about, and its id."""
    discussion_id = parse_id(given)
    if discussion_id is None:
        raise errors.bad_body("discussion_id", "a valid uuid", given)
    for comment in call.store.of_kind("comment"):
        if comment.doc["discussion"] == discussion_id:
            return comment.parent, discussion_id
    raise call.missing("discussion", discussion_id)


def _parent(call: Call, value: Any) -> Stored:
    if isinstance(value, dict) and "block_id" in value:
        return call.find_in_body("block", "parent.block_id", value["block_id"])
    return find_container(call, value, ("page_id",))


def list_comments(call: Call, query: dict[str, str]) -> dict[str, Any]:
    """GET /comments: those of a page or block, oldest first."""
    block_id = path_id(query.get("block_id"), "block_id", "query")
    if call.store.get(block_id) is None:
        raise call.missing("block", block_id)
    found = call.store.children(block_id, ("comment",))
    start, size = window([comment.id for comment in found], query, call.limits.page_size)
    following = found[start + size].id if start + size < len(found) else None
    return listing("comment", [_show(call, comment) for comment in found[start : start + size]], following)


def retrieve(call: Call, raw_id: str) -> dict[str, Any]:
    """GET /comments/{id}."""
    return _show(call, call.find("comment", path_id(raw_id, "comment_id")))


def update(call: Call, raw_id: str, body: dict[str, Any]) -> dict[str, Any]:
    """PATCH /comments/{id}: another text."""
    comment = call.find("comment", path_id(raw_id, "comment_id"))
    comment.doc["rich_text"] = rich_text.normalise(call, body.get("rich_text"), "rich_text")
    call.touch(comment)
    call.store.save(comment)
    return _show(call, comment)


def delete(call: Call, raw_id: str) -> dict[str, Any]:
    """DELETE /comments/{id}."""
    comment = call.find("comment", path_id(raw_id, "comment_id"))
    call.store.delete(comment.id)
    return _show(call, comment)


def _show(call: Call, comment: Stored) -> dict[str, Any]:
    author = users.full_user(call, comment.created_by)
    kind = "integration" if author.get("type") == "bot" else "user"
    return {
        "object": "comment",
        "id": comment.id,
        "parent": show_parent(call, comment),
        "discussion_id": comment.doc["discussion"],
        "created_time": minute_text(comment.created),
        "last_edited_time": minute_text(comment.edited),
        "created_by": {"object": "user", "id": comment.created_by},
        "rich_text": comment.doc["rich_text"],
        "display_name": comment.doc["display_name"] or {"type": kind, "resolved_name": author.get("name")},
    }
