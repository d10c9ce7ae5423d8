"""How the command line shows things: tables on a screen, JSON for scripts."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
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
#: A command and what it is for, which are copied together.
_COMMAND = re.compile(r"\blockstep [a-z]+ [^\s:;,]+|\blockstep [a-z]+")
#: Stands for a space at which no line ends.
_GLUE = "\ue000"
#: Between two columns.
GAP = 2
#: A column of sentences is not made narrower than this; one of words only as far as the longest.
NARROWEST = 14


def console(*, stderr: bool = False) -> Console:
    """A console that takes no text for markup: names and values are other people's.

    What goes to a file or a pipe is not folded to the width of a screen.
    """
    made = Console(stderr=stderr, markup=False, highlight=False, emoji=False)
    if not is_narrow(made):
        made.width = PIPE_WIDTH
    return made


def say(
    text: str | Text, screen: Console | None = None, *, indent: int = 0, hang: int = 0, style: str = ""
) -> None:
    """A sentence: one line in a file or a pipe, on a screen wrapped at words, with the commands in it whole.

    Args:
        text: what is said.
        screen: where; by default on standard output.
        indent: of all lines.
        hang: how much further the second line and those after it begin.
        style: of a plain text.
    """
    screen = screen or console()
    line = text.copy() if isinstance(text, Text) else Text(printable(text), style=style)
    margin = Text(" " * indent)
    if not is_narrow(screen):
        screen.print(margin + line, soft_wrap=True)
        return
    line.plain = _COMMAND.sub(lambda found: found[0].replace(" ", _GLUE), line.plain)
    for number, part in enumerate(line.wrap(screen, max(1, screen.width - indent - hang))):
        part.plain = part.plain.replace(_GLUE, " ").rstrip()
        screen.print(margin + " " * (hang if number else 0) + part, soft_wrap=True)


def say_fields(fields: Iterable[tuple[str, str]], screen: Console) -> None:
    """Names with what there is to say of each, one below the other."""
    if is_narrow(screen):
        block = Table.grid(padding=(0, 1, 0, 0))
        block.add_column(no_wrap=True, style="bold")
        block.add_column(overflow="fold")
        for name, text in fields:
            block.add_row(name, Text(printable(text)))
        screen.print(block)
        return
    for name, text in fields:
        say(Text(f"{name:<11}", style="bold").append(printable(text), style="not bold"), screen)


def is_narrow(screen: Console) -> bool:
    """Whether lines are folded to the width of a screen."""
    return screen.is_terminal or "COLUMNS" in os.environ


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


def tell_rest(shown: int, total: int) -> None:
    """Say so where a list does not show all that there is."""
    if shown < total:
        say(f"The newest {shown} of {total} are listed: --limit {total} shows all.")


def print_json(data: Any) -> None:
    """One JSON document on standard output; times in ISO 8601. Signs that move the cursor are written out."""
    text = json.dumps(data, indent=2, ensure_ascii=False, default=_plain)
    for sign in set(text) - {"\n"}:
        if not sign.isprintable():
            text = text.replace(sign, json.dumps(sign)[1:-1])
    sys.stdout.write(text + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, set | frozenset):
        return sorted(value)
    return str(value)
