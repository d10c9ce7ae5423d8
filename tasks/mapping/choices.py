"""Options, each of which stands for a state, a priority, or yes or no.

The common form is the name of the first option that stands for a value. Where several values of one end stand for a
single one of the other (four priorities for `High`), that is the coarser one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tasks.errors import ItemError, TaskDefinitionError
from tasks.mapping import words
from tasks.mapping.case import Case, Found, quoted, told
from tasks.mapping.converter import Way
from tasks.mapping.numbers import answer
from tasks.mapping.texts import line
from tasks.sides import Attribute, End, Kind, Option, State
from tasks.values.opaque import Opaque

#: Where no option stands for a state, that of the next nearest does.
_NEXT = {
    State.OPEN: State.ACTIVE,
    State.ACTIVE: State.OPEN,
    State.DONE: State.CANCELLED,
    State.CANCELLED: State.DONE,
}
#: What RFC 5545 calls high, medium and low.
_BANDS = (range(1, 5), range(5, 6), range(6, 10))


@dataclass(frozen=True, slots=True)
class Scale:
    """What options may stand for."""

    #: What it is called: "no option stands for a …".
    noun: str
    #: Reads what a person writes in `values`.
    read: words.Reader
    #: What an option means by its name, and what a text does.
    by_name: Callable[[str], Any]
    by_text: Callable[[str], Any]
    #: What an option means by its own state.
    by_state: Callable[[State], Any]
    #: A value and those that are nearest to it, the nearest first.
    near: Callable[[Any], Sequence[Any]]
    #: Options that are made where one is missing and may be made.
    usual: Mapping[str, Any]
    #: What there is where nothing is chosen.
    empty: Any = None
    #: The values for which there must be an option.
    needed: tuple[Any, ...] = ()
    #: For the example of a mend.
    example: str = ""
    #: A value in words.
    spelled: Callable[[Any], str] = str


def _near_priority(priority: int | None) -> list[int | None]:
    if priority is None:
        return [None]
    band = next((numbers for numbers in _BANDS if priority in numbers), range(0))
    others = [number for number in range(1, 10) if number not in band]
    nearest = sorted(band, key=lambda number: abs(number - priority))
    return [*nearest, *sorted(others, key=lambda number: abs(number - priority))]


def _near_state(state: State) -> list[State]:
    return [State(state), _NEXT[State(state)]]


STATES = Scale(
    "state",
    words.read_state,
    words.state_of,
    words.state_of,
    State,
    _near_state,
    {"Not started": State.OPEN, "In progress": State.ACTIVE, "Done": State.DONE},
    empty=State.OPEN,
    needed=(State.OPEN, State.DONE),
    example='"not started"',
)
PRIORITIES = Scale(
    "priority",
    words.read_priority,
    lambda name: words.by_words(name, words.PRIORITY_WORDS),
    words.priority_of,
    lambda state: None,
    _near_priority,
    {"High": 1, "Medium": 5, "Low": 9},
    example="5",
    spelled=lambda value: "none" if value is None else str(value),
)
ANSWERS = Scale(
    "yes or no",
    words.read_answer,
    words.answer_of,
    words.answer_of,
    lambda state: state in words.ENDED,
    lambda value: [answer(value)],
    {"No": False, "Yes": True},
    empty=False,
    needed=(False, True),
    example='"no"',
    spelled=lambda value: "yes" if value else "no",
)


def held(attribute: Attribute) -> Callable[[Any], Any]:
    """What becomes of a state at an attribute that may not know all of them: the nearest one that it knows."""
    states = {option.state for option in attribute.options if attribute.kind is Kind.STATE}

    def nearest(value: Any) -> Any:
        if value is None or not states or value in states:
            return value
        return next((near for near in _near_state(value) if near in states), value)

    return nearest


def meanings(
    scale: Scale, options: Iterable[Option], given: Mapping[str, Any], *, may_add: bool
) -> dict[str, Any]:
    """What options stand for, in order of preference.

    Args:
        scale: what they may stand for.
        options: in the service's order.
        given: what the user says; it comes first.
        may_add: whether the service makes an option that is written and does not exist.
    """
    usual: dict[str, Any] = {}
    found: dict[str, Any] = {}
    for option in options:
        meant = scale.by_name(option.name)
        if meant is not None:
            usual[option.name] = meant
        elif option.state is not None:
            meant = scale.by_state(option.state)
        if meant is not None:
            found[option.name] = meant
    # Of options with one meaning, the one with the usual name comes first.
    meaning = {**given, **{**usual, **found, **given}}
    if may_add and not given:
        meaning |= {name: value for name, value in scale.usual.items() if value not in meaning.values()}
    return meaning


@dataclass(frozen=True, slots=True)
class Meaning:
    """What the options of an attribute stand for."""

    scale: Scale
    #: Values by option, in order of preference.
    options: Mapping[str, Any]
    #: The value that is kept in the place of one.
    fold: Callable[[Any], Any] = lambda value: value

    def option_for(self, value: Any) -> str | None:
        """The option for a value, or for the nearest one; none where nothing is chosen for it."""
        for candidate in self.scale.near(self.fold(self.scale.empty if value is None else value)):
            for option, meant in self.options.items():
                if meant == candidate:
                    return option
        return None

    def of_option(self, option: str | None) -> Any:
        """The option that stands for the same and comes first, `Opaque` for one that stands for nothing."""
        if not option:
            return self.option_for(self.scale.empty)
        if option not in self.options:
            return Opaque(f"option {option!r}, which stands for no {self.scale.noun}", odd=True)
        return self.option_for(self.options[option])

    def of_text(self, text: Any) -> Any:
        """The option for what a text says in usual words, `Opaque` for one that says nothing of the kind."""
        name = line(text)
        if name is None or name in self.options:
            return self.of_option(name)
        meant = self.scale.by_text(name)
        if meant is None:
            return Opaque(f"a text which stands for no {self.scale.noun}", odd=True)
        return self.option_for(meant)

    def value_of(self, option: Any, current: Any) -> Any:
        """The value that an option stands for.

        Raises:
            ItemError: it stands for nothing.
        """
        if option is None:
            return self.scale.empty
        if option not in self.options:
            raise ItemError(f"option {option!r} stands for no {self.scale.noun}: name it in values")
        return self.fold(self.options[option])


def option_for_value(case: Case, scale: Scale) -> Found:
    """Options at the first end for values at the second.

    Raises:
        TaskDefinitionError: `values` do not fit, or no option stands for a value that needs one.
    """
    attribute = case.at(case.first)
    given = case.given(case.first, scale.read)
    options = meanings(scale, attribute.options, given, may_add=attribute.new_options)
    meaning = Meaning(scale, options, held(case.at(case.second)))
    if case.pair.only_to is not case.second:
        _check_needed(case, meaning)
    seen = [meaning.of_option(option) for option in [None, *options]]
    first = Way(meaning.of_option, coarse=len(set(seen)) < len(seen))
    unknown = [option.name for option in attribute.options if option.name not in options]
    return Found(
        case.ways(first, Way(meaning.option_for, meaning.value_of, coarse=True)),
        told=told({name: meaning.fold(value) for name, value in options.items()}, scale.spelled),
        warning=_untold(case, scale, unknown) if case.pair.only_to is not case.first else "",
    )


def text_for_value(case: Case, scale: Scale) -> Found:
    """Usual words at the first end for values at the second."""
    given = case.given(case.first, scale.read)
    usual = scale.usual if scale is not STATES else {**scale.usual, "Cancelled": State.CANCELLED}
    meanings = {**given, **{name: value for name, value in usual.items() if name not in given}}
    meaning = Meaning(scale, meanings, held(case.at(case.second)))
    return Found(
        case.ways(Way(meaning.of_text, coarse=True), Way(meaning.option_for, meaning.value_of, coarse=True)),
        told=told({name: meaning.fold(value) for name, value in meanings.items()}, scale.spelled),
    )


def _check_needed(case: Case, meaning: Meaning) -> None:
    absent = [value for value in meaning.scale.needed if meaning.option_for(value) is None]
    if absent:
        spelled = meaning.scale.spelled(absent[0])
        there = quoted(option.name for option in case.at(case.first).options) or "none"
        raise TaskDefinitionError(
            f"no option of {case.called(case.first)} stands for {spelled}: say which one does, "
            f"for instance {example(case, case.first, 'the option', chr(34) + spelled + chr(34))}; it has {there}"
        )


def _untold(case: Case, scale: Scale, unknown: list[str]) -> str:
    if not unknown:
        return ""
    return (
        f"options of {case.called(case.first)} stand for no {scale.noun}, so that it is not synced of objects that "
        f"have them: {quoted(unknown)}; say what they mean, for instance "
        f"{example(case, case.first, unknown[0], scale.example)}"
    )


def example(case: Case, named: End, option: str, word: str) -> str:
    """What `values` may say of an option, as it stands in `lockstep.toml`."""
    left, right = (option, word) if named is End.LEFT else (word.strip('"'), f'"{option}"')
    bare = left.isascii() and left.replace("_", "").replace("-", "").isalnum()
    return f"values = {{ {left if bare else chr(34) + left + chr(34)} = {right} }}"


def state_for_state(case: Case) -> Found:
    """States at each end, of which one may not know all: those that are one to either are one."""
    folds = [held(case.left), held(case.right)]

    def common(value: Any) -> State:
        state = State.OPEN if value is None else State(value)
        for fold in folds:
            state = fold(state)
        return State(state)

    def way(end: End) -> Way:
        here = held(case.at(end))
        return Way(
            common, lambda state, current: here(State.OPEN if state is None else State(state)), coarse=coarse
        )

    coarse = any(common(state) is not state for state in State)
    lost = [state for state in State if common(state) is not state]
    words = [f"{state} = {common(state)}" for state in lost]
    return Found(
        case.ways(way(case.first), way(case.second)),
        told=f"{', '.join(words)} to the end that does not know it" if lost else "",
    )
