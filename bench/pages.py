"""The table of a bench in a page, put there by the command that measured it."""

from __future__ import annotations

import io

from rich.console import Console
from rich.table import Table

from tasks.page_table import between_marks

#: Wide enough that no cell of a table is broken.
_WIDTH = 1000


def written(text: str, name: str, table: Table) -> str:
    """A page with a new table between the marks of a bench.

    Args:
        text: the page.
        name: of the bench.
        table: what was measured, in Markdown.

    Raises:
        ValueError: the page lacks a mark.
    """
    begin, end = (
        f"<!-- {name}: made by python -m bench {name} --write docs/bench.md -->",
        f"<!-- end of {name} -->",
    )
    return between_marks(text, begin, end, markdown(table))


def markdown(table: Table) -> str:
    """A table as Markdown, without its title."""
    title, table.title = table.title, None
    console = Console(file=io.StringIO(), width=_WIDTH, color_system=None)
    try:
        console.print(table)
    finally:
        table.title = title
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    return "\n".join(line.strip() for line in lines if line.strip())
