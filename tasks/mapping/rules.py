"""Which kinds of values go together, and how: one rule for two kinds, whichever end has which."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from tasks.mapping import numbers
from tasks.mapping.case import Case, Found
from tasks.mapping.choices import (
    ANSWERS,
    PRIORITIES,
    STATES,
    Scale,
    option_for_value,
    state_for_state,
    text_for_value,
)
from tasks.mapping.converter import AS_IT_IS, Way
from tasks.mapping.markdown import marked, plain
from tasks.mapping.names import name_for_name, name_for_names, names_for_names, names_for_text
from tasks.mapping.people import STRANGERS, has_mails, people_for_address, people_for_people, people_for_text
from tasks.mapping.references import references_for_references
from tasks.mapping.spelled import only_shown, several_lines, spelled
from tasks.mapping.texts import LINE, TEXT, line
from tasks.mapping.times import date_of_moment, date_of_span, moment_of_span, same_times
from tasks.sides import Kind
from tasks.values.lossy import Lossy

Builder = Callable[[Case], Found]


@dataclass(frozen=True, slots=True)
class Rule:
    """How attributes of two kinds meet."""

    first: Kind
    second: Kind
    build: Builder
    #: What does not get across, in a sentence; empty where all does.
    loses: str = ""
    #: Whether values go from the first kind to the second only.
    one_way: bool = False
    #: Whether they go both ways in this case all the same.
    returns: Callable[[Case], bool] = lambda case: False
    #: Whether `values` may say what stands for what.
    takes_values: bool = False

    @property
    def converts(self) -> bool:
        """Whether the kinds differ."""
        return self.first is not self.second


def _as_it_is(case: Case) -> Found:
    return Found(AS_IT_IS)


def _option(scale: Scale) -> Builder:
    return lambda case: option_for_value(case, scale)


def _text(scale: Scale) -> Builder:
    return lambda case: text_for_value(case, scale)


def _plain_text(case: Case) -> Found:
    """Formatted text at the first end, plain text at the second."""
    lossy = Lossy(
        case.second,
        lambda value: plain(value) if isinstance(value, str) else value,
        lambda shown, full: marked(shown) if isinstance(shown, str) else shown,
    )
    return Found(case.ways(TEXT, TEXT), lossy)


_NEAREST = "where no option stands for a value, the nearest one does; an option that stands for nothing is not synced"
_WORDS = "a text that is no usual word is not synced"
_NEXT_STATE = "a state that an end does not know is the nearest one there, and stays at the other"
_UNREADABLE = "a text that says no {} is not synced"
_ONLY_NAMES = "a name that the other side does not take is not synced"
_UNLINKED = (
    "what is not linked stays where it is; where one side refers to one object only, the first of several"
)
_COMMAS = "a comma in a name shows as a semicolon at the other side"

RULES: tuple[Rule, ...] = (
    # -- the same kind
    Rule(Kind.TEXT, Kind.TEXT, numbers.both(TEXT, TEXT)),
    Rule(Kind.FORMATTED, Kind.FORMATTED, numbers.both(TEXT, TEXT)),
    Rule(Kind.NUMBER, Kind.NUMBER, numbers.both(numbers.NUMBER, numbers.NUMBER)),
    Rule(Kind.WHOLE, Kind.WHOLE, numbers.both(numbers.WHOLE, numbers.WHOLE)),
    Rule(Kind.YES_NO, Kind.YES_NO, numbers.both(numbers.ANSWER, numbers.ANSWER)),
    Rule(Kind.DATE, Kind.DATE, _as_it_is),
    Rule(Kind.MOMENT, Kind.MOMENT, same_times),
    Rule(Kind.SPAN, Kind.SPAN, same_times),
    Rule(Kind.CHOICE, Kind.CHOICE, name_for_name, _ONLY_NAMES, takes_values=True),
    Rule(Kind.CHOICES, Kind.CHOICES, names_for_names, f"{_ONLY_NAMES}; {_COMMAS}", takes_values=True),
    Rule(Kind.STATE, Kind.STATE, state_for_state, _NEXT_STATE),
    Rule(Kind.PRIORITY, Kind.PRIORITY, numbers.both(numbers.PRIORITY, numbers.PRIORITY)),
    Rule(Kind.ADDRESS, Kind.ADDRESS, numbers.both(LINE, LINE)),
    Rule(Kind.PERSON, Kind.PERSON, people_for_people, STRANGERS, takes_values=True),
    Rule(Kind.FILE, Kind.FILE, _as_it_is),
    Rule(Kind.REFERENCE, Kind.REFERENCE, references_for_references, _UNLINKED, takes_values=True),
    # -- texts
    Rule(
        Kind.FORMATTED,
        Kind.TEXT,
        _plain_text,
        "the text has no formatting: it stays until somebody edits the text",
    ),
    Rule(
        Kind.TEXT,
        Kind.ADDRESS,
        numbers.both(Way(line, lambda common, current: common or "", coarse=True), LINE),
        "line breaks",
    ),
    # -- numbers
    Rule(
        Kind.NUMBER,
        Kind.WHOLE,
        numbers.both(Way(numbers.whole, coarse=True), numbers.WHOLE),
        "a number that is not whole is not synced",
    ),
    Rule(
        Kind.PRIORITY,
        Kind.NUMBER,
        numbers.both(numbers.PRIORITY, numbers.RANK),
        "a number that is not from 1 to 9, or 0 for none, is not synced",
    ),
    Rule(
        Kind.PRIORITY,
        Kind.WHOLE,
        numbers.both(numbers.PRIORITY, numbers.RANK),
        "a number that is not from 1 to 9, or 0 for none, is not synced",
    ),
    Rule(
        Kind.YES_NO,
        Kind.NUMBER,
        numbers.both(numbers.ANSWER, numbers.DIGIT),
        "any number but 0 is a yes, and stays until that changes",
    ),
    Rule(
        Kind.YES_NO,
        Kind.WHOLE,
        numbers.both(numbers.ANSWER, numbers.DIGIT),
        "any number but 0 is a yes, and stays until that changes",
    ),
    Rule(
        Kind.STATE,
        Kind.YES_NO,
        numbers.both(numbers.TICKED, numbers.ANSWER),
        "only done or not: what is cancelled counts as done, and a state stays while it fits",
    ),
    # -- options
    Rule(Kind.CHOICE, Kind.STATE, _option(STATES), _NEAREST, takes_values=True),
    Rule(Kind.CHOICE, Kind.PRIORITY, _option(PRIORITIES), _NEAREST, takes_values=True),
    Rule(Kind.CHOICE, Kind.YES_NO, _option(ANSWERS), _NEAREST, takes_values=True),
    Rule(Kind.CHOICE, Kind.TEXT, name_for_name, _ONLY_NAMES, takes_values=True),
    Rule(
        Kind.CHOICE,
        Kind.CHOICES,
        name_for_names,
        f"several options at once are not synced; {_ONLY_NAMES}",
        takes_values=True,
    ),
    Rule(Kind.CHOICES, Kind.TEXT, names_for_text, f"{_ONLY_NAMES}; {_COMMAS}", takes_values=True),
    Rule(Kind.TEXT, Kind.STATE, _text(STATES), _WORDS, takes_values=True),
    Rule(Kind.TEXT, Kind.PRIORITY, _text(PRIORITIES), _WORDS, takes_values=True),
    Rule(Kind.TEXT, Kind.YES_NO, _text(ANSWERS), _WORDS, takes_values=True),
    # -- times
    Rule(
        Kind.DATE,
        Kind.MOMENT,
        date_of_moment,
        "the date has no time of day: a new date keeps the time that was there",
    ),
    Rule(
        Kind.DATE,
        Kind.SPAN,
        date_of_span,
        "the date is where the span starts, without the time of day: a new date moves the span",
    ),
    Rule(
        Kind.MOMENT,
        Kind.SPAN,
        moment_of_span,
        "the moment is where the span starts: a new one moves the span",
    ),
    # -- other kinds as texts
    Rule(Kind.NUMBER, Kind.TEXT, spelled, _UNREADABLE.format("number")),
    Rule(Kind.WHOLE, Kind.TEXT, spelled, _UNREADABLE.format("whole number")),
    Rule(Kind.DATE, Kind.TEXT, spelled, _UNREADABLE.format("date (2026-07-04)")),
    Rule(Kind.MOMENT, Kind.TEXT, spelled, _UNREADABLE.format("moment (2026-07-04T09:30+02:00)")),
    Rule(Kind.SPAN, Kind.TEXT, spelled, _UNREADABLE.format("span (2026-07-04/2026-07-06)")),
    Rule(
        Kind.PERSON,
        Kind.TEXT,
        people_for_text,
        f"{STRANGERS}; without mail addresses, ids are shown, to the text only",
        one_way=True,
        returns=has_mails,
    ),
    Rule(
        Kind.PERSON,
        Kind.ADDRESS,
        people_for_address,
        f"{STRANGERS}; several people and an address of nobody who is known are not synced",
    ),
    Rule(Kind.FILE, Kind.TEXT, several_lines, "shown as names, one in each line", one_way=True),
    Rule(Kind.REFERENCE, Kind.TEXT, only_shown, "shown as ids", one_way=True),
    Rule(Kind.OPAQUE, Kind.TEXT, only_shown, "what cannot be read is left out", one_way=True),
)

_BY_KINDS: Mapping[tuple[Kind, Kind], Rule] = {(rule.first, rule.second): rule for rule in RULES}


def rule_for(one: Kind, two: Kind) -> Rule | None:
    """The rule for two kinds, in either order; none where they do not go together."""
    return _BY_KINDS.get((one, two)) or _BY_KINDS.get((two, one))


def partners(kind: Kind) -> Iterator[Kind]:
    """The kinds that go together with one."""
    return (other for other in Kind if rule_for(kind, other) is not None)
