"""Titles as names of files, and names of files as titles. Pure.

A title that can be a file's name everywhere is one. Any other title (a slash, 300 letters, a name that is taken) stands
in the front matter, and the file has a name that is like it. That holds as long as it has this name: who renames the
file, gives it a new title.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

SUFFIX = ".md"
#: Bytes of a name without its suffix: some encrypted file systems take no more than 143 in all.
LONGEST = 136
#: Signs that are no part of a name on Windows, and so in a folder that is shared with it.
_FORBIDDEN = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]')
_RESERVED = re.compile(
    r"(?:CON|PRN|AUX|NUL|COM[0-9¹²³]|LPT[0-9¹²³]|CONIN\$|CONOUT\$)(?:\..*)?", re.IGNORECASE
)
_CONFLICTS = re.compile(
    r"\.sync-conflict-\d{8}-\d{6}|\bconflicted copy\b|\bconflict copy\b|\(conflict[ )]|_conflict-\d{8}|\[conflict\]",
    re.IGNORECASE,
)
_CONFLICT_WORD = re.compile("(conflict)", re.IGNORECASE)
#: Where there is no letter of the title left.
_NAMELESS = "Untitled"


def stem_of(title: str) -> str:
    """A name for a file of this title; the title itself where that can be one."""
    stem = _FORBIDDEN.sub("-", unicodedata.normalize("NFC", title))
    stem = _trimmed(_cut(_trimmed(stem)))
    if not stem.strip("- ") and (stem != title or not title):
        stem = _NAMELESS
    if is_conflict_copy(stem):
        stem = _CONFLICT_WORD.sub(r"\1-", stem)
    return f"{stem}-" if _RESERVED.fullmatch(stem) else stem


def free_stem(title: str, is_free: Callable[[str], bool]) -> str:
    """A name for a file of this title that no other one has."""
    stem, number = stem_of(title), 1
    found = stem
    while not is_free(found):
        number += 1
        found = f"{stem} ~{number}"
    return found


def title_of(stem: str, written: str | None) -> str:
    """The title of a file.

    Arguments:
        stem: Its name without the suffix.
        written: The title in its front matter, which counts only with the name that was made of it.
    """
    if written is not None:
        made = re.escape(stem_of(written))
        if re.fullmatch(rf"{made}(?: ~\d+)?", unicodedata.normalize("NFC", stem)):
            return written
    return unicodedata.normalize("NFC", stem)


def folded(name: str) -> str:
    """Equal for names that some file systems take for one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def is_conflict_copy(stem: str) -> bool:
    """Whether a program that syncs files put this beside another version of the same file."""
    return _CONFLICTS.search(stem) is not None


def _trimmed(stem: str) -> str:
    """A name without what some file systems hide or drop: dots in front, dots and spaces at the end."""
    before = None
    while stem != before:
        before, stem = stem, stem.strip().strip(".")
    return stem


def _cut(stem: str) -> str:
    return stem.encode("utf-8", "replace")[:LONGEST].decode(errors="ignore")
