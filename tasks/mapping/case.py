"""Two attributes that are to meet, as a rule for their kinds sees them, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tasks.errors import TaskDefinitionError
from tasks.mapping.converter import AsItIs, Way, Ways
from tasks.mapping.counterparts import ByLinks
from tasks.mapping.mapping import Pair
from tasks.mapping.words import read_name
from tasks.sides import Attribute, End, Kind, Labels
from tasks.values.lossy import Lossy

#: The kinds whose values are names of options.
CHOSEN = (Kind.CHOICE, Kind.CHOICES)


@dataclass(frozen=True, slots=True)
class Found:
    """How two attributes meet."""

    converter: AsItIs | Ways | ByLinks
    lossy: Lossy | None = None
    #: What stands for what, for people.
    told: str = ""
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """Two attributes that are to meet."""

    pair: Pair
    left: Attribute
    right: Attribute
    labels: Labels
    #: The end that has the first kind of the rule.
    first: End

    @property
    def second(self) -> End:
        """The end that has the rule's second kind."""
        return self.first.opposite

    def at(self, end: End) -> Attribute:
        """What an end has."""
        return self.left if end is End.LEFT else self.right

    def called(self, end: End) -> str:
        """What an end has, in words for a message."""
        return f"{self.pair.at(end)!r} of {self.labels[end]}"

    def ways(self, first: Way, second: Way) -> Ways:
        """A converter of two ways."""
        left, right = (first, second) if self.first is End.LEFT else (second, first)
        return Ways(left, right, self.pair.only_to)

    def given(self, named: End, read: Callable[[Any], Any]) -> dict[str, Any]:
        """What the user says that options stand for.

        Args:
            named: the end that has the options.
            read: reads the word for what one stands for, with `ValueError` where it is none.

        Raises:
            TaskDefinitionError: a word cannot be read, or there is no such option.
        """
        found: dict[str, Any] = {}
        for left, right in self.pair.values.items():
            options, word = (left, right) if named is End.LEFT else (right, left)
            try:
                for option in options if isinstance(options, list | tuple) else [options]:
                    found[read_name(option)] = read(word)
            except ValueError as error:
                raise self.wrong_values(str(error)) from None
        self.check_options(named, found)
        return found

    def check_options(self, end: End, names: Iterable[str]) -> None:
        """Make sure that options are there, or may come to be.

        Raises:
            TaskDefinitionError: one is not, and the service makes none.
        """
        attribute = self.at(end)
        there = {option.name for option in attribute.options}
        missing = [name for name in names if name not in there]
        if missing and attribute.kind in CHOSEN and not attribute.new_options:
            raise TaskDefinitionError(
                f"{self.called(end)} has no option {quoted(missing)}, which values names; "
                f"it has {quoted(option.name for option in attribute.options) or 'none'}"
            )

    def wrong_values(self, why: str) -> TaskDefinitionError:
        """The error of `values` that do not fit."""
        return TaskDefinitionError(f"values of {self.pair.left!r}: {why}")


def quoted(names: Iterable[Any]) -> str:
    """Names in a sentence."""
    return ", ".join(repr(str(name)) for name in names)


def told(meanings: Mapping[str, Any], spelled: Callable[[Any], str] = str) -> str:
    """What stands for what, in a sentence."""
    return ", ".join(f"{name} = {spelled(value)}" for name, value in meanings.items())
