"""A table of a page of the documentation, between two marks, which the code makes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def markdown_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table as Markdown."""
    lines = [heads, ["---" for _ in heads], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def between_marks(text: str, begin: str, end: str, table: str) -> str:
    """A page with a table between its marks, in the place of the one that is there.

    Raises:
        ValueError: the page lacks a mark.
    """
    head, begun, rest = text.partition(begin)
    _, ended, tail = rest.partition(end)
    if not begun or not ended:
        raise ValueError(f"the page lacks {end if begun else begin}")
    return f"{head}{begin}\n\n{table.rstrip()}\n\n{end}{tail}"
