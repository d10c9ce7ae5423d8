"""Text, formatted text and addresses: what both ends can carry."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tasks.mapping.converter import Way

_UNSAFE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def clean(text: str) -> str:
    """Text without what hardly a service carries: control signs, halves of surrogate pairs, several line breaks.

    It is compared like this at both ends, so that what one of them drops is no edit.
    """
    return _UNSAFE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def text(value: Any) -> str:
    """A text as it is compared; nothing is an empty one.

    Raises:
        TypeError: it is no text.
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TypeError("no text")
    return clean(value)


def line(value: Any) -> str | None:
    """A single line, such as an address, or nothing.

    Raises:
        TypeError: it is no text.
    """
    return text(value).replace("\n", "").strip() or None


def joined(value: Any) -> str:
    """A text of something that can only be shown: names in one line, anything else as Python spells it."""
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(joined(part) for part in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {joined(part)}" for key, part in value.items())
    return text(value if isinstance(value, str | None) else str(value))


TEXT = Way(text)
LINE = Way(line)
JOINED = Way(joined, coarse=True)
