"""Pages as Markdown, as far as their blocks have a plain form in it."""

from __future__ import annotations

import re
from typing import Any

from sandbox.notion.blocks.block_content import plain_content
from sandbox.notion.blocks.blocks import append_blocks
from sandbox.notion.pages.pages import path_id, refuse_unknown
from sandbox.notion.parts.markdown_text import read_markdown
from sandbox.notion.parts.parents import refuse_trashed
from sandbox.notion.parts.rich_text import title_of
from sandbox.notion.requests import errors
from sandbox.notion.requests.call import Call, url
from sandbox.notion.state.stored import Stored

_PREFIXES = {
    "heading_1": "# ",
    "heading_2": "## ",
    "heading_3": "### ",
    "heading_4": "#### ",
    "bulleted_list_item": "- ",
    "numbered_list_item": "1. ",
    "quote": "> ",
    "paragraph": "",
    "toggle": "",
}
#: What lies in a page.
_BELOW = ("block", "page", "database")
_KINDS = ("insert_content", "update_content", "replace_content", "replace_content_range")
#: A child page or database on a line of its own.
_CHILD = re.compile(r'\s*<(?:page|database) url="[^"]*?([0-9a-f]{32})"[^>]*>.*</(?:page|database)>\s*')
_MARKS = (("bold", "**"), ("italic", "*"), ("strikethrough", "~~"), ("code", "`"))


def retrieve(call: Call, raw_id: str) -> dict[str, Any]:
    """GET /pages/{id}/markdown."""
    return _show(call, call.find("page", path_id(raw_id, "page_id")))


def update(call: Call, raw_id: str, body: dict[str, Any]) -> dict[str, Any]:
    """PATCH /pages/{id}/markdown: add to the content, replace texts in it, or replace it."""
    page = call.find("page", path_id(raw_id, "page_id"))
    refuse_trashed(call, page, None)
    kind = body.get("type")
    refuse_unknown(body, frozenset({"type", *_KINDS}))
    if kind == "insert_content":
        _insert(call, page, _text(body, kind, "content"), body[kind])
    elif kind == "replace_content":
        _replace(call, page, _text(body, kind, "new_str"), body[kind])
    elif kind == "update_content":
        _replace(call, page, _updated(_content(call, page), body.get(kind)), body[kind])
    elif kind == "replace_content_range":
        content, new = _content(call, page), _text(body, kind, "content")
        start, end = _range(content, _text(body, kind, "content_range"))
        _replace(call, page, content[:start] + new + content[end:], body[kind])
    else:
        raise errors.bad_body("type", " or ".join(f'"{name}"' for name in _KINDS), kind)
    call.touch(page)
    call.store.save(page)
    return _show(call, page)


def _insert(call: Call, page: Stored, new: str, part: dict[str, Any]) -> None:
    after = part.get("after")
    if after is None:
        position = errors.an_object(part.get("position") or {}, "insert_content.position")
        at_start = position.get("type") == "start"
        gap = call.store.next_position(page.id, None) if at_start else None
        append_blocks(call, page, read_markdown(new), "insert_content", gap)
        return
    if part.get("position") is not None:
        raise errors.not_present("insert_content.position", part["position"])
    content = _content(call, page)
    end = _range(content, errors.a_string(after, "insert_content.after"))[1]
    _replace(call, page, f"{content[:end]}\n{new}{content[end:]}", part)


def _range(content: str, ends: str) -> tuple[int, int]:
    """Where the text from one piece to another ("first...last") lies, both included."""
    first, _, last = ends.partition("...")
    start = content.find(first)
    end = content.find(last, start + len(first)) if start >= 0 else -1
    if end < 0:
        raise errors.validation(f"Could not find the text to replace: {ends}")
    return start, end + len(last)


