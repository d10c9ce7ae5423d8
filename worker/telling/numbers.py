"""Numbers of things, in words."""

from __future__ import annotations


def some(number: int, one: str, many: str = "") -> str:
    """A number of things: `1 task`, `2 tasks`; `many` where an s at the end does not make it many."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
