"""The mapping that a person is offered: shown with kinds and values, and changed until it is right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from tasks.errors import TaskDefinitionError
from tasks.mapping import Pair, bind, directed, met
from tasks.nearest import nearest
from tasks.sides import Attribute, End, Labels
from worker.cli.setup.asking import Asker, WrongAnswerError
from worker.cli.setup.looking import Seen
from worker.telling.screen import say, short
from worker.telling.tables import table

#: How a pair goes, by the only end to which it does.
_ARROWS = {None: "↔", End.LEFT: "←", End.RIGHT: "→"}
HOW = "Enter takes them as they are; -3 leaves one out; NAME = NAME adds one, or takes the place of another."


@dataclass(frozen=True, slots=True)
class Offer:
    """Both sides, and what their ends are called in a table."""

    seen: Mapping[End, Seen]
    words: Mapping[End, str]

    @property
    def labels(self) -> Labels:
        """What people call the sides."""
        return Labels(*(self.seen[end].label for end in End))

    def at(self, end: End) -> Mapping[str, Attribute]:
        """What the objects of an end have."""
        return self.seen[end].attributes

    def show(self, asker: Asker, pairs: Sequence[Pair]) -> None:
        """The pairs with kinds and some values, and below what becomes of these; then what is left out."""
        rows: list[tuple[str | Text, ...]] = [
            (
                str(number),
                self._attribute(End.LEFT, pair),
                _ARROWS[pair.only_to],
                self._attribute(End.RIGHT, pair),
                self._samples(End.LEFT, pair),
                self._samples(End.RIGHT, pair),
            )
            for number, pair in enumerate(pairs, 1)
        ]
        left, right = (self.words[end] for end in End)
        columns = ("No.", left, "", right, f"{left} shows", f"{right} shows")
        if rows:
            asker.screen.print(table(columns, rows, folded=columns[4:], spare=columns[4:], heads=4))
        else:
            asker.tell("No two attributes mean the same, or have one name.")
        for number, pair in enumerate(pairs, 1):
            told = met(pair, self.at(End.LEFT), self.at(End.RIGHT), self.labels).told.partition(": ")[2]
            if told:
                say(f"{number}: {told}", asker.screen, indent=2, hang=3, style="dim")
        asker.tell(f"Not synced: {self._left_out(pairs)}", style="dim")

    def _attribute(self, end: End, pair: Pair) -> str:
        return f"{pair.at(end)} ({self.at(end)[pair.at(end)].kind})"

    def _samples(self, end: End, pair: Pair) -> str:
        values = self.seen[end].samples.get(pair.at(end), ())
        return ", ".join(short(value, 24) for value in values) or "-"

    def with_pair(self, pairs: Sequence[Pair], said: str) -> tuple[Pair, ...]:
        """The pairs with one more, which takes the place of those that have an attribute of it.

        Raises:
            WrongAnswerError: it names no attributes, or they do not go together; with what would.
        """
        left, sign, right = (part.strip().strip('"') for part in said.partition("="))
        if not sign or not left or not right:
            raise WrongAnswerError(f'{said!r} is no pair: write "NAME = NAME", {self.words[End.LEFT]} first')
        for end, name in ((End.LEFT, left), (End.RIGHT, right)):
            if name not in self.at(end):
                raise WrongAnswerError(f"{self.words[end]} has no {name!r}: {nearest(name, self.at(end))}")
        pair = directed(Pair(left, right), self.at(End.LEFT), self.at(End.RIGHT))
        if pair is None:
            try:
                met(Pair(left, right), self.at(End.LEFT), self.at(End.RIGHT), self.labels)
            except TaskDefinitionError as error:
                raise WrongAnswerError(str(error)) from None
            raise WrongAnswerError(f"{left!r} and {right!r} do not go together")
        return (*(one for one in pairs if one.left != left and one.right != right), pair)

    def without(self, pairs: Sequence[Pair], said: str) -> tuple[Pair, ...]:
        """The pairs without one, by its number or the name of one of its attributes.

        Raises:
            WrongAnswerError: there is none.
        """
        if said.isascii() and said.isdigit() and 1 <= int(said) <= len(pairs):
            chosen = pairs[int(said) - 1]
        else:
            found = [one for one in pairs if said in (one.left, one.right)]
            if not found:
                names = [name for one in pairs for name in (one.left, one.right)]
                raise WrongAnswerError(f"there is no pair {said!r}: {nearest(said, names)}")
            chosen = found[0]
        return tuple(one for one in pairs if one is not chosen)

    def refusal(self, pairs: Sequence[Pair]) -> str:
        """Why these pairs cannot be taken; empty where they can."""
        try:
            bind(pairs, self.at(End.LEFT), self.at(End.RIGHT), self.labels)
        except TaskDefinitionError as error:
            return str(error)
        titles = [
            next((name for name, one in self.at(end).items() if one.meaning == "title"), None) for end in End
        ]
        if None not in titles and tuple(titles) not in {(pair.left, pair.right) for pair in pairs}:
            return (
                f'the titles must be a pair, for objects that are the same thing are found by them: "{titles[0]} = '
                f'{titles[1]}"'
            )
        return ""

    def ask(self, asker: Asker, pairs: Sequence[Pair]) -> tuple[Pair, ...]:
        """The pairs as a person wants them."""
        pairs = tuple(pairs)
        self.show(asker, pairs)
        asker.tell(HOW)
        while True:
            said = asker.ask("Keep these in step?", "--map 'NAME = NAME'", str)
            refusal = "" if said else self.refusal(pairs)
            if not said and not refusal:
                return pairs
            try:
                changed = self._changed(pairs, said) if said else pairs
            except WrongAnswerError as error:
                refusal = str(error)
            if refusal:
                asker.tell(refusal, style="red")
                continue
            pairs = changed
            self.show(asker, pairs)

    def _changed(self, pairs: Sequence[Pair], said: str) -> tuple[Pair, ...]:
        """The pairs after a person's word: one less, or one more."""
        return self.without(pairs, said[1:].strip()) if said[0] == "-" else self.with_pair(pairs, said)

    def _left_out(self, pairs: Sequence[Pair]) -> str:
        parts = []
        for end in End:
            names = [name for name in self.at(end) if name not in {pair.at(end) for pair in pairs}]
            parts.append(f"{', '.join(names) or 'nothing'} of {self.words[end]}")
        return "; ".join(parts)

    def written(self, pairs: Sequence[Pair]) -> dict[str, Any]:
        """The pairs as a table says them."""
        return {
            pair.left: pair.right
            if pair.only_to is None
            else {"to": pair.right, "only_to": self.words[pair.only_to]}
            for pair in pairs
        }
