"""A bar on a terminal for what takes its time; nothing where nobody watches, or wants to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from config import get_settings
from tasks.engine.sync import Progress
from worker.telling.screen import console

#: What `-q` sets.
QUIET = "ERROR"


Thing = TypeVar("Thing")


@contextmanager
def bar(of: str = "") -> Iterator[Progress]:
    """What to call with phase, done and total (0: not known), as often as one likes; `of` stands before the phase."""
    screen = _screen()
    if screen is None:
        yield unseen
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bars(*columns, console=screen, transient=True) as bars:
        line = bars.add_task(f"{of} start".strip(), total=None)

        def show(phase: str, done: int, total: int) -> None:
            bars.update(line, description=f"{of} {phase}".strip(), completed=done, total=total or None)

        yield show


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """That something is done of which nobody knows how far it is, such as `Looking`."""
    screen = _screen()
    with nullcontext() if screen is None else screen.status(f"{what} …"):
        yield


def _screen() -> Console | None:
    """Where somebody watches: standard error, if that is a terminal and not asked to be quiet."""
    screen = console(stderr=True)
    return screen if screen.is_terminal and get_settings().log_level != QUIET else None


def counted(things: Iterable[Thing], progress: Progress, phase: str, total: int) -> Iterator[Thing]:
    """The same things, each told of as it is taken."""
    for number, thing in enumerate(things):
        progress(phase, number, total)
        yield thing
    progress(phase, total, total)


def unseen(phase: str, done: int, total: int) -> None:
    """A progress that nobody watches."""
