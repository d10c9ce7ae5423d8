"""Blocks: the content of pages. Pages and databases under a page are blocks of it too."""

from __future__ import annotations

from typing import Any

from sandbox.notion.blocks.block_content import block_type, read_content
from sandbox.notion.parts import kept_files
from sandbox.notion.parts.parents import is_trashed, refuse_trashed, show_parent, shown_name, touch_page_above
from sandbox.notion.requests import errors
from sandbox.notion.requests.call import Call, listing, page_size, stamps
from sandbox.notion.state.ids import new_id, parse_id
from sandbox.notion.state.stored import Stored

MAX_CHILDREN = 100
MAX_BLOCKS = 1000
#: Levels of blocks under the ones that a request names at the top.
MAX_NESTING = 2
_KINDS = ("block", "page", "database")


def _find(call: Call, raw_id: str) -> Stored:
    block_id = parse_id(raw_id)
    if block_id is None:
        raise errors.validation(
            f"path failed validation: path.block_id should be a valid uuid, instead was {errors.shown(raw_id)}."
        )
    obj = call.store.get(block_id)
    if obj is None or obj.kind not in _KINDS:
        raise call.missing("block", block_id)
    return obj


def retrieve(call: Call, raw_id: str) -> dict[str, Any]:
    """GET /blocks/{id}."""
    return show_block(call, _find(call, raw_id))


def list_children(call: Call, raw_id: str, query: dict[str, str]) -> dict[str, Any]:
    """GET /blocks/{id}/children."""
    parent = _find(call, raw_id)
    size = page_size(query.get("page_size"), call.limits.page_size, "query")
    children = call.store.children(parent.id, _KINDS)
    start = 0
    if "start_cursor" in query:
        cursor = parse_id(query["start_cursor"])
        starts = [index for index, child in enumerate(children) if child.id == cursor]
        if not starts:
            raise errors.validation(f"The start_cursor provided is invalid: {query['start_cursor']}")
        start = starts[0]
    following = children[start + size].id if start + size < len(children) else None
    return listing("block", [show_block(call, child) for child in children[start : start + size]], following)


def append(call: Call, raw_id: str, body: dict[str, Any]) -> dict[str, Any]:
    """PATCH /blocks/{id}/children: add blocks at the end, the start, or behind one of the children."""
    parent = _find(call, raw_id)
    refuse_trashed(call, parent, None)
    if parent.kind == "database":
        raise errors.validation("Block does not support children.")
    if "children" not in body:
        raise errors.bad_body("children", "defined")
    gap = _place(call, parent, body)
    made = append_blocks(call, parent, body["children"], "children", gap)
    if parent.kind == "page":
        call.touch(parent)
        call.store.save(parent)
    else:
        touch_page_above(call, parent)
    if gap is not None and made:  # the answer goes on with all that stands behind the new blocks
        there = call.store.children(parent.id, _KINDS)
        made = there[[block.id for block in there].index(made[0].id) :]
    return listing("block", [show_block(call, block) for block in made], None)


def _place(call: Call, parent: Stored, body: dict[str, Any]) -> tuple[float, float] | None:
    """The gap that the new blocks go into; None for the end."""
    after: Any = None
    if call.has_archived:
        if "position" in body and call.version < "2025-09-03":
            raise errors.not_present("position", body["position"])
        after = body.get("after")
    elif "after" in body:
        raise errors.not_present("after", body["after"])
    if body.get("position") is not None:
        return read_position(call, parent, body["position"], ("start", "end"))
    return None if after is None else _behind(call, parent, after)


def read_position(
    call: Call, parent: Stored, value: Any, ends: tuple[str, str]
) -> tuple[float, float] | None:
    """The gap that `position` names, None for the end of the parent; `ends` are its words for start and end."""
    kind = errors.an_object(value, "position").get("type")
    if kind == ends[0]:
        return call.store.next_position(parent.id, None)
    if kind == ends[1]:
        return None
    if kind != "after_block":
        raise errors.bad_body("position.type", f'"{ends[0]}", "{ends[1]}" or "after_block"', kind)
    after = errors.an_object(value.get("after_block"), "position.after_block").get("id")
    if parse_id(after) is None:
        raise errors.bad_body("position.after_block.id", "a valid uuid", after)
    return _behind(call, parent, after)


