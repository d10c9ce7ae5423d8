"""Dates, moments and spans: what one end cannot show stays at the other."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

from tasks.mapping.case import Case, Found
from tasks.mapping.converter import AS_IT_IS, Way
from tasks.sides import Attribute, End, Kind
from tasks.values.date_range import DateRange
from tasks.values.lossy import Lossy, date_only, start_only, whole_minutes


def to_the_minute(value: Any) -> Any:
    """A moment or a span without seconds."""
    if isinstance(value, datetime):
        return value.replace(second=0, microsecond=0)
    if isinstance(value, DateRange):
        end = None if value.end is None else to_the_minute(value.end)
        return replace(value, start=to_the_minute(value.start), end=end)
    return value


def same_times(case: Case) -> Found:
    """Moments or spans at both ends, of which one may have no seconds."""
    coarse = [end for end in End if case.at(end).whole_minutes]
    if len(coarse) != 1:
        return Found(AS_IT_IS)
    (end,) = coarse
    lossy = whole_minutes(end) if case.at(end).kind is Kind.MOMENT else Lossy(end, to_the_minute)
    return Found(AS_IT_IS, lossy, f"{case.labels[end]} has no seconds")


def date_of_moment(case: Case) -> Found:
    """A date at the first end, a moment at the second."""
    return Found(AS_IT_IS, date_only(case.first))


def date_of_span(case: Case) -> Found:
    """A date at the first end, a span at the second."""
    return Found(AS_IT_IS, Lossy(case.first, _first_day, _moved_to_day))


def moment_of_span(case: Case) -> Found:
    """A moment at the first end, a span at the second."""
    moment, span = case.at(case.first), case.at(case.second)
    lossy = start_only(case.first)
    if span.whole_minutes and not moment.whole_minutes:  # each end has what the other lacks
        return Found(case.ways(Way(to_the_minute, coarse=True), Way()), lossy)
    if moment.whole_minutes and not span.whole_minutes:
        lossy = replace(lossy, show=lambda value: to_the_minute(start_only(case.first).show(value)))
    return Found(AS_IT_IS, lossy)


def _first_day(value: Any) -> Any:
    start = value.start if isinstance(value, DateRange) else value
    return start.date() if isinstance(start, datetime) else start


def _moved_to_day(shown: Any, full: Any) -> Any:
    if not isinstance(shown, date):
        return shown
    if not isinstance(full, DateRange):
        return DateRange(shown)
    if isinstance(full.start, datetime) and not isinstance(shown, datetime):
        shown = datetime.combine(shown, full.start.timetz())
    return full.moved(shown)


# -- as texts ---------------------------------------------------------------------------------------------


def read_date(text: str) -> date:
    """The date that a text says: `2026-07-04`.

    Raises:
        ValueError: it says none.
    """
    return date.fromisoformat(text)


def read_moment(text: str) -> date:
    """The moment that a text says, or the date where it says no time: `2026-07-04T09:30+02:00`.

    Raises:
        ValueError: it says none, or no zone.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        moment = datetime.fromisoformat(text)
    if moment.utcoffset() is None:
        raise ValueError("the time has no time zone")
    return moment


def read_span(text: str) -> DateRange:
    """The span that a text says: `2026-07-04/2026-07-06`, or a start alone.

    Raises:
        ValueError: it says none.
    """
    start, slash, end = (part.strip() for part in text.partition("/"))
    return DateRange(read_moment(start), read_moment(end) if slash else None)


def spell(value: Any) -> str:
    """A date, a moment or a span as it can be read again."""
    if isinstance(value, DateRange):
        edges = [value.start] if value.end is None else [value.start, value.end]
        return "/".join(edge.isoformat() for edge in edges)
    spelled: str = value.isoformat()
    return spelled


def has_no_seconds(attribute: Attribute) -> bool:
    """Whether times of an attribute are kept to the minute only."""
    return attribute.whole_minutes and attribute.kind in (Kind.MOMENT, Kind.SPAN)