def _updated(content: str, update: Any) -> str:
    where = "update_content.content_updates"
    changes = errors.an_array(errors.an_object(update, "update_content").get("content_updates"), where)
    for index, change in enumerate(changes):
        path = f"{where}[{index}]"
        old = errors.a_string(errors.an_object(change, path).get("old_str"), f"{path}.old_str")
        if old not in content:
            raise errors.validation(f"Could not find the text to replace: {old}")
        if content.count(old) > 1 and not change.get("replace_all_matches"):
            raise errors.validation(f"Found several places of the text to replace: {old}")
        content = content.replace(old, errors.a_string(change.get("new_str"), f"{path}.new_str"))
    return content


def _text(body: dict[str, Any], kind: str, key: str) -> str:
    part = body.get(kind)
    text = part.get(key) if isinstance(part, dict) else None
    if not isinstance(text, str):
        raise errors.bad_body(f"{kind}.{key}", "a string", text)
    return text


def _replace(call: Call, page: Stored, content: str, part: dict[str, Any]) -> None:
    holders = [page, *_walk(call, page.id)]
    children = [child for each in holders for child in call.store.children(each.id, ("page", "database"))]
    below = {child.id.replace("-", ""): child for child in children}
    lines = content.splitlines()
    named = [match.group(1) if (match := _CHILD.fullmatch(line)) else None for line in lines]
    lost = [child for child_id, child in below.items() if child_id not in named]
    if lost and part.get("allow_deleting_content") is not True:
        raise errors.validation(
            "This operation would delete child pages or databases. Set allow_deleting_content to true to proceed: "
            + ", ".join(title_of(child) or "Untitled" for child in lost)
        )
    for gone in [*call.store.children(page.id, ("block",)), *lost]:
        gone.in_trash = True
        call.store.save(gone)
    text: list[str] = []
    for line, child_id in zip(lines, named, strict=True):
        child = below.pop(child_id, None) if child_id else None
        if child is None:
            text.append(line)
            continue
        append_blocks(call, page, read_markdown("\n".join(text)), "replace_content")
        text = []
        child.parent = page.id
        positions = [each.position for each in call.store.children(page.id, _BELOW)]
        child.position = 1 + max(positions, default=0)
        call.store.save(child)
    append_blocks(call, page, read_markdown("\n".join(text)), "replace_content")


def _show(call: Call, page: Stored) -> dict[str, Any]:
    unknown = [block.id for block in _walk(call, page.id) if _line(block) is None]
    return {
        "object": "page_markdown",
        "id": page.id,
        "markdown": _content(call, page),
        "truncated": False,
        "unknown_block_ids": unknown,
    }


def _walk(call: Call, parent: str) -> list[Stored]:
    found = []
    for block in call.store.children(parent, ("block",)):
        found += [block, *_walk(call, block.id)]
    return found


def _content(call: Call, page: Stored) -> str:
    return "\n".join(_lines(call, page.id, 0))


def _lines(call: Call, parent: str, depth: int) -> list[str]:
    lines = []
    for block in call.store.children(parent, _BELOW):
        if block.kind != "block":
            title, indent = title_of(block), "\t" * depth
            lines.append(f'{indent}<{block.kind} url="{url(title, block.id)}">{title}</{block.kind}>')
            continue
        line = _line(block)
        shown = f'<unknown id="{block.id}"/>' if line is None else line
        lines += ["\t" * depth + shown, *_lines(call, block.id, depth + 1)]
    return lines


def _line(block: Stored) -> str | None:
    kind, content = block.doc["type"], block.doc["content"]
    if kind in _PREFIXES:
        return _PREFIXES[kind] + _marked(content["rich_text"])
    if kind == "to_do":
        return f"- [{'x' if content['checked'] else ' '}] {_marked(content['rich_text'])}"
    if kind == "code":
        return f"```{content['language']}\n{plain_content(content)}\n```"
    if kind == "divider":
        return "---"
    return f"$$\n{content['expression']}\n$$" if kind == "equation" else None


def _marked(runs: list[dict[str, Any]]) -> str:
    text = ""
    for run in runs:
        part = run["plain_text"]
        for name, mark in _MARKS:
            if run["annotations"][name]:
                part = f"{mark}{part}{mark}"
        text += f"[{part}]({run['href']})" if run["href"] else part
    return text
