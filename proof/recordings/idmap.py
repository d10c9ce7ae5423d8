"""Two worlds of ids: the recorded ones, and those that the sandbox makes for the same things."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\b[0-9a-f]{32}\b")
_COLUMN_KEYS = frozenset(
    {"id", "synced_property_id", "rollup_property_id", "relation_property_id", "property_id", "property"}
)
_MADE_IDS = frozenset({"synced_property_id", "discussion_id"})
#: What comes with what it lies in, without a request of its own: nested blocks, the first view of a database.
_MADE_WITH_THEIRS = frozenset({"block", "view"})
_REFERENCE = re.compile(r"notion:block_property:([^:}]+):")


def encode(column: str) -> str:
    """A column id as answers write it."""
    return quote(column, safe="-_.!~*'()")


class IdMap:
    """Pairs of ids, learned from answers to the same request."""

    def __init__(self) -> None:
        self.ours: dict[str, str] = {}
        self.theirs: dict[str, str] = {}

    def pair(self, ours: str, theirs: str) -> None:
        """Remember that two ids mean the same, unless one of them is taken."""
        ours, theirs = _plain(ours), _plain(theirs)
        if ours != theirs and ours not in self.theirs and theirs not in self.ours:
            self.ours[theirs] = ours
            self.theirs[ours] = theirs

    def to_ours(self, value: Any) -> Any:
        """A part of a recorded request, with the sandbox's ids."""
        return _translate(value, self.ours)

    def to_theirs(self, value: Any) -> Any:
        """A part of an answer of the sandbox, with the recorded ids."""
        return _translate(value, self.theirs)

    def same(self, ours: str, theirs: str) -> bool:
        """Whether two ids mean the same thing as far as is known."""
        ours, theirs = _plain(ours), _plain(theirs)
        return self.theirs.get(ours, ours) == theirs

    def is_free(self, ours: str, theirs: str) -> bool:
        """Whether neither of two ids has a partner."""
        return _plain(ours) not in self.theirs and _plain(theirs) not in self.ours

    def learn(self, ours: Any, theirs: Any, produced: Callable[[str], bool]) -> None:
        """Pair the ids at the same places of two answers.

        The ids of two objects are paired only where `produced` says that the recorded one was made by the
        recorded requests, or where it came with its parent; what is inside unlike objects is not looked at.
        """
        if isinstance(ours, list) and isinstance(theirs, list):
            if len(ours) == len(theirs):
                for left, right in zip(ours, theirs, strict=True):
                    self.learn(left, right, produced)
        elif isinstance(ours, dict) and isinstance(theirs, dict):
            left, right = ours.get("id"), theirs.get("id")
            if isinstance(left, str) and isinstance(right, str) and not self.same(left, right):
                if ours.get("name") != theirs.get("name"):
                    return
                if "object" in theirs and not self._new_object(ours, theirs, produced):
                    return
                self.pair(left, right)
            for key in ours.keys() & theirs.keys():
                self._learn_part(key, ours[key], theirs[key], produced)

    def _new_object(
        self, ours: dict[str, Any], theirs: dict[str, Any], produced: Callable[[str], bool]
    ) -> bool:
        alike = ours.get("object") == theirs.get("object") and ours.get("type") == theirs.get("type")
        parent = self.to_theirs(ours.get("parent")) == theirs.get("parent")
        free = self.is_free(ours["id"], theirs["id"])
        inside = theirs["object"] in _MADE_WITH_THEIRS and parent
        return alike and free and (produced(theirs["id"]) or inside)

    def _learn_part(self, key: str, ours: Any, theirs: Any, produced: Callable[[str], bool]) -> None:
        if isinstance(ours, str) and isinstance(theirs, str):
            if key in _MADE_IDS and ours != theirs:
                self.pair(ours, theirs)
            elif key == "expression":
                left, right = UUID.findall(ours), UUID.findall(theirs)
                if len(left) == len(right):
                    for pair in zip(left, right, strict=True):
                        self.pair(*pair)
        else:
            self.learn(ours, theirs, produced)


def _plain(value: str) -> str:
    """An id without dashes if it is a UUID, else a decoded column id."""
    return value.replace("-", "") if UUID.fullmatch(value) else unquote(value)


def _translate(value: Any, names: dict[str, str], key: str = "") -> Any:
    if isinstance(value, list):
        return [_translate(item, names, key) for item in value]
    if isinstance(value, dict):
        return {
            _column(name, names) if key == "properties" else name: _translate(part, names, name)
            for name, part in value.items()
        }
    if not isinstance(value, str):
        return value
    if key in _COLUMN_KEYS and not UUID.fullmatch(value):
        return _column(value, names)
    text = UUID.sub(lambda match: _uuid(match.group(), names), value)
    return _REFERENCE.sub(lambda match: f"notion:block_property:{_reference(match.group(1), names)}:", text)


def _uuid(value: str, names: dict[str, str]) -> str:
    plain = names.get(value.replace("-", ""))
    if plain is None:
        return value
    return (
        plain
        if "-" not in value
        else "-".join((plain[:8], plain[8:12], plain[12:16], plain[16:20], plain[20:]))
    )


def _reference(value: str, names: dict[str, str]) -> str:
    return encode(names.get(unquote(value), unquote(value)))


def _column(value: str, names: dict[str, str]) -> str:
    """A column id, in the encoding that it came in."""
    if unquote(value) != value:
        return encode(names[unquote(value)]) if unquote(value) in names else value
    return names.get(value, value)
