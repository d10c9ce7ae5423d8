"""What a to-do is a part of: the `RELATED-TO` lines that name its parents, and no others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tasks.errors import ItemError
from tasks.services.caldav.lines.content_lines import Component, Property, clean, escape, unescape


def read_parents(entry: Component) -> tuple[str, ...]:
    """The UIDs of its parents, sorted; most often there is one.

    Raises:
        ValueError: a line cannot be read.
    """
    return tuple(sorted({uid for uid in map(_parent, entry.properties("RELATED-TO")) if uid}))


def write_parents(entry: Component, new: Iterable[Any]) -> None:
    """Name these parents; lines of those that stay, and those of other relations, stay as they are.

    Raises:
        ItemError: it would be its own parent.
    """
    if isinstance(new, str):
        raise ItemError("parent is one text, not a tuple of UIDs")
    wanted = {clean(str(uid)).strip() for uid in new} - {""}
    own = entry.filled("UID")
    if own is not None and unescape(own.value.strip()) in wanted:
        raise ItemError("it cannot be its own parent")
    old = set(read_parents(entry))
    if wanted == old:
        return
    entry.edit("RELATED-TO", lambda line: line if (_parent(line) or "") in {"", *wanted} else None)
    for uid in sorted(wanted - old):
        entry.add(Property("RELATED-TO", (), escape(uid)))


def _parent(line: Property) -> str | None:
    """The UID of a parent, `None` where a line names something else."""
    if (line.param("RELTYPE") or "PARENT").upper() != "PARENT":
        return None
    return unescape(line.value.strip())
