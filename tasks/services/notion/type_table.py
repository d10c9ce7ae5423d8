"""The table of property types for the documentation: `python -m tasks.services.notion.type_table docs/notion.md`."""

from __future__ import annotations

import sys
from pathlib import Path

from tasks.services.notion.properties import type_rows

BEGIN = "<!-- property types: made by python -m tasks.services.notion.type_table docs/notion.md -->"
END = "<!-- end of property types -->"


def type_table() -> str:
    """The table as Markdown."""
    heads = ("Type", "Read as", "Written", "Cleared with", "What a plain-text service does not show")
    rows = [heads, tuple("---" for _ in heads), *type_rows()]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def with_table(text: str) -> str:
    """A document with the table of now between its marks.

    Raises:
        ValueError: the document lacks a mark.
    """
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the document lacks {BEGIN if not begin else END}")
    return f"{head}{begin}\n\n{type_table()}\n{end}{tail}"


if __name__ == "__main__":
    document = Path(sys.argv[1])
    document.write_text(with_table(document.read_text("utf-8")), "utf-8")
