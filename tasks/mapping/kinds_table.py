"""The table of kinds for the documentation: `python -m tasks.mapping.kinds_table docs/mapping.md`."""

from __future__ import annotations

import sys
from pathlib import Path

from tasks.mapping.rules import RULES, Rule

BEGIN = "<!-- kinds: made by python -m tasks.mapping.kinds_table docs/mapping.md -->"
END = "<!-- end of kinds -->"


def kinds_table() -> str:
    """The table as Markdown."""
    heads = ("Kind", "Kind across", "Goes", "`values`", "What does not get across")
    rows = [heads, tuple("---" for _ in heads), *map(_row, RULES)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _row(rule: Rule) -> tuple[str, ...]:
    goes = f"to the {rule.second} only" if rule.one_way else "both ways"
    return rule.first, rule.second, goes, "yes" if rule.takes_values else "", rule.loses or "nothing"


def with_table(text: str) -> str:
    """A document with the table of now between its marks.

    Raises:
        ValueError: the document lacks a mark.
    """
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the document lacks {BEGIN if not begin else END}")
    return f"{head}{begin}\n\n{kinds_table()}\n{end}{tail}"


if __name__ == "__main__":
    document = Path(sys.argv[1])
    document.write_text(with_table(document.read_text("utf-8")), "utf-8")
