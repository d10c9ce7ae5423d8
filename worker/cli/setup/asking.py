"""Asking a person, or telling which option would have answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from rich.console import Console

from tasks.nearest import nearest
from tasks.sides import Place
from worker.telling.failures import CommandError
from worker.telling.screen import console, printable, say
from worker.telling.tables import table

T = TypeVar("T")

#: Answers that mean yes, and no.
_YES, _NO = ("y", "yes"), ("n", "no", "")


class WrongAnswerError(ValueError):
    """An answer does not fit; the message says why, and what would."""


@dataclass(frozen=True, slots=True)
class Asker:
    """One conversation."""

    #: Whether somebody is there to answer.
    interactive: bool
    screen: Console

    @classmethod
    def on_terminal(cls, *, interactive: bool) -> Asker:
        """One on standard output."""
        return cls(interactive, console())

    def tell(self, text: str, *, indent: int = 2, style: str = "") -> None:
        """Say a line or a few."""
        for line in text.splitlines():
            say(line, self.screen, indent=indent, style=style)

    def head(self, text: str) -> None:
        """Begin the next part."""
        self.screen.print()
        say(text, self.screen, style="bold")

    def ask(
        self,
        text: str,
        flag: str,
        read: Callable[[str], T],
        *,
        default: str = "",
        secret: bool = False,
    ) -> T:
        """An answer that fits; a wrong one is told and asked again.

        Args:
            text: the question.
            flag: what would have answered it, for the message where nobody is there.
            read: makes what is meant of the answer, or raises `WrongAnswerError`.
            default: what an empty answer stands for.
            secret: whether what is typed is not shown.

        Raises:
            CommandError: nobody is there to be asked.
        """
        if not self.interactive:
            raise CommandError(f"{text} is not known, and nobody is there to be asked: give {flag}")
        hint = " (not shown)" if secret else f" [{default}]" if default else ""
        prompt = f"{printable(text)}{hint}{'' if text.endswith('?') else ':'} "
        while True:
            said = self.screen.input(prompt, markup=False, password=secret).strip() or default
            try:
                return read(said)
            except WrongAnswerError as error:
                self.tell(str(error), style="red")

    def confirm(self, text: str) -> bool:
        """Whether the answer is yes; where nobody is there it is no."""
        return self.interactive and self.ask(f"{text} [y/N]", "", _read_yes)

    def choose(self, text: str, flag: str, places: Sequence[Place]) -> Place:
        """One of several places, by its number or its title.

        Raises:
            CommandError: nobody is there to be asked.
        """
        if self.interactive:
            rows = [(str(number), one.title, one.about) for number, one in enumerate(places, 1)]
            self.screen.print(table(("No.", "Title", "Where"), rows, folded=("Title", "Where")))
        return self.ask(f"{text}, by its number or title", flag, lambda said: place_of(said, places))


def place_of(said: str, places: Sequence[Place]) -> Place:
    """The place that is meant by its number in the list, its title, or its address or the end of that.

    Raises:
        WrongAnswerError: there is none, or several have the title.
    """
    same = [one for one in places if said in (one.about, *map(str, one.options.values()))]
    same = same or [one for one in places if one.title == said]
    same = same or [one for one in places if one.title.casefold() == said.casefold()]
    same = same or [one for one in places if said and one.about.rstrip("/").endswith(f"/{said}")]
    if len(same) > 1:
        raise WrongAnswerError(
            f"{len(same)} are called {said!r}: give one of " + ", ".join(one.about for one in same)
        )
    if same:
        return same[0]
    if said.isascii() and said.isdigit():
        if 1 <= int(said) <= len(places):
            return places[int(said) - 1]
        raise WrongAnswerError(f"there is no number {said}: give one from 1 to {len(places)}")
    if not said:
        raise WrongAnswerError(f"give a number from 1 to {len(places)}")
    raise WrongAnswerError(f"there is no {said!r}: {nearest(said, [one.title for one in places])}")


def _read_yes(said: str) -> bool:
    if said.casefold() in _YES:
        return True
    if said.casefold() in _NO:
        return False
    raise WrongAnswerError("answer y or n")
