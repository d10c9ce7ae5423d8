"""Notion's rich text: runs of text, mentions and equations, each with its formatting."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

#: Longest run that Notion takes, in UTF-16 units, which is how it counts, and most runs in one value.
RUN_LENGTH = 2000
MOST_RUNS = 100

_LAST_OF_ONE_UNIT = "\uffff"


def length(text: str) -> int:
    """The length as Notion counts it: characters outside the basic plane are two."""
    return len(text) + sum(1 for sign in text if sign > _LAST_OF_ONE_UNIT)


def plain(runs: list[Json] | None) -> str:
    """The text without formatting; mentions and equations as Notion spells them."""
    return "".join(_plain(run) for run in runs or ())


def mentions(runs: list[Json] | None) -> int:
    """How many mentions a text holds."""
    return sum(run.get("type") == "mention" for run in runs or ())


def runs(text: str) -> list[Json]:
    """Unformatted runs that make up a text, none longer than Notion takes."""
    return [{"type": "text", "text": {"content": piece}} for piece in _pieces(text)]


def _plain(run: Json) -> str:
    if "plain_text" in run:
        return str(run["plain_text"])
    content = run.get("text", {}).get("content", "") or run.get("equation", {}).get("expression", "")
    return str(content)


def _pieces(text: str) -> list[str]:
    pieces: list[str] = []
    begin = size = 0
    for place, sign in enumerate(text):
        units = 2 if sign > _LAST_OF_ONE_UNIT else 1
        if size + units > RUN_LENGTH:
            pieces.append(text[begin:place])
            begin, size = place, 0
        size += units
    if begin < len(text):
        pieces.append(text[begin:])
    return pieces
