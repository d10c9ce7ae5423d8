"""Tables, and what becomes of them where a screen is too narrow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from worker.telling.screen import printable

#: Between two columns.
GAP = 2
#: A column of sentences is not made narrower than this; one of words only as far as the longest.
NARROWEST = 14


class Rows:
    """Rows under columns; where these do not fit beside each other, each row as a block of lines of its own.

    Words and ids are broken only where one alone is wider than the screen. `spare` columns give way in a table that
    does not fit with them, and where there is nothing in them. The first `heads` columns are the headline of a block.
    """

    def __init__(
        self,
        columns: Sequence[str],
        rows: Sequence[Sequence[str | Text]],
        folded: Iterable[str],
        spare: Iterable[str] = (),
        heads: int = 1,
    ) -> None:
        self.columns = columns
        self.rows = [
            [cell if isinstance(cell, Text) else Text(printable(cell)) for cell in row] for row in rows
        ]
        self.folded = [name in set(folded) for name in columns]
        self.spare = set(spare)
        self.heads = heads

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """As a table, or as blocks."""
        filled = self._with(lambda place: any(row[place].plain.strip("- ") for row in self.rows))
        for rows in (filled, self._with(lambda place: False)):
            widths = rows._widths(options.max_width)
            if widths is not None:
                yield rows._table(widths)
                return
        yield from filled._blocks()

    def _with(self, keep: Callable[[int], bool]) -> Rows:
        """The same with those of the spare columns that are to be kept."""
        kept = [place for place, name in enumerate(self.columns) if name not in self.spare or keep(place)]
        columns = [self.columns[place] for place in kept]
        folded = {name for name, folded in zip(self.columns, self.folded, strict=True) if folded}
        return Rows(columns, [[row[place] for place in kept] for row in self.rows], folded, (), self.heads)

    def _table(self, widths: Sequence[int]) -> Table:
        made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, GAP, 0, 0))
        for column, width in zip(self.columns, widths, strict=True):
            made.add_column(column, overflow="fold", width=width)
        for row in self.rows:
            made.add_row(*row)
        return made

    def _widths(self, room: int) -> list[int] | None:
        """The width of each column; `None` where not all of them fit."""
        cells = [[Text(name), *column] for name, column in zip(self.columns, self._by_column(), strict=True)]
        full = [max(cell.cell_len for cell in column) for column in cells]
        least = [
            min(width, max(NARROWEST, *(_longest_word(cell) for cell in column))) if folded else width
            for column, width, folded in zip(cells, full, self.folded, strict=True)
        ]
        left = room - GAP * (len(full) - 1) - sum(least)
        if left < 0:
            return None
        widths = list(least)
        while left and any(width < most for width, most in zip(widths, full, strict=True)):
            # The narrowest of those that want more gets it.
            _, place = min(
                (widths[place], place) for place in range(len(full)) if widths[place] < full[place]
            )
            widths[place] += 1
            left -= 1
        return widths

    def _by_column(self) -> list[list[Text]]:
        return [[row[place] for row in self.rows] for place in range(len(self.columns))]

    def _blocks(self) -> Iterator[Text | Table]:
        for number, row in enumerate(self.rows):
            if number:
                yield Text()
            head = Text("  ").join(cell for cell in row[: self.heads] if cell.plain)
            head.stylize("bold")
            head.overflow = "fold"
            yield head
            block = Table.grid(padding=(0, GAP, 0, 0))
            block.add_column(no_wrap=True)
            block.add_column(overflow="fold")
            for name, cell in zip(self.columns[self.heads :], row[self.heads :], strict=True):
                if cell.plain not in ("", "-"):
                    block.add_row(name, cell)
            if block.row_count:
                yield block


def _longest_word(cell: Text) -> int:
    return max((cell_len(word) for word in cell.plain.split()), default=0)


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str | Text]],
    *,
    folded: Iterable[str] = (),
    spare: Iterable[str] = (),
    heads: int = 1,
) -> Rows:
    """A plain table; cells are shown as they are, those of `folded` columns on more than one line if need be."""
    return Rows(columns, list(rows), folded, spare, heads)
