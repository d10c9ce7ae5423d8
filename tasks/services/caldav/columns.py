"""How a value of a Notion column and one of a to-do meet: a form that is the same for both.

Where several values of one side stand for a single one of the other (four priorities for `High`), the form is
the coarser one, and a write keeps the finer value that an object has as long as it still stands for the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tasks.errors import ItemError
from tasks.services.caldav.content_lines import clean
from tasks.services.caldav.todo import DONE
from tasks.values.opaque import Opaque

#: Types of Notion columns that fit, by attribute of a to-do.
FITTING: Mapping[str, tuple[str, ...]] = {
    "summary": ("title",),
    "description": ("rich_text",),
    "due": ("date",),
    "status": ("status", "select", "checkbox"),
    "completed": ("checkbox",),
    "priority": ("select", "number", "status"),
    "categories": ("multi_select",),
    "url": ("url", "rich_text"),
}

#: Words of options, without signs and case, by status.
_STATUS_WORDS = {
    "NEEDS-ACTION": (
        "not started",
        "to do",
        "todo",
        "open",
        "new",
        "backlog",
        "needs action",
        "planned",
        "next",
    ),
    "IN-PROCESS": ("in progress", "in process", "doing", "started", "ongoing", "active", "in review"),
    "COMPLETED": ("done", "complete", "completed", "finished", "closed"),
    "CANCELLED": ("cancelled", "canceled", "dropped", "wont do", "rejected"),
}
_PRIORITY_WORDS = {
    1: ("high", "urgent", "highest", "critical"),
    5: ("medium", "normal", "mid", "middle"),
    9: ("low", "lowest"),
}
#: What RFC 5545 calls high, medium and low.
_BANDS = (range(1, 5), range(5, 6), range(6, 10))
#: Where no option stands for a status, that of the next nearest does.
_NEXT = {
    "NEEDS-ACTION": ("IN-PROCESS",),
    "IN-PROCESS": ("NEEDS-ACTION",),
    "COMPLETED": ("CANCELLED",),
    "CANCELLED": ("COMPLETED",),
}
_NEW_STATUS_OPTIONS = {"Not started": "NEEDS-ACTION", "In progress": "IN-PROCESS", "Done": "COMPLETED"}
_NEW_PRIORITY_OPTIONS = {"High": 1, "Medium": 5, "Low": 9}
#: Notion's groups of status options.
_GROUPS = {"to-do": "NEEDS-ACTION", "in progress": "IN-PROCESS", "complete": "COMPLETED"}


class Form:
    """A value that is the same on both sides: dates, numbers and ticks."""

    def from_notion(self, value: Any) -> Any:
        """The common form of a Notion value."""
        return value

    def to_notion(self, common: Any) -> Any:
        """The Notion value for a common form."""
        return common

    def from_todo(self, value: Any) -> Any:
        """The common form of a to-do's value."""
        return value

    def to_todo(self, common: Any, current: Any = None) -> Any:
        """The to-do's value for a common form, `current` where it stands for the same already.

        Raises:
            ItemError: a to-do has no such value.
        """
        return current if current is not None and self.from_todo(current) == common else common


class TextForm(Form):
    """Text without what iCalendar cannot carry."""

    def from_notion(self, value: Any) -> Any:
        """The text, cleaned."""
        return clean(value or "")


class LineForm(Form):
    """A single line or nothing, such as a URL."""

    def from_notion(self, value: Any) -> Any:
        """The line, or `None` for an empty one."""
        return clean(value or "").replace("\n", "").strip() or None


class NumberForm(Form):
    """Priority as a number; 0 is none."""

    def from_notion(self, value: Any) -> Any:
        """The number, or `None` for zero; `Opaque` for one that is no priority."""
        if value and value not in range(1, 10):
            return Opaque("a number that is no priority from 1 to 9", odd=True)
        return value or None


class TagsForm(Form):
    """Names, of which Notion takes none with a comma."""

    def from_notion(self, value: Any) -> Any:
        """The names as Notion has them."""
        return tuple(sorted({clean(name).strip() for name in value or ()}))

    def from_todo(self, value: Any) -> Any:
        """The names as Notion would have them."""
        return tuple(sorted({_without_comma(name) for name in value or ()}))

    def to_todo(self, common: Any, current: Any = None) -> Any:
        """The names, those that the to-do has already spelt as it has them, be it in several ways."""
        spelt: dict[str, list[str]] = {}
        for name in current or ():
            spelt.setdefault(_without_comma(name), []).append(name)
        return tuple(own for name in common or () for own in spelt.get(name, [name]))


