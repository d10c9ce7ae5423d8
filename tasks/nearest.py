"""What may be meant by a word that nobody knows."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def likely(word: str, known: Iterable[str]) -> str:
    """The known word that is like it, as a question; empty where none is."""
    close = difflib.get_close_matches(word, sorted(known), n=1)
    return f"did you mean {close[0]!r}?" if close else ""


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that is like it, as a question, or else all of them; empty where none is known."""
    known = sorted(known)
    every = f"there are {', '.join(map(repr, known))}" if known else ""
    return likely(word, known) or every
