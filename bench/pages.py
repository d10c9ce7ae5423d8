"""The table of a bench in a page, put there by the command that measured it."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from tasks.page_table import between_marks

#: Columns of a table that is shown as it was printed.
WIDTH = 120

#: Wide enough that no cell of a table in Markdown is broken.
MARKDOWN_WIDTH = 1000


def write(pages: Iterable[Path], name: str, table: Table) -> None:
    """Put the table of a bench into those of the pages that have its marks.

    Raises:
        ValueError: none has, or a page has only one of the two.
        OSError: a page cannot be read or written.
    """
    texts = {page: page.read_text("utf-8") for page in pages}
    marked = [page for page, text in texts.items() if _begin(name) in text]
    if not marked:
        raise ValueError(f"no page has the mark {_begin(name)}")
    for page in marked:
        page.write_text(written(texts[page], name, table), "utf-8")


def written(text: str, name: str, table: Table) -> str:
    """A page with a new table between the marks of a bench.

    Args:
        text: the page.
        name: of the bench.
        table: what was measured; it is put there as it is printed, unless its box is that of Markdown.

    Raises:
        ValueError: the page lacks a mark.
    """
    shown = markdown(table) if table.box is box.MARKDOWN else f"```text\n{_printed(table, WIDTH)}\n```"
    return between_marks(text, _begin(name), f"<!-- end of {name} -->", shown)


def markdown(table: Table) -> str:
    """A table as Markdown, without its title; what stands below it is a paragraph of its own."""
    title, caption, table.title, table.caption = table.title, table.caption, None, None
    try:
        lines = _printed(table, MARKDOWN_WIDTH).splitlines()
    finally:
        table.title, table.caption = title, caption
    return "\n".join(
        [*(line.strip() for line in lines if line.strip()), *(["", str(caption)] if caption else [])]
    )


def _begin(name: str) -> str:
    return f"<!-- {name}: made by python -m bench {name} --write -->"


def _printed(table: Table, width: int) -> str:
    out = io.StringIO()
    Console(file=out, width=width, color_system=None).print(table)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()).strip("\n")
