"""Values of other kinds as texts."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from tasks.mapping import times
from tasks.mapping.case import Case, Found
from tasks.mapping.converter import Way
from tasks.mapping.numbers import NUMBER, WHOLE, number, whole
from tasks.mapping.texts import JOINED, TEXT, clean, line
from tasks.sides import Kind
from tasks.values.date_range import DateRange
from tasks.values.opaque import Opaque


def _read_number(text: str) -> Any:
    try:
        return number(Decimal(text))
    except InvalidOperation:
        raise ValueError("no number") from None


def _read_whole(text: str) -> Any:
    found = _read_number(text)
    return found if isinstance(found, Opaque) else whole(found)


def _span(value: Any, current: Any) -> Any:
    """A span that was read from a text, seen in the zone in which people saw it before."""
    if isinstance(value, DateRange) and value.has_time and isinstance(current, DateRange):
        return DateRange(value.start, value.end, current.zone)
    return value


#: By kind: its way, how a text is read and spelt.
_SPELLED: dict[Kind, tuple[Way, Callable[[str], Any], Callable[[Any], str]]] = {
    Kind.NUMBER: (NUMBER, _read_number, str),
    Kind.WHOLE: (WHOLE, _read_whole, str),
    Kind.DATE: (Way(), times.read_date, times.spell),
    Kind.MOMENT: (Way(), times.read_moment, times.spell),
    Kind.SPAN: (Way(native=_span), times.read_span, times.spell),
}


def spelled(case: Case) -> Found:
    """A value at the first end, and at the second a text that says it."""
    attribute = case.at(case.first)
    way, read, spell = _SPELLED[attribute.kind]
    what = attribute.kind.value

    def common(value: Any) -> Any:
        text = line(value)
        try:
            found = None if text is None else read(text)
        except ValueError:
            return Opaque(f"a text that is no {what}", odd=True)
        return times.to_the_minute(found) if times.has_no_seconds(attribute) else found

    def native(common: Any, current: Any) -> str:
        return "" if common is None else spell(common)

    return Found(case.ways(way, Way(common, native, coarse=True)))


def only_shown(case: Case) -> Found:
    """A value at the first end, and at the second a text that shows it and cannot be read back."""
    return Found(case.ways(JOINED, TEXT))


def several_lines(case: Case) -> Found:
    """Names of files at the first end, and at the second a text with one in each line."""
    return Found(case.ways(Way(lambda value: "\n".join(clean(file.name) for file in value or ())), TEXT))
