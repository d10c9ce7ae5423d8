"""Attributes in which the task itself tells people of the sync: where the counterpart is, when, and how it stands."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tasks.errors import TaskDefinitionError
from tasks.mapping import Mapping as Attributes
from tasks.mapping.case import quoted
from tasks.policies.words import Words, listed, shown, unknown
from tasks.sides import Attribute, End, Kind, Labels

#: What a column may tell, and the kinds of attribute that can hold it.
FITTING: Mapping[str, tuple[Kind, ...]] = {
    "address": (Kind.ADDRESS, Kind.TEXT),
    "synced": (Kind.MOMENT,),
    "state": (Kind.TEXT, Kind.CHOICE),
}
#: How an object stands.
STATES = ("synced", "conflict", "held")
#: Whether columns come along with writes only, or are also written where nothing else is but they say something else.
_WHEN = ("written", "changed")
_FORM = 'it is a table, such as { address = "Counterpart", synced = "Last synced", state = "Sync" }'

#: Longer texts tell no more.
LONGEST = 300


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of an end, as they were said."""

    #: By what they tell, the attribute.
    attributes: Mapping[str, str]
    #: Whether they are written also where nothing else is.
    eager: bool = False
    #: By state, the word for it.
    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StatusColumns:
    """The columns of an end, held against what its side has."""

    #: By what they tell, the attribute, and what the side says of it.
    attributes: Mapping[str, tuple[str, Attribute]]
    eager: bool = False
    words: Mapping[str, str] = field(default_factory=dict)
    #: Why some that were there in earlier runs are not written any more, in a sentence each.
    lost: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The attributes, by the side's own names."""
        return tuple(name for name, _ in self.attributes.values())

    def values(
        self, *, address: str, title: str, now: datetime | None, state: str, reason: str = ""
    ) -> dict[str, Any]:
        """What an object gets in them, as its side takes it.

        Args:
            address: where its counterpart is; empty where nobody knows, and then nothing is said of it.
            title: what people call the counterpart, for a text.
            now: the time; `None` where it was not synced just now.
            state: one of `STATES`.
            reason: why it is not synced.
        """
        return dict(self._said(address, title, now, state, reason))

    def _said(
        self, address: str, title: str, now: datetime | None, state: str, reason: str
    ) -> Iterator[tuple[str, Any]]:
        for told, (name, attribute) in self.attributes.items():
            match told:
                case "address":
                    text = address or (title if attribute.kind is Kind.TEXT else "")
                    if text:
                        yield name, text
                case "synced":
                    if now is not None:
                        second = 0 if attribute.whole_minutes else now.second
                        yield name, now.replace(second=second, microsecond=0)
                case _:
                    word = self.words.get(state, state)
                    with_reason = reason and attribute.kind is Kind.TEXT
                    yield name, _line(f"{word}: {reason}") if with_reason else word


def read_columns(said: Any, ends: Words, only_to: End | None, wrong: list[str]) -> dict[End, Columns]:
    """What `columns` says, by end; what is wrong is added to the list."""
    words = shown(ends)
    if not isinstance(said, Mapping) or not all(isinstance(one, Mapping) for one in said.values()):
        wrong.append(f'columns: it is a table for an end, such as {{ {words[0]} = {{ state = "Sync" }} }}')
        return {}
    found: dict[End, Columns] = {}
    for word, table in said.items():
        end = ends.get(word)
        if end is None:
            wrong.append(unknown("columns", str(word), words))
        elif end in found:
            wrong.append(f"columns says twice what stands at one end: leave {word!r} out")
        elif only_to is end.opposite:
            wrong.append(f"columns.{word}: nothing is written in the source of a mirror")
        else:
            found[end] = _read(f"columns.{word}", table, wrong)
    return found


def _read(place: str, said: Mapping[str, Any], wrong: list[str]) -> Columns:
    wrong += [unknown(place, str(key), (*FITTING, "when", "words")) for key in said if key not in _KEYS]
    attributes = {key: said[key] for key in FITTING if key in said}
    for key, name in attributes.items():
        if not isinstance(name, str) or not name:
            wrong.append(f"{place}.{key}: it is the name of an attribute")
    if not attributes:
        wrong.append(f"{place}: {_FORM}")
    names = [name for name in attributes.values() if isinstance(name, str)]
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        wrong.append(f"{place}: {name!r} stands there twice: each needs an attribute of its own")
    when = said.get("when", _WHEN[0])
    if when not in _WHEN:
        wrong.append(f"{place}.when: it is one of {listed(_WHEN)}")
    return Columns(attributes, when == "changed", _read_words(f"{place}.words", said, wrong))


_KEYS = frozenset({*FITTING, "when", "words"})