class TickForm(Form):
    """A checkbox for a status: done or not."""

    def from_todo(self, value: Any) -> Any:
        """Whether the status counts as done."""
        return value in DONE

    def to_todo(self, common: Any, current: Any = None) -> Any:
        """The status that the to-do has where it fits the tick, else completed or not started."""
        if current is not None and (current in DONE) == bool(common):
            return current
        return "COMPLETED" if common else "NEEDS-ACTION"


class OptionForm(Form):
    """Options of a Notion column, each of which stands for a value of a to-do.

    The common form is the first option that stands for a value.

    Arguments:
        column: The column's name, for messages.
        meaning: Values by option, in order of preference.
    """

    def __init__(self, column: str, meaning: Mapping[str, Any]) -> None:
        self.column = column
        self.meaning = meaning

    def from_notion(self, value: Any) -> Any:
        """The option that stands for the same and comes first, `Opaque` for one that stands for nothing."""
        if value is not None and value not in self.meaning:
            return Opaque(f"option {value!r}, which stands for no value of a to-do", odd=True)
        return self.from_todo(self.meaning[value] if value is not None else self.empty)

    def from_todo(self, value: Any) -> Any:
        """The option for a value, or the nearest one."""
        wanted = [value, *_NEXT.get(value, ())] if isinstance(value, str) else self._near(value)
        for candidate in wanted:
            for option, meant in self.meaning.items():
                if meant == candidate:
                    return option
        return None

    def to_todo(self, common: Any, current: Any = None) -> Any:
        """The value that an option stands for."""
        if current is not None and self.from_todo(current) == common:
            return current
        if common is None:
            return self.empty
        if common not in self.meaning:
            raise ItemError(
                f"option {common!r} of Notion property {self.column!r} stands for no value of a to-do: "
                "name it in `values`"
            )
        return self.meaning[common]

    @property
    def empty(self) -> Any:
        """What a to-do has where Notion has no option chosen."""
        return "NEEDS-ACTION" if any(isinstance(value, str) for value in self.meaning.values()) else None

    def _near(self, priority: int | None) -> list[int | None]:
        if priority is None:
            return [None]
        band = next((numbers for numbers in _BANDS if priority in numbers), range(0))
        others = [number for number in range(1, 10) if number not in band]
        nearest = sorted(band, key=lambda number: abs(number - priority))
        return [*nearest, *sorted(others, key=lambda number: abs(number - priority))]


def status_meanings(
    options: Iterable[str], groups: Mapping[str, str], given: Mapping[str, Any], *, may_add: bool
) -> dict[str, Any]:
    """What the options of a status or select column stand for.

    Arguments:
        options: The column's options in order.
        groups: Notion's group by option, for a status column.
        given: What the user says; it comes first.
        may_add: Whether Notion makes an option that is written and does not exist.
    """
    found = {}
    for option in options:
        meant = _by_words(option, _STATUS_WORDS) or _GROUPS.get(groups.get(option, "").casefold())
        if meant is not None:
            found[option] = meant
    # Of options with one meaning, the one with the usual name comes first.
    usual = {option: value for option, value in found.items() if _by_words(option, _STATUS_WORDS)}
    return _completed(
        {**given, **{**usual, **found, **given}}, _NEW_STATUS_OPTIONS, add=may_add and not given
    )


def priority_meanings(options: Iterable[str], given: Mapping[str, Any], *, may_add: bool) -> dict[str, Any]:
    """What the options of a select column stand for, as `status_meanings`."""
    found = {option: _by_words(option, _PRIORITY_WORDS) for option in options}
    known = {option: value for option, value in found.items() if value is not None}
    return _completed({**given, **{**known, **given}}, _NEW_PRIORITY_OPTIONS, add=may_add and not given)


def _completed(meaning: dict[str, Any], usual: Mapping[str, Any], *, add: bool) -> dict[str, Any]:
    missing = (
        {option: value for option, value in usual.items() if value not in meaning.values()} if add else {}
    )
    return {**meaning, **missing}


def _by_words(option: str, words: Mapping[Any, tuple[str, ...]]) -> Any:
    plain = " ".join(
        "".join(sign for sign in option if sign.isalpha() or sign in " -").replace("-", " ").split()
    )
    return next((value for value, known in words.items() if plain.casefold() in known), None)


def _without_comma(name: str) -> str:
    return " ".join(clean(name).replace(",", ";").split())
