"""Which occurrence of an event that recurs is the next one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache

import recurring_ical_events  # type: ignore[import-untyped]
from icalendar import Calendar
from recurring_ical_events import CalendarQuery

from tasks.errors import ItemError
from tasks.services.caldav.entries.when import span
from tasks.services.caldav.lines.content_lines import Component
from tasks.services.caldav.lines.recurring import is_sparse, names_days, rule_parts
from tasks.values.date_range import DateRange

#: How far an occurrence is looked for, ahead and then back; most series have one in the first step.
_STEPS = (timedelta(days=40), timedelta(days=400), timedelta(days=366 * 12))


def shown_occurrence(
    event: Component, calendar: Component, floating: tzinfo, now: datetime
) -> DateRange | None:
    """The occurrence that goes on or is the next to begin; of a series that is over, the last one.

    `None` where that cannot be told.
    """
    try:
        rules = [tuple(rule_parts(rule).items()) for rule in event.properties("RRULE")]
    except ItemError:
        return None
    if (
        event.properties("EXRULE")
        or not all(map(names_days, rules))
        or any(is_sparse(dict(one)) for one in rules)
    ):
        return None
    status = event.filled("STATUS")
    is_off = status is not None and status.value.strip().upper() == "CANCELLED"
    whole = Component("VCALENDAR", [part for part in calendar.parts if _belongs(part, event)])
    return _found(whole.to_text(), is_off, floating, now.replace(second=0, microsecond=0))


@lru_cache(maxsize=64)  # each of the attributes that say when it is asks
def _found(text: str, is_off: bool, floating: tzinfo, now: datetime) -> DateRange | None:
    here = now.astimezone(floating)
    try:
        series = recurring_ical_events.of(Calendar.from_ical(text.encode()))
        ahead = ((here, _shifted(here, step)) for step in _STEPS)
        found = _first_found(series, ahead, is_off, floating)
        if found:
            return min(found, key=_begin)[1]
        behind = ((_shifted(here, -step), here) for step in _STEPS)
        found = _first_found(series, behind, is_off, floating)
        return max(found, key=_begin)[1] if found else None
    except Exception:  # whatever the libraries meet in lines that another program wrote
        return None


def _first_found(
    series: CalendarQuery, times: Iterable[tuple[datetime, datetime]], is_off: bool, floating: tzinfo
) -> list[tuple[datetime, DateRange]]:
    """The occurrences in the first of some times that has any, each with the moment at which it begins."""
    for since, until in times:
        found = [
            _placed(one.start, one.end, floating)
            for one in series.between(since, until)
            if is_off or str(one.get("STATUS", "")).upper() != "CANCELLED"
        ]
        if found:
            return found
    return []


def _placed(begin: date, end: date, floating: tzinfo) -> tuple[datetime, DateRange]:
    if not isinstance(begin, datetime) or not isinstance(end, datetime):
        return datetime.combine(begin, time(), tzinfo=floating), span(begin, end)
    begin, end = (one if one.tzinfo is not None else one.replace(tzinfo=floating) for one in (begin, end))
    return begin, span(begin, end)


def _begin(placed: tuple[datetime, DateRange]) -> datetime:
    return placed[0].astimezone(UTC)


def _shifted(moment: datetime, step: timedelta) -> datetime:
    return moment.astimezone(UTC) + step


def _belongs(part: str | Component, event: Component) -> bool:
    """Whether a part of a calendar says when an event takes place: its exceptions and the zones do."""
    if not isinstance(part, Component):
        return True
    uid = event.property("UID")
    own = part.property("UID") if part.name == event.name else None
    return part.name == "VTIMEZONE" or (
        own is not None and uid is not None and own.value.strip() == uid.value.strip()
    )
