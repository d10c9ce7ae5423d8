"""The words by which a person names an end of a sync, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tasks.nearest import nearest
from tasks.sides import End

#: The words for the ends, in the order in which they are told.
Words = Mapping[str, End]


def shown(ends: Words) -> list[str]:
    """The words that a person may use; of those that everybody may use, only where there are no others."""
    own = [word for word in ends if word not in ("notion", "other")]
    return own if len(own) > 1 else list(ends)


def towards(key: str, prefix: str, ends: Words) -> End | None:
    """The end that a key such as `to_notion` names."""
    return ends.get(key.removeprefix(prefix)) if key.startswith(prefix) else None


def unknown(place: str, key: str, known: Iterable[str]) -> str:
    """The sentence for a key that means nothing."""
    return f"unknown key {f'{place}.{key}'!r}: {nearest(key, known)}"


def listed(words: Iterable[str]) -> str:
    """Several words in a sentence, as they are written: `"a", "b" or "c"`."""
    *most, last = (f'"{word}"' for word in words)
    return f"{', '.join(most)} or {last}" if most else last
