"""How the command line shows things: tables on a screen, JSON for scripts."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

#: Colour of each status of a run.
STYLES = {
    "succeeded": "green",
    "planned": "green",
    "running": "cyan",
    "skipped": "yellow",
    "conflicts": "yellow",
    "incomplete": "yellow",
    "halted": "red",
    "failed": "red",
    "cancelled": "yellow",
    "abandoned": "red",
}


#: Columns of a line that is not read on a screen.
PIPE_WIDTH = 240
#: Between two columns.
GAP = 2
#: A column of sentences is not made narrower than this; one of words only as far as the longest.
NARROWEST = 14


def console(*, stderr: bool = False) -> Console:
    """A console that takes no text for markup: names and values are other people's.

    What goes to a file or a pipe is not folded to the width of a screen.
    """
    made = Console(stderr=stderr, markup=False, highlight=False, emoji=False)
    if not made.is_terminal and "COLUMNS" not in os.environ:
        made.width = PIPE_WIDTH
    return made


def printable(value: Any) -> str:
    """A value as text that cannot move the cursor or change the terminal."""
    if isinstance(value, list | tuple | set | frozenset):
        value = ", ".join(map(str, value))
    elif isinstance(value, datetime):
        value = value.isoformat(sep=" ", timespec="minutes")
    text = "" if value is None else str(value)
    return "".join(sign if sign.isprintable() else " " for sign in text)


def short(value: Any, length: int = 60) -> str:
    """`printable`, cut to a length that leaves room for other columns."""
    text = printable(value)
    return text if len(text) <= length else text[: length - 1] + "…"


def status_text(status: str) -> Text:
    """A status in its colour."""
    return Text(status, style=STYLES.get(status, ""))


def moment(at: datetime | None) -> str:
    """A time on the reader's own clock, without the date when it is today's."""
    if at is None:
        return "-"
    local = at.astimezone()
    today = datetime.now(UTC).astimezone().date()
    return f"{local:%H:%M:%S}" if local.date() == today else f"{local:%Y-%m-%d %H:%M}"


def duration(seconds: float | None) -> str:
    """A short time as it is read best."""
    if seconds is None:
        return "-"
    if seconds < 60:
        return f"{seconds:.1f} s"
    return str(timedelta(seconds=round(seconds)))


class Rows:
    """Rows under columns; where these do not fit beside each other, each row as a block of lines of its own.

    Words and ids are broken only where one alone is wider than the screen.
    """

    def __init__(
        self, columns: Sequence[str], rows: Sequence[Sequence[str | Text]], folded: Iterable[str]
    ) -> None:
        self.columns = columns
        self.rows = [
            [cell if isinstance(cell, Text) else Text(printable(cell)) for cell in row] for row in rows
        ]
        self.folded = [name in set(folded) for name in columns]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """As a table, or as blocks."""
        widths = self._widths(options.max_width)
        if widths is None:
            yield from self._blocks()
            return
        made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, GAP, 0, 0))
        for column, width in zip(self.columns, widths, strict=True):
            made.add_column(column, overflow="fold", width=width)
        for row in self.rows:
            made.add_row(*row)
        yield made

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
            yield Text(row[0].plain, style="bold", overflow="fold")
            block = Table.grid(padding=(0, GAP, 0, 0))
            block.add_column(no_wrap=True)
            block.add_column(overflow="fold")
            for name, cell in zip(self.columns[1:], row[1:], strict=True):
                if cell.plain not in ("", "-"):
                    block.add_row(name, cell)
            if block.row_count:
                yield block


def _longest_word(cell: Text) -> int:
    return max((cell_len(word) for word in cell.plain.split()), default=0)


def table(
    columns: Sequence[str], rows: Iterable[Sequence[str | Text]], *, folded: Iterable[str] = ()
) -> Rows:
    """A plain table; cells are shown as they are, those of `folded` columns on more than one line if need be."""
    return Rows(columns, list(rows), folded)


def tell_rest(shown: int, total: int) -> None:
    """Say so where a list does not show all that there is."""
    if shown < total:
        console().print(
            f"The newest {shown} of {total} are listed: --limit {total} shows all.", soft_wrap=True
        )


def print_json(data: Any) -> None:
    """One JSON document on standard output; times in ISO 8601."""
    sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=False, default=_plain) + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, set | frozenset):
        return sorted(value)
    return str(value)
