"""What is said on a terminal or into a file whose encoding does not have all signs, such as Latin-1."""

from __future__ import annotations

import codecs
import io
from typing import TextIO

#: Name of what Python calls for such a sign.
_NAME = "lockstep.signs"
_INSTEAD = {"✓": "+", "✗": "x", "…": "...", "→": "->", "↔": "<->", "←": "<-", "–": "-", "•": "*", "·": "."}
#: Of the picture that turns while one waits.
_DOTS = range(0x2800, 0x2900)


def speak_plainly(stream: TextIO) -> None:
    """Write our own signs in letters that every encoding has, and those of other people as Python escapes them."""
    if isinstance(stream, io.TextIOWrapper) and not has_all_signs(stream):
        codecs.register_error(_NAME, _plain)
        stream.reconfigure(errors=_NAME)


def has_all_signs(stream: TextIO) -> bool:
    """Whether every text can be written there."""
    return codecs.lookup(stream.encoding or "utf-8").name.startswith("utf")


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    return "".join(map(_instead, signs)), error.end


def _instead(sign: str) -> str:
    if ord(sign) in _DOTS:
        return "*"
    return _INSTEAD.get(sign) or sign.encode("ascii", "backslashreplace").decode()
