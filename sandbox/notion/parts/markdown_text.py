"""Lines of Markdown as blocks."""

from __future__ import annotations

import re
from typing import Any

_LINES = [
    (re.compile(r"#### (.*)"), "heading_4"),
    (re.compile(r"### (.*)"), "heading_3"),
    (re.compile(r"## (.*)"), "heading_2"),
    (re.compile(r"# (.*)"), "heading_1"),
    (re.compile(r"[-*] (.*)"), "bulleted_list_item"),
    (re.compile(r"\d+\. (.*)"), "numbered_list_item"),
    (re.compile(r"> (.*)"), "quote"),
]


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
