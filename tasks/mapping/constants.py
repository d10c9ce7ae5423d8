"""What new objects of a side get besides, in a person's words."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from tasks.errors import TaskDefinitionError
from tasks.mapping import words
from tasks.mapping.case import CHOSEN, quoted
from tasks.mapping.names import tag
from tasks.sides import Attribute, Kind


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


_READERS: Mapping[Kind, words.Reader] = {
    Kind.STATE: words.read_state,
    Kind.PRIORITY: words.read_priority,
    Kind.YES_NO: words.read_answer,
    Kind.CHOICE: words.read_name,
    Kind.CHOICES: _read_names,
}
