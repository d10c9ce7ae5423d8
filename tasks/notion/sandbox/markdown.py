"""Pages as Markdown, as far as their blocks have a plain form in it."""

from __future__ import annotations

import re
from typing import Any

from tasks.notion.sandbox import errors
from tasks.notion.sandbox.block_content import plain_content
from tasks.notion.sandbox.blocks import append_blocks
from tasks.notion.sandbox.call import Call
from tasks.notion.sandbox.pages import path_id
from tasks.notion.sandbox.parents import refuse_trashed
from tasks.notion.sandbox.store import Stored

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
_LINES = [
    (re.compile(r"#### (.*)"), "heading_4"),
    (re.compile(r"### (.*)"), "heading_3"),
    (re.compile(r"## (.*)"), "heading_2"),
    (re.compile(r"# (.*)"), "heading_1"),
    (re.compile(r"[-*] (.*)"), "bulleted_list_item"),
    (re.compile(r"\d+\. (.*)"), "numbered_list_item"),
    (re.compile(r"> (.*)"), "quote"),
]
_MARKS = (("bold", "**"), ("italic", "*"), ("strikethrough", "~~"), ("code", "`"))


def retrieve(call: Call, raw_id: str) -> dict[str, Any]:
    """GET /pages/{id}/markdown."""
    return _show(call, call.find("page", path_id(raw_id, "page_id")))


def update(call: Call, raw_id: str, body: dict[str, Any]) -> dict[str, Any]:
    """PATCH /pages/{id}/markdown: add to the content, replace texts in it, or replace it."""
    page = call.find("page", path_id(raw_id, "page_id"))
    refuse_trashed(call, page, None)
    kind = body.get("type")
    if kind == "insert_content":
        append_blocks(call, page, read_markdown(_text(body, kind, "content")), kind)
    elif kind == "replace_content":
        _replace(call, page, _text(body, kind, "new_str"))
    elif kind == "update_content":
        _replace(call, page, _updated(_content(call, page), body.get(kind)))
    else:
        raise errors.bad_body("type", '"insert_content", "update_content" or "replace_content"', kind)
    call.touch(page)
    call.store.save(page)
    return _show(call, page)


def _updated(content: str, update: Any) -> str:
    where = "update_content.content_updates"
    changes = errors.an_array(errors.an_object(update, "update_content").get("content_updates"), where)
    for index, change in enumerate(changes):
        path = f"{where}[{index}]"
        old = errors.a_string(errors.an_object(change, path).get("old_str"), f"{path}.old_str")
        if old not in content:
            raise errors.validation(f"Could not find the text to replace: {old}")
        content = content.replace(old, errors.a_string(change.get("new_str"), f"{path}.new_str"))
    return content


def _text(body: dict[str, Any], kind: str, key: str) -> str:
    part = body.get(kind)
    text = part.get(key) if isinstance(part, dict) else None
    if not isinstance(text, str):
        raise errors.bad_body(f"{kind}.{key}", "a string", text)
    return text


def _replace(call: Call, page: Stored, content: str) -> None:
    for block in call.store.children(page.id, ("block",)):
        block.in_trash = True
        call.store.save(block)
    append_blocks(call, page, read_markdown(content), "replace_content")


def read_markdown(text: str) -> list[dict[str, Any]]:
    """The blocks that lines of Markdown stand for."""
    blocks = []
    for line in text.splitlines():
        if not line.strip():
            continue
        for pattern, kind in _LINES:
            match = pattern.fullmatch(line)
            if match:
                blocks.append(_block(kind, match.group(1)))
                break
        else:
            blocks.append({"type": "divider", "divider": {}} if line == "---" else _block("paragraph", line))
    return blocks


def _block(kind: str, text: str) -> dict[str, Any]:
    return {"type": kind, kind: {"rich_text": [{"type": "text", "text": {"content": text}}]}}


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
    for block in call.store.children(parent, ("block",)):
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
