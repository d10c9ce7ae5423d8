"""Whether a value has the form of its kind, as `tasks.sides.Kind` says it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from tasks.sides import Attribute, File, Kind, State, sorted_files
from tasks.testing.equality import alike, is_blank
from tasks.values.date_range import DateRange
from tasks.values.opaque import Opaque


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_line(value: Any) -> bool:
    return isinstance(value, str) and len(value.splitlines()) < 2


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_date(value: Any) -> bool:
    return isinstance(value, date) and not isinstance(value, datetime)


def _is_moment(value: Any) -> bool:
    return _is_date(value) or (isinstance(value, datetime) and value.utcoffset() is not None)


def _is_sorted_texts(value: Any) -> bool:
    if not isinstance(value, tuple) or not all(isinstance(part, str) for part in value):
        return False
    return list(value) == sorted(set(value))


def _is_sorted_files(value: Any) -> bool:
    if not isinstance(value, tuple) or not all(isinstance(part, File) for part in value):
        return False
    return value == sorted_files(value)


#: By kind, whether a value that says something has its form, and the form in words.
FORMS: Mapping[Kind, tuple[Callable[[Any], bool], str]] = {
    Kind.TEXT: (_is_text, "a str"),
    Kind.FORMATTED: (_is_text, "a str of Markdown"),
    Kind.NUMBER: (_is_number, "an int, a float or a Decimal"),
    Kind.WHOLE: (_is_whole, "an int"),
    Kind.YES_NO: (lambda value: isinstance(value, bool), "a bool"),
    Kind.DATE: (_is_date, "a date without a time of day"),
    Kind.MOMENT: (_is_moment, "a datetime with a zone, or a date"),
    Kind.SPAN: (lambda value: isinstance(value, DateRange), "a DateRange"),
    Kind.CHOICE: (_is_text, "a str, the name of an option"),
    Kind.CHOICES: (_is_sorted_texts, "a tuple of names of options, sorted, each once"),
    Kind.STATE: (lambda value: isinstance(value, State), "a State"),
    Kind.PRIORITY: (lambda value: _is_whole(value) and 1 <= value <= 9, "an int from 1 to 9"),
    Kind.ADDRESS: (_is_line, "a str in one line"),
    Kind.PERSON: (_is_sorted_texts, "a tuple of ids, sorted, each once"),
    Kind.FILE: (_is_sorted_files, "a tuple of File, as sorted_files gives it"),
    Kind.REFERENCE: (_is_sorted_texts, "a tuple of ids, sorted, each once"),
    Kind.OPAQUE: (lambda value: isinstance(value, Opaque), "Opaque"),
}


def fits(attribute: Attribute, value: Any) -> bool:
    """Whether a value has the form of an attribute's kind; what says nothing and what cannot be read does."""
    if value is None or isinstance(value, Opaque):
        return True
    if value == "" and attribute.kind in (Kind.CHOICE, Kind.ADDRESS):
        return True
    return FORMS[attribute.kind][0](value)


def form_of(attribute: Attribute) -> str:
    """The form of an attribute's kind, in words."""
    return FORMS[attribute.kind][1]


def equal(attribute: Attribute | None, given: Any, shown: Any) -> bool:
    """Whether what an object shows is what was written, as finely as its attribute keeps it."""
    if alike(given, shown) or (is_blank(given) and is_blank(shown)):
        return True
    if attribute is None or not attribute.whole_minutes:
        return False
    return alike(_coarse(given), _coarse(shown)) or alike(_day(given), shown)


def _coarse(value: Any) -> Any:
    return value.replace(second=0, microsecond=0) if isinstance(value, datetime) else value


def _day(value: Any) -> Any:
    return value.date() if isinstance(value, datetime) else value