def _read_words(place: str, said: Mapping[str, Any], wrong: list[str]) -> dict[str, str]:
    given = said.get("words", {})
    if not isinstance(given, Mapping) or not all(isinstance(one, str) and one for one in given.values()):
        wrong.append(f'{place}: it is a table, such as {{ held = "waiting" }}')
        return {}
    wrong += [unknown(place, str(key), STATES) for key in given if key not in STATES]
    if given and "state" not in said:
        wrong.append(f"{place} are those of state, which is not there: add it, or leave them out")
    return dict(given)


def bind_columns(
    columns: Mapping[End, Columns],
    described: Mapping[End, Mapping[str, Attribute]],
    mapping: Attributes,
    used: Mapping[End, Collection[str]],
    known: Mapping[End, Collection[str]],
    labels: Labels,
) -> dict[End, StatusColumns]:
    """The columns with what their sides say of them.

    Args:
        columns: as they were said.
        described: the attributes of both sides.
        mapping: which of them are synced.
        used: which of them the task's other rules name.
        known: those that fitted in earlier runs; one that does not any more is left out, and the sync goes on.
        labels: what people call the sides.

    Raises:
        TaskDefinitionError: a side has no such attribute, it cannot hold what it is to tell, or it is used already.
    """
    bound = {}
    for end, one in columns.items():
        attributes: dict[str, tuple[str, Attribute]] = {}
        lost = []
        words = dict(one.words)
        for told, name in one.attributes.items():
            _check_free(end, told, name, mapping, used, labels)
            try:
                attribute = _fitting(told, name, described[end], labels[end])
                if told == "state" and attribute.kind is Kind.CHOICE:
                    words = _options(name, attribute, one.words, labels[end])
            except TaskDefinitionError as error:
                if name not in known.get(end, ()):
                    raise
                lost.append(f"{error}; until then nothing is written there, and the sync goes on")
            else:
                attributes[told] = (name, attribute)
        bound[end] = StatusColumns(attributes, one.eager, words, tuple(lost))
    return bound


def _check_free(
    end: End,
    told: str,
    name: str,
    mapping: Attributes,
    used: Mapping[End, Collection[str]],
    labels: Labels,
) -> None:
    where = f"columns: {name!r} of {labels[end]} is to show {_TELLS[told]}"
    if name in mapping.at(end):
        raise TaskDefinitionError(f"{where}, but it is mapped: choose an attribute that nobody syncs")
    if name in used.get(end, ()) or name in mapping.constants[end]:
        raise TaskDefinitionError(f"{where}, but another rule of the sync names it: choose another attribute")


_TELLS = {"address": "where the counterpart is", "synced": "when it was synced", "state": "how it stands"}


def _fitting(told: str, name: str, there: Mapping[str, Attribute], label: str) -> Attribute:
    kinds = FITTING[told]
    if not there:
        return Attribute(kinds[-1])
    if name not in there:
        raise TaskDefinitionError(
            f"columns: {label} has no attribute {name!r} to show {_TELLS[told]}: add it there, or choose another of "
            f"{quoted(there)}"
        )
    attribute = there[name]
    if not attribute.writable or attribute.kind not in kinds or attribute.meaning == "title":
        what = (
            "cannot be written"
            if not attribute.writable
            else "is the title"
            if attribute.meaning == "title"
            else f"is of the kind {attribute.kind}"
        )
        raise TaskDefinitionError(
            f"columns: {name!r} of {label} {what}, and cannot show {_TELLS[told]}: choose an attribute of the kind "
            f"{' or '.join(kinds)}"
        )
    return attribute


def _options(name: str, attribute: Attribute, words: Mapping[str, str], label: str) -> dict[str, str]:
    """By state, the option that stands for it, whatever its case."""
    wanted = {state: words.get(state, state) for state in STATES}
    there = {option.name.strip().casefold(): option.name for option in attribute.options}
    missing = [word for word in wanted.values() if word.strip().casefold() not in there]
    if missing and not attribute.new_options:
        raise TaskDefinitionError(
            f"columns: {name!r} of {label} has no option {quoted(missing)}: add it there, or say with words which of "
            f'{quoted(there.values())} it is: words = {{ synced = "…", conflict = "…", held = "…" }}'
        )
    return {state: there.get(word.strip().casefold(), word) for state, word in wanted.items()}


def tell_columns(columns: Mapping[End, StatusColumns], labels: Labels) -> list[str]:
    """What is written beside what is synced, in a sentence for each end."""
    told: list[str] = []
    for end, one in columns.items():
        told += one.lost
        shown_there = [f"{name} shows {_TELLS[what]}" for what, (name, _) in one.attributes.items()]
        if not shown_there:
            continue
        when = (
            "written with what is written anyway, and where what they say changes"
            if one.eager
            else "written with what is written anyway"
        )
        told.append(f"in {labels[end]}, {_listed(shown_there)}: {when}, and never an edit")
    return told


def _listed(parts: Iterable[str]) -> str:
    *most, last = parts
    return f"{', '.join(most)} and {last}" if most else last


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1].rstrip()}…"
