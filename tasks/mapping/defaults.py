"""What new objects get for a mapped attribute whose value is empty at the other end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tasks.errors import TaskDefinitionError
from tasks.mapping.case import Case
from tasks.mapping.constants import read_value
from tasks.mapping.converter import Converter
from tasks.mapping.mapping import Pair
from tasks.sides import End, Kind
from tasks.values.canonical import is_empty, same
from tasks.values.opaque import Opaque

#: The kinds whose values a person cannot write down for all objects.
_NONE = (Kind.PERSON, Kind.FILE, Kind.REFERENCE, Kind.OPAQUE)


def default_end(pair: Pair, said: End | None) -> End:
    """The end of whose new objects a default speaks: the one that is said, or that to which the attribute goes."""
    return said if said is not None else pair.only_to or End.RIGHT


def read_defaults(case: Case, converter: Converter) -> dict[End, Any]:
    """What new objects of an end get where the value across is empty, as that end has it.

    Raises:
        TaskDefinitionError: the attribute is never written there, or takes no such value.
    """
    found: dict[End, Any] = {}
    for said, value in case.pair.defaults.items():
        end = default_end(case.pair, said)
        where = f"default of {case.pair.left!r} for new objects of {case.labels[end]}"
        if case.pair.only_to is end.opposite:
            raise TaskDefinitionError(
                f"{where}: it goes only to {case.labels[end.opposite]}: leave default out"
            )
        attribute = case.at(end)
        if Kind.REFERENCE in (case.left.kind, case.right.kind) or attribute.kind in _NONE:
            raise TaskDefinitionError(f"{where}: {attribute.kind} takes none: leave default out")
        if "title" in (case.left.meaning, case.right.meaning):
            raise TaskDefinitionError(
                f"{where}: objects that are the same thing are found by their title: leave default out"
            )
        try:
            native = read_value(attribute, value)
        except ValueError as error:
            raise TaskDefinitionError(f"{where}: {error}") from None
        common = converter.common(end, native)
        if isinstance(common, Opaque):
            raise TaskDefinitionError(f"{where}: {value!r} is {common.type}")
        if is_empty(native) or is_empty(common):
            raise TaskDefinitionError(f"{where}: {value!r} is as good as nothing: leave default out")
        blank = converter.common(end.opposite, None)
        if not (is_empty(blank) or isinstance(blank, Opaque) or same(blank, common)):
            # Else nobody could tell later whether somebody chose it.
            raise TaskDefinitionError(
                f"{where}: what is empty in {case.labels[end.opposite]} says {_word(blank)!r} already: leave default "
                "out, or say one that stands for the same"
            )
        found[end] = native
    return found


def _word(common: Any) -> str:
    return ("yes" if common else "no") if isinstance(common, bool) else str(common)


def tell_defaults(case: Case) -> Iterator[str]:
    """What new objects get, in a sentence for each end."""
    for said, value in case.pair.defaults.items():
        end = default_end(case.pair, said)
        here, across = case.labels[end], case.labels[end.opposite]
        yield f"a new object of {here} gets {value!r} where nothing is there in {across}"
