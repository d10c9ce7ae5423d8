"""Values of other kinds as texts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import Any

from tasks.errors import TaskDefinitionError
from tasks.mapping import times
from tasks.mapping.case import Case, Found
from tasks.mapping.converter import Way
from tasks.mapping.number_format import read_number_format
from tasks.mapping.numbers import NUMBER, WHOLE, number, whole
from tasks.mapping.texts import JOINED, TEXT, clean, line
from tasks.mapping.time_format import read_time_format
from tasks.sides import Kind
from tasks.values.date_range import DateRange
from tasks.values.lossy import Lossy, date_only
from tasks.values.opaque import Opaque


def _read_number(text: str) -> Any:
    try:
        exact = Decimal(text)
    except InvalidOperation:
        raise ValueError("no number") from None
    try:
        return number(int(text))  # as it is, also where a double would only come near to it
    except ValueError:
        return number(exact)


def _read_whole(text: str) -> Any:
    return _whole_if(_read_number(text))


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


#: The kinds that may stand in a text in another form.
FORMATTED = (Kind.NUMBER, Kind.WHOLE, Kind.DATE, Kind.MOMENT)
#: What is shown of a format.
_SOME_DAY = date(2026, 7, 4)
_SOME_TIME = datetime(2026, 7, 4, 9, 30, tzinfo=timezone(timedelta(hours=2)))
_NO_TIME = "the text has no time of day: a new date keeps the time that was there"
_CUT = "what the text does not show of a time stays until somebody edits the text"


@dataclass(frozen=True, slots=True)
class _Form:
    """A text of the form that a format says."""

    read: Callable[[str], Any]
    spell: Callable[[Any], str]
    #: How it looks.
    example: str
    #: What it does not show.
    lossy: Lossy | None = None
    loses: str = ""

    @property
    def told(self) -> str:
        """What a person should know of it."""
        parts = (f"written as {self.example}", "a text of another form is not synced", self.loses)
        return "; ".join(filter(None, parts))


def _form(case: Case, said: str) -> _Form:
    """The form that the user says.

    Raises:
        TaskDefinitionError: it is none, or one from which values cannot be told.
    """
    kind = case.at(case.first).kind
    try:
        if kind in (Kind.NUMBER, Kind.WHOLE):
            return _number_form(case, said, kind)
        return _time_form(case, said, kind)
    except ValueError as error:
        raise TaskDefinitionError(f"format of {case.pair.left!r}: {error}") from None


def _number_form(case: Case, said: str, kind: Kind) -> _Form:
    if case.pair.zone is not None:
        raise ValueError("numbers have no time zone: leave zone out")
    form = read_number_format(said)
    example = form.spell(Decimal("1234.56"))
    if kind is Kind.WHOLE:
        if form.places:
            raise ValueError(f"{said!r} has decimals, which whole numbers do not have: leave them out")
        return _Form(lambda text: _whole_if(form.read(text)), form.spell, example)
    decimals = "1 decimal" if form.places == 1 else f"{form.places or 'no'} decimals"
    lossy = Lossy(case.second, _shown(form.read, form.spell))
    loses = f"the text has {decimals}: what was rounded stays until somebody edits the text"
    return _Form(form.read, form.spell, example, lossy, loses)


def _time_form(case: Case, said: str, kind: Kind) -> _Form:
    form = read_time_format(said, takes_time=kind is Kind.MOMENT, zone=case.pair.zone)
    if kind is Kind.DATE:
        return _Form(form.read, form.spell, form.spell(_SOME_DAY))
    if not form.has_time:
        return _Form(form.read, form.spell, form.spell(_SOME_DAY), date_only(case.second), _NO_TIME)
    lossy = Lossy(case.second, _shown(form.read, form.spell))
    return _Form(form.read, form.spell, form.spell(_SOME_TIME), lossy, _CUT)


def _shown(read: Callable[[str], Any], spell: Callable[[Any], str]) -> Callable[[Any], Any]:
    """What a text shows of a value: what is read in it again."""

    def shown(value: Any) -> Any:
        try:
            return value if value is None else read(spell(value))
        except (TypeError, ValueError, AttributeError, ArithmeticError):  # told where it is to be written
            return value

    return shown


def _whole_if(found: Any) -> Any:
    return found if isinstance(found, Opaque) else whole(found)


def spelled(case: Case) -> Found:
    """A value at the first end, and at the second a text that says it."""
    attribute = case.at(case.first)
    way, read, spell = _SPELLED[attribute.kind]
    what, form = attribute.kind.value, None
    if case.pair.format is not None:
        form = _form(case, case.pair.format)
        read, spell, what = form.read, form.spell, f"{what} as {form.example}"

    def common(value: Any) -> Any:
        text = line(value)
        try:
            found = None if text is None else read(text)
        except ValueError:
            return Opaque(f"a text that is no {what}", odd=True)
        return times.to_the_minute(found) if times.has_no_seconds(attribute) else found

    def native(common: Any, current: Any) -> str:
        return "" if common is None else spell(common)

    ways = case.ways(way, Way(common, native, coarse=True))
    return Found(ways) if form is None else Found(ways, form.lossy, form.told)


def only_shown(case: Case) -> Found:
    """A value at the first end, and at the second a text that shows it and cannot be read back."""
    return Found(case.ways(JOINED, TEXT))


def several_lines(case: Case) -> Found:
    """Names of files at the first end, and at the second a text with one in each line."""
    return Found(case.ways(Way(lambda value: "\n".join(clean(file.name) for file in value or ())), TEXT))
