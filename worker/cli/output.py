"""How the command line shows things: tables on a screen, JSON for scripts."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from rich.console import Console
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


def table(
    columns: Sequence[str], rows: Iterable[Sequence[str | Text]], *, folded: Iterable[str] = ()
) -> Table:
    """A plain table; cells are shown as they are, those of `folded` columns on more than one line if need be."""
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        made.add_column(column, overflow="fold", no_wrap=column not in folded)
    for row in rows:
        made.add_row(*(cell if isinstance(cell, Text) else Text(printable(cell)) for cell in row))
    return made


def print_json(data: Any) -> None:
    """One JSON document on standard output; times in ISO 8601."""
    sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=False, default=_plain) + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, set | frozenset):
        return sorted(value)
    return str(value)
