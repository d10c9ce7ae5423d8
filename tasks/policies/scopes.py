"""Which objects a task takes, and what becomes of a pair of which one is not among them any more."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from tasks.errors import TaskDefinitionError
from tasks.mapping import Mapping as Attributes
from tasks.mapping.case import quoted
from tasks.mapping.constants import read_value
from tasks.merge import Filter, Window
from tasks.policies.words import Words, listed, shown, towards, unknown
from tasks.schedule import describe, read_period
from tasks.sides import Attribute, End, Kind, Labels

_LEAVE = ("unlink", "keep", "delete")
_UNDATED = {"keep": True, "leave out": False}
_TIMES = (Kind.DATE, Kind.MOMENT, Kind.SPAN)
#: Kinds of which no value can be written down, or none twice.
_NO_FILTER = (Kind.OPAQUE, Kind.FILE, Kind.FORMATTED, *_TIMES)


def read_leaves(said: Any, ends: Words, only_to: End | None, wrong: list[str]) -> dict[End, str]:
    """What `leave` says, by the end that is left; what is wrong is added to the list."""
    keys = [f"from_{word}" for word in shown(ends)]
    if said in _LEAVE:
        leaves = dict.fromkeys(End, str(said))
        if only_to is not None and said == "delete":  # nothing is deleted in the source
            leaves[only_to] = "unlink"
        return leaves
    if not isinstance(said, Mapping):
        wrong.append(f'leave: it is one of {listed(_LEAVE)}, or such as {{ {keys[0]} = "delete" }}')
        return {}
    leaves = dict.fromkeys(End, "unlink")
    for key, how in said.items():
        end = towards(str(key), "from_", ends)
        if end is None:
            wrong.append(unknown("leave", str(key), keys))
        elif how not in _LEAVE:
            wrong.append(f"leave.{key}: it is one of {listed(_LEAVE)}")
        elif how == "delete" and end is only_to:
            wrong.append(f"leave.{key}: nothing is deleted in the source of a mirror")
        else:
            leaves[end] = how
    return leaves


def read_window(said: Any, leaves: Mapping[End, str], only_to: End | None, wrong: list[str]) -> Window | None:
    """What `window` says; its attribute is not looked up yet."""
    if not isinstance(said, Mapping):
        wrong.append('window: it is a table, such as { attribute = "due", past = "30d", future = "180d" }')
        return None
    known = ("attribute", "past", "future", "undated")
    wrong += [unknown("window", str(key), known) for key in said if key not in known]
    attribute, undated = said.get("attribute"), said.get("undated", "keep")
    if not isinstance(attribute, str) or not attribute:
        wrong.append('window: it does not say of which attribute: add attribute = "…"')
    if undated not in _UNDATED:
        wrong.append(f"window.undated: it is one of {listed(_UNDATED)}")
    if "past" not in said and "future" not in said:
        wrong.append('window: it does not say how far: add past = "30d" or future = "180d", or both')
    past, future = (_period(key, said.get(key), wrong) for key in ("past", "future"))
    if "delete" in leaves.values() and only_to is None:
        wrong.append(
            'leave = "delete" does not go with a window, which both ends leave at once, unless the sync goes one way: '
            "add only_to, or say where"
        )
    return Window(str(attribute), past, future, bool(_UNDATED.get(str(undated))))


def _period(key: str, said: Any, wrong: list[str]) -> timedelta | None:
    try:
        return None if said is None else read_period(said)
    except ValueError as error:
        wrong.append(f"window.{key}: {error}")
        return None


def read_filters(said: Any, ends: Words, wrong: list[str]) -> dict[End, Mapping[str, Any]]:
    """What `only` says, by end and attribute; the values are not read yet."""
    words = shown(ends)
    if not isinstance(said, Mapping) or not all(isinstance(one, Mapping) for one in said.values()):
        wrong.append(f'only: it is a table for an end, such as {{ {words[0]} = {{ Status = ["Open"] }} }}')
        return {}
    wrong += [unknown("only", str(word), words) for word in said if word not in ends]
    for word, wanted in said.items():
        for name, values in wanted.items():
            if isinstance(values, Mapping) or values in ([], (), None):
                wrong.append(f"only.{word}.{name}: it is a value, or a list of values")
    return {ends[word]: wanted for word, wanted in said.items() if word in ends}


def bind_window(
    window: Window, described: Mapping[End, Mapping[str, Attribute]], mapping: Attributes
) -> Window:
    """The window with its attribute as the merge calls it.

    Raises:
        TaskDefinitionError: it is not mapped, or no time.
    """
    name = window.attribute
    if name not in mapping.names:
        name = next(iter(mapping.named(End.RIGHT, [name])), name)
    if name not in mapping.names:
        raise TaskDefinitionError(f"window: {name!r} is not mapped; there are {quoted(mapping.names)}")
    for end in End:
        known = described[end].get(mapping.name_at(end, name))
        if known is not None and known.kind not in _TIMES:
            raise TaskDefinitionError(
                f"window: {mapping.name_at(end, name)!r} is of the kind {known.kind}; it must be a "
                f"{', '.join(_TIMES[:-1])} or {_TIMES[-1]} at both ends"
            )
    return Window(name, window.past, window.future, window.undated)


def bind_filters(
    filters: Mapping[End, Mapping[str, Any]],
    described: Mapping[End, Mapping[str, Attribute]],
    labels: Labels,
) -> dict[End, tuple[Filter, ...]]:
    """The filters with their values as the sides have them.

    Raises:
        TaskDefinitionError: a side has no such attribute, or the attribute no such value.
    """
    return {
        end: tuple(_filter(name, values, described[end], labels[end]) for name, values in wanted.items())
        for end, wanted in filters.items()
    }


def _filter(name: str, said: Any, there: Mapping[str, Attribute], label: str) -> Filter:
    given = tuple(said) if isinstance(said, list | tuple | set | frozenset) else (said,)
    if not there:
        return Filter(name, given)
    if name not in there:
        raise TaskDefinitionError(f"only: {label} has no attribute {name!r}; there are {quoted(there)}")
    kind = there[name].kind
    if kind in _NO_FILTER:
        raise TaskDefinitionError(
            f"only: {name!r} of {label} is of the kind {kind}, which cannot be compared so"
        )
    values: list[Any] = []
    for one in given:
        try:
            value = read_value(there[name], one)
        except ValueError as error:
            raise TaskDefinitionError(f"only: {name!r} of {label}: {error}") from None
        values += value if kind is Kind.CHOICES else [value]
        if kind is Kind.YES_NO and not value:
            values.append(None)  # nothing chosen is a no
    return Filter(name, tuple(values))


def tell_scope(
    filters: Mapping[End, tuple[Filter, ...]],
    window: Window | None,
    leaves: Mapping[End, str],
    labels: Labels,
) -> list[str]:
    """What is taken, and what becomes of what leaves, in sentences."""
    told = []
    for end, wanted in filters.items():
        conditions = " and ".join(
            f"{one.attribute} is {' or '.join(repr(v) for v in one.values if v is not None)}"
            for one in wanted
        )
        told.append(f"of {labels[end]} only objects are taken whose {conditions}")
    if window is not None:
        parts = [
            f"the last {_span(window.past)}" if window.past is not None else "",
            f"the next {_span(window.future)}" if window.future is not None else "",
        ]
        undated = "those without are taken" if window.undated else "those without are left out"
        told.append(
            f"only objects are taken whose {window.attribute} is in {' or '.join(filter(None, parts))}; {undated}"
        )
    for end, how in leaves.items():
        if how == "delete":
            told.append(f"what leaves that in {labels[end]} is deleted in {labels[end.opposite]}")
    return told


def _span(period: timedelta) -> str:
    """A period as people say it of days."""
    return f"{period.days} days" if period == timedelta(days=period.days) else describe(period)
