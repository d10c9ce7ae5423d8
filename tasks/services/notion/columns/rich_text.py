"""Notion's rich text: runs of text, mentions and equations, each with its formatting."""

from __future__ import annotations

import unicodedata
from typing import Any

Json = dict[str, Any]

#: Longest run that Notion takes, in UTF-16 units, which is how it counts, and most runs in one value.
RUN_LENGTH = 2000
MOST_RUNS = 100

_JOINER = "\u200d"
_LAST_OF_ONE_UNIT = "\uffff"


def length(text: str) -> int:
    """The length as Notion counts it: characters outside the basic plane are two."""
    return len(text) + sum(1 for sign in text if sign > _LAST_OF_ONE_UNIT)


def plain(runs: list[Json] | None) -> str:
    """The text without formatting; mentions and equations as Notion spells them."""
    return "".join(_plain(run) for run in runs or ())


def text_of(held: Any) -> str:
    """What must be text.

    Raises:
        TypeError: it is not.
    """
    if not isinstance(held, str):
        raise TypeError("no text")
    return held


def mentions(runs: list[Json] | None) -> int:
    """How many mentions a text holds."""
    return sum(run.get("type") == "mention" for run in runs or ())


def runs(text: str) -> list[Json]:
    """Unformatted runs that make up a text, none longer than Notion takes."""
    return [{"type": "text", "text": {"content": piece}} for piece in _pieces(text)]


def _plain(run: Json) -> str:
    if "plain_text" in run:
        return text_of(run["plain_text"])
    content = run.get("text", {}).get("content", "") or run.get("equation", {}).get("expression", "")
    return text_of(content)


def _pieces(text: str) -> list[str]:
    pieces: list[str] = []
    begin = size = 0
    #: Where a character as people see it begins, and how long the piece is up to there.
    joint, up_to_joint = 0, 0
    for place, sign in enumerate(text):
        units = 2 if sign > _LAST_OF_ONE_UNIT else 1
        if place == begin or not _joined(text[place - 1], sign):
            joint, up_to_joint = place, size
        if size + units > RUN_LENGTH:
            fits = joint > begin and size - up_to_joint + units <= RUN_LENGTH
            end, used = (joint, up_to_joint) if fits else (place, size)
            pieces.append(text[begin:end])
            begin, size = end, size - used
            joint, up_to_joint = begin, 0
        size += units
    if begin < len(text):
        pieces.append(text[begin:])
    return pieces


def _joined(one: str, two: str) -> bool:
    """Whether two signs next to each other are part of one character as people see it."""
    if one == "\r" and two == "\n":
        return True
    if _JOINER in (one, two) or unicodedata.category(two).startswith("M"):
        return True
    return (_is_flag(one) and _is_flag(two)) or "\U0001f3fb" <= two <= "\U0001f3ff"


def _is_flag(sign: str) -> bool:
    return "\U0001f1e6" <= sign <= "\U0001f1ff"