def _behind(call: Call, parent: Stored, after: Any) -> tuple[float, float]:
    block = call.store.get(parse_id(after) or "")
    if block is None or block.parent != parent.id:
        raise errors.validation(f"Block {after} to append after is not a child of {parent.id}.")
    return call.store.next_position(parent.id, block)


def append_blocks(
    call: Call, parent: Stored, children: Any, path: str, gap: tuple[float, float] | None = None
) -> list[Stored]:
    """Store blocks as written under `parent`; the blocks made at the top of them.

    Raises:
        ApiError: A block is wrong, or there are too many or too deep ones.
    """
    total = _count(children, path, 0)
    if total > MAX_BLOCKS:
        raise errors.too_long(path, MAX_BLOCKS, total)
    return _append(call, parent, children, path, gap)


def _append(
    call: Call, parent: Stored, children: Any, path: str, gap: tuple[float, float] | None = None
) -> list[Stored]:
    made = []
    for index, child in enumerate(children):
        where = f"{path}[{index}]"
        kind = block_type(child, where)
        content = read_content(call, kind, child[kind], f"{where}.{kind}")
        block = call.new(new_id(), "block", parent.id, {"type": kind, "content": content})
        if gap is not None:
            low, high = gap
            block.position = low + (high - low) * (index + 1) / (len(children) + 1)
        made.append(call.store.insert(block))
        inside = child[kind].get("children") or child.get("children") or []
        if inside:
            _append(call, block, inside, f"{where}.{kind}.children")
    return made


def _count(children: Any, path: str, depth: int) -> int:
    if not isinstance(children, list):
        raise errors.bad_body(path, "an array", children)
    if len(children) > MAX_CHILDREN:
        raise errors.too_long(path, MAX_CHILDREN, len(children))
    if children and depth > MAX_NESTING:
        raise errors.not_present(path, children)
    total = len(children)
    for index, child in enumerate(children):
        if not isinstance(child, dict):
            raise errors.bad_body(f"{path}[{index}]", "an object", child)
        kind = block_type(child, f"{path}[{index}]")
        content = child[kind] if isinstance(child[kind], dict) else {}
        inside = content.get("children") or child.get("children") or []
        total += _count(inside, f"{path}[{index}].{kind}.children", depth + 1)
    return total


def update(call: Call, raw_id: str, body: dict[str, Any]) -> dict[str, Any]:
    """PATCH /blocks/{id}: new content of the same type, or in and out of the trash."""
    block = _find(call, raw_id)
    wish = call.trash_wish(body)
    refuse_trashed(call, block, wish)
    if wish is not None:
        block.in_trash = wish
    if block.kind == "block":
        kind = block.doc["type"]
        given = [key for key in body if key not in ("in_trash", "archived", "type", "object", "id")]
        if given and kind not in given:
            raise errors.validation(f"Block type cannot be changed: {block.id} is {kind}, not {given[0]}.")
        if kind in body:
            block.doc["content"] = read_content(call, kind, body[kind], kind, block.doc["content"])
    call.touch(block)
    call.store.save(block)
    touch_page_above(call, block)
    return show_block(call, block)


def delete(call: Call, raw_id: str) -> dict[str, Any]:
    """DELETE /blocks/{id}: a block, page or database into the trash."""
    block = _find(call, raw_id)
    refuse_trashed(call, block, None)
    block.in_trash = True
    call.touch(block)
    call.store.save(block)
    touch_page_above(call, block)
    return show_block(call, block)


def show_block(call: Call, block: Stored) -> dict[str, Any]:
    """A block as answers show it; pages and databases with their title."""
    if block.kind == "block":
        kind, content = block.doc["type"], kept_files.shown(call, block.doc["content"])
    else:
        kind, content = f"child_{block.kind}", {"title": shown_name(call, block)}
    return {
        "object": "block",
        "id": block.id,
        "parent": show_parent(call, block),
        **stamps(block),
        "has_children": block.kind != "database"
        and (call.store.has_children(block.id) or block.doc.get("has_children", False)),
        "type": kind,
        kind: content,
        **call.trash_flags(is_trashed(call, block)),
    }
