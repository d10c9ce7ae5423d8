"""The table of property types in the docs: `python -m tasks.services.notion.columns.type_table docs/notion.md`."""

from __future__ import annotations

import sys
from pathlib import Path

from tasks.page_table import between_marks, markdown_table
from tasks.services.notion.columns.properties import type_rows

BEGIN = "<!-- property types: made by python -m tasks.services.notion.columns.type_table docs/notion.md -->"
END = "<!-- end of property types -->"


def type_table() -> str:
    """The table as Markdown."""
    heads = ("Type", "Read as", "Written", "Cleared with", "What a plain-text service does not show")
    return markdown_table(heads, type_rows())


def with_table(text: str) -> str:
    """A document with the table of now between its marks.

    Raises:
        ValueError: the document lacks a mark.
    """
    return between_marks(text, BEGIN, END, type_table())


if __name__ == "__main__":
    document = Path(sys.argv[1])
    document.write_text(with_table(document.read_text("utf-8")), "utf-8")
