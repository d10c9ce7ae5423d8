"""The table of kinds for the documentation: `python -m tasks.mapping.kinds_table docs/mapping.md`."""

from __future__ import annotations

import sys
from pathlib import Path

from tasks.mapping.rules import RULES, Rule
from tasks.page_table import between_marks, markdown_table

BEGIN = "<!-- kinds: made by python -m tasks.mapping.kinds_table docs/mapping.md -->"
END = "<!-- end of kinds -->"


def kinds_table() -> str:
    """The table as Markdown."""
    heads = ("Kind", "Kind across", "Goes", "`values`", "What does not get across")
    return markdown_table(heads, map(_row, RULES))


def _row(rule: Rule) -> tuple[str, ...]:
    goes = f"to the {rule.second} only" if rule.one_way else "both ways"
    return rule.first, rule.second, goes, "yes" if rule.takes_values else "", rule.loses or "nothing"


def with_table(text: str) -> str:
    """A document with the table of now between its marks.

    Raises:
        ValueError: the document lacks a mark.
    """
    return between_marks(text, BEGIN, END, kinds_table())


if __name__ == "__main__":
    document = Path(sys.argv[1])
    document.write_text(with_table(document.read_text("utf-8")), "utf-8")
