"""What the types of blocks hold: written short, kept and shown with every default filled in."""

from __future__ import annotations

from typing import Any

from sandbox.notion.parts import kept_files, rich_text
from sandbox.notion.parts.file_uploads import as_file
from sandbox.notion.parts.parents import read_icon
from sandbox.notion.requests import errors
from sandbox.notion.requests.call import Call

_TEXT: dict[str, Any] = {"rich_text": [], "color": "default"}
_HEADING = {"rich_text": [], "is_toggleable": False, "color": "default"}
_FILE: dict[str, Any] = {"caption": []}
_DEFAULTS: dict[str, dict[str, Any]] = {
    "paragraph": {"rich_text": [], "icon": None, "color": "default"},
    "heading_1": _HEADING,
    "heading_2": _HEADING,
    "heading_3": _HEADING,
    "heading_4": _HEADING,
    "bulleted_list_item": _TEXT,
    "numbered_list_item": _TEXT,
    "quote": _TEXT,
    "toggle": _TEXT,
    "template": {"rich_text": []},
    "to_do": {"rich_text": [], "checked": False, "color": "default"},
    "callout": {"rich_text": [], "icon": None, "color": "default"},
    "code": {"caption": [], "rich_text": [], "language": "plain text"},
    "equation": {"expression": ""},
    "divider": {},
    "breadcrumb": {},
    "table_of_contents": {"color": "default"},
    "bookmark": {"caption": [], "url": ""},
    "embed": {"caption": [], "url": ""},
    "link_preview": {"url": ""},
    "image": _FILE,
    "video": _FILE,
    "file": _FILE,
    "pdf": _FILE,
    "audio": _FILE,
    "column_list": {},
    "column": {},
    "table": {"table_width": 1, "has_column_header": False, "has_row_header": False},
    "table_row": {"cells": []},
    "synced_block": {"synced_from": None},
    "link_to_page": {},
    "tab": {},
}
_MEDIA = frozenset({"image", "video", "file", "pdf", "audio"})
_SOURCES = ("external", "file", "file_upload")


def block_type(value: dict[str, Any], path: str) -> str:
    """The type of a block as written; `ApiError` for one that is not known."""
    kind = value.get("type") or next((key for key in value if key in _DEFAULTS), None)
    if not isinstance(kind, str) or kind not in _DEFAULTS or kind not in value:
        lines = "\n".join(
            f"body.{path}.{name} should be defined, instead was `undefined`." for name in _DEFAULTS
        )
        raise errors.validation(f"body failed validation. Fix one:\n{lines}")
    return str(kind)


def read_content(
    call: Call, kind: str, value: Any, path: str, old: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The content of a block as written, over what it holds already."""
    if not isinstance(value, dict):
        raise errors.bad_body(path, "an object", value)
    content = dict(_DEFAULTS[kind] if old is None else old)
    if any(source in value for source in _SOURCES):
        content = {key: part for key, part in content.items() if key not in _SOURCES}
    for key, part in value.items():
        if key == "children" or (key == "type" and kind in _MEDIA):
            continue
        if key in ("rich_text", "caption"):
            content[key] = rich_text.normalise(call, part, f"{path}.{key}")
            if (kind, key) == ("code", "rich_text"):
                content[key] = rich_text.joined(content[key])
        elif key == "cells":
            content[key] = [
                rich_text.normalise(call, cell, f"{path}.cells[{i}]")
                for i, cell in enumerate(errors.an_array(part, f"{path}.cells"))
            ]
        elif key == "icon":
            content[key] = read_icon(call, part, f"{path}.icon")
        else:
            content[key] = part
    if kind in _MEDIA:
        _complete_media(call, kind, content, path)
    if old is None and kind in ("image", "video", "pdf", "audio"):
        content.pop("name", None)
    return content


def _complete_media(call: Call, kind: str, content: dict[str, Any], path: str) -> None:
    source = next((key for key in _SOURCES if key in content), None)
    if source is None:
        raise errors.bad_body(f"{path}.external", "defined")
    if source == "file_upload":
        file, name = as_file(call, content.pop(source), f"{path}.file_upload")
        content["file"], source = file, "file"
        if kind == "file":
            content.setdefault("name", name)
    elif source == "file":
        content["file"] = kept_files.as_kept(content["file"])
    content["type"] = source
    if kind == "file" and "name" not in content:
        address = content[source].get("url", "") if isinstance(content[source], dict) else ""
        content["name"] = address.rsplit("/", 1)[-1]


def plain_content(content: dict[str, Any]) -> str:
    """The text of a block."""
    return rich_text.plain(content.get("rich_text"))
