"""How the command line shows things: tables on a screen, JSON for scripts."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tasks.values.references import References
from worker.telling.signs import has_all_signs

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
#: Of the form of what `--json` prints: another one where a name goes or means something else, not where one is added.
JSON_VERSION = 1
#: A command and what it is for, which are copied together.
_COMMAND = re.compile(r"\blockstep [a-z]+ [^\s:;,]+|\blockstep [a-z]+")
#: Stands for a space at which no line ends.
_GLUE = "\ue000"


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
    """A time on the reader's own clock, with its date and zone: what is copied elsewhere says when it was."""
    return "-" if at is None else f"{at.astimezone():%Y-%m-%d %H:%M:%S %Z}"


def near_moment(at: datetime | None) -> str:
    """The same of a time whose year and second nobody needs, for tables with several."""
    return "-" if at is None else f"{at.astimezone():%m-%d %H:%M %Z}"


def duration(seconds: float | None) -> str:
    """A short time as it is read best."""
    if seconds is None:
        return "-"
    if seconds < 60:
        return f"{seconds:.1f} s"
    return str(timedelta(seconds=round(seconds)))


def tell_rest(shown: int, total: int) -> None:
    """Say so where a list does not show all that there is."""
    if shown < total:
        say(f"The newest {shown} of {total} are listed: --limit {total} shows all.")


def print_json(told: Mapping[str, Any] | Sequence[Any]) -> None:
    """The one document that `--json` prints: `version` and what is told, or the `items` of a list.

    Raises:
        ValueError: what is told has a version of its own, which would be mistaken for that of the form.
    """
    told = told if isinstance(told, Mapping) else {"items": list(told)}
    if "version" in told:
        raise ValueError("`version` is that of the form of what --json prints: give it another name")
    print_document({"version": JSON_VERSION, **told})


def print_document(data: Any) -> None:
    """JSON on standard output; times in ISO 8601. Signs that move the cursor are written out."""
    text = json.dumps(data, indent=2, ensure_ascii=not has_all_signs(sys.stdout), default=_plain)
    for sign in set(text) - {"\n"}:
        if not sign.isprintable():
            text = text.replace(sign, json.dumps(sign)[1:-1])
    sys.stdout.write(text + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, References):
        links = zip(value.links, value.titles or [""] * len(value.links), strict=True)
        linked = [{"left": pair[0], "right": pair[1], "title": title or None} for pair, title in links]
        return {"linked": linked, "not_linked": list(value.alone)}
    return str(value)
