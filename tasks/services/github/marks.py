"""What Lockstep leaves in an issue: the key of its making in the text, and a label where it was deleted across."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

#: The label of an issue that was closed in the place of a deletion.
DELETED_LABEL = "deleted by sync"

_KEY = re.compile(r"(?:\n\n)?<!-- lockstep:([0-9a-f]{24}) -->")


def mark_of(key: str) -> str:
    """The mark of a key, from which nothing can be told."""
    return hashlib.sha256(key.encode()).hexdigest()[:24]


def marked(body: str, key: str) -> str:
    """A text with the mark of a key, which nobody sees but who edits it."""
    return f"{body}\n\n<!-- lockstep:{mark_of(key)} -->" if body else f"<!-- lockstep:{mark_of(key)} -->"


def mark_in(body: Any) -> str | None:
    """The mark in a text."""
    found = _KEY.search(body) if isinstance(body, str) else None
    return found[1] if found else None


def unmarked(body: str) -> str:
    """A text without its mark."""
    return _KEY.sub("", body)


def same_label(one: str, two: str) -> bool:
    """Whether two names are those of one label: GitHub knows no case there."""
    return one.casefold() == two.casefold()


def label_names(raw: Mapping[str, Any]) -> list[str]:
    """The labels of an issue, in GitHub's order."""
    labels = raw.get("labels") or ()
    return [str(label if isinstance(label, str) else label["name"]) for label in labels]


def has_label(raw: Mapping[str, Any], name: str) -> bool:
    """Whether an issue has a label."""
    return any(same_label(one, name) for one in label_names(raw))
