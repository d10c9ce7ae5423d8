"""What new objects of a side get besides, in a person's words."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from tasks.errors import TaskDefinitionError
from tasks.mapping import times, words
from tasks.mapping.case import CHOSEN, quoted
from tasks.mapping.names import tag
from tasks.sides import Attribute, Kind
from tasks.values.date_range import DateRange


def read_constants(
    there: Mapping[str, Attribute], given: Mapping[str, Any], synced: Collection[str], label: str
) -> dict[str, Any]:
    """What new objects of a side get besides, as the side takes it.

    Args:
        there: what the side has; nothing where it does not say, and then values are taken as they are.
        given: values by the side's own names.
        synced: the names of what the sync writes there.
        label: what people call the side.

    Raises:
        TaskDefinitionError: the side has no such attribute, does not take the value, or the attribute is synced.
    """
    return {name: _constant(there, name, value, synced, label) for name, value in given.items()}


def _constant(
    there: Mapping[str, Attribute], name: str, value: Any, synced: Collection[str], label: str
) -> Any:
    where = f"what new objects of {label} get: {name!r}"
    if name in synced:
        raise TaskDefinitionError(f"{where} is synced: leave it out")
    if not there:
        return value
    if name not in there:
        raise TaskDefinitionError(f"{where} is no attribute; there are {quoted(there)}")
    if not there[name].writable:
        raise TaskDefinitionError(f"{where} cannot be written: leave it out")
    try:
        return read_value(there[name], value)
    except ValueError as error:
        raise TaskDefinitionError(f"{where}: {error}") from None


def read_value(attribute: Attribute, value: Any) -> Any:
    """A person's word as a value of an attribute.

    Raises:
        ValueError: it is none.
    """
    if attribute.kind not in _READERS:
        return value
    read = _READERS[attribute.kind](value)
    names = (read,) if attribute.kind is Kind.CHOICE else read
    options = {option.name for option in attribute.options}
    if attribute.kind in CHOSEN and not attribute.new_options and not options.issuperset(names):
        raise ValueError(f"there is no such option; there are {quoted(sorted(options)) or 'none'}")
    return read


def _read_names(value: Any) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list | tuple | set | frozenset):
        raise ValueError(f"{value!r} is no list of options")  # noqa: TRY004
    return tuple(sorted(tag(words.read_name(name)) for name in names))


def _read_text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")  # noqa: TRY004
    return value


def _read_number(value: Any) -> int | float | Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError(f"{value!r} is no number")  # noqa: TRY004
    return value


def _read_whole(value: Any) -> int:
    if _read_number(value) % 1:
        raise ValueError(f"{value!r} is no whole number")
    return int(value)


def _read_time(read: Callable[[str], Any], example: str) -> words.Reader:
    """A time as TOML and Python have it, or a text that says it."""

    def time(value: Any) -> Any:
        try:
            return read(value.isoformat() if isinstance(value, date) else value.strip())
        except (ValueError, AttributeError):
            raise ValueError(f"{str(value)!r} is none such as {example}") from None

    return time


def _read_span(value: Any) -> DateRange:
    return value if isinstance(value, DateRange) else _SPAN(value)


_SPAN = _read_time(times.read_span, "2026-07-04/2026-07-06")
_READERS: Mapping[Kind, words.Reader] = {
    Kind.TEXT: _read_text,
    Kind.FORMATTED: _read_text,
    Kind.ADDRESS: _read_text,
    Kind.NUMBER: _read_number,
    Kind.WHOLE: _read_whole,
    Kind.DATE: _read_time(times.read_date, "2026-07-04"),
    Kind.MOMENT: _read_time(times.read_moment, "2026-07-04 or 2026-07-04T09:30+02:00"),
    Kind.SPAN: _read_span,
    Kind.STATE: words.read_state,
    Kind.PRIORITY: words.read_priority,
    Kind.YES_NO: words.read_answer,
    Kind.CHOICE: words.read_name,
    Kind.CHOICES: _read_names,
}
