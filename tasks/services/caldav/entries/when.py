"""When an event takes place: its start and its end, as one span.

The end of an event of days is the day after its last one (RFC 5545, 3.6.1); a span ends with its last day. An event
that ends when it begins, or of one day only, has no end.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from tasks.errors import ItemError
from tasks.services.caldav.lines.content_lines import Component, Property
from tasks.services.caldav.lines.reading import may_recur
from tasks.services.caldav.lines.times import (
    after,
    in_zone,
    local_moment,
    read_moment,
    to_the_minute,
    written,
)
from tasks.services.caldav.lines.writing import checked_moment
from tasks.values.date_range import DateRange

_DAY = timedelta(days=1)


def read_when(event: Component, calendar: Component, floating: tzinfo) -> DateRange | None:
    """From day to day, or from moment to moment in UTC to the minute; the zone is that of the start.

    Arguments:
        event: The `VEVENT`.
        calendar: What it stands in; its `VTIMEZONE`s are looked up.
        floating: The zone of times that name none.

    Raises:
        ValueError: the start, the end or a time zone cannot be read, or they do not fit each other.
    """
    start = event.filled("DTSTART")
    if start is None:
        return None
    begin = local_moment(start, calendar, floating)
    end, length = event.filled("DTEND"), event.filled("DURATION")
    if end is not None:
        return span(begin, read_moment(end, calendar, floating))
    return span(begin, after(begin, length) if length is not None else None)


def span(begin: date | datetime, end: date | datetime | None) -> DateRange:
    """A start and an end, as a calendar means them.

    Raises:
        ValueError: one is a day and the other a moment, or the end is before the start.
    """
    if end is not None and isinstance(begin, datetime) is not isinstance(end, datetime):
        raise ValueError("one of its start and end has a time of day and the other has none")
    if not isinstance(begin, datetime):
        last = end - _DAY if end is not None and end > begin else None
        return DateRange(begin, last if last != begin else None)
    first, zone = to_the_minute(in_zone(begin, UTC)), begin.tzinfo
    last = to_the_minute(in_zone(end, UTC)) if isinstance(end, datetime) else None
    if last is not None and last < first:
        raise ValueError("it ends before it begins")
    named = zone.key if isinstance(zone, ZoneInfo) and zone.key != "UTC" else None
    return DateRange(first, last if last != first else None, named)


def repeats(event: Component) -> bool:
    """Whether it stands for several, or is one of several."""
    return may_recur(event) or event.property("RECURRENCE-ID") is not None


def wanted(old: DateRange | None, new: Any) -> DateRange:
    """What an event is to show: a span, or a start that moves the one there is.

    Raises:
        ItemError: it is neither, or out of range.
    """
    if new is None or new == "":
        raise ItemError("an event needs a date")
    try:
        if isinstance(new, DateRange):
            return _plain(new)
        start = checked_moment("the start", new)
        if start is None:
            raise ItemError("an event needs a date")
        return _plain(old.moved(start) if old is not None else DateRange(start))
    except ValueError as error:
        raise ItemError(str(error)) from None


def with_end(now: DateRange | None, new: Any) -> DateRange:
    """What an event is to show that gets another end.

    Raises:
        ItemError: it is no end of it.
    """
    if now is None:
        raise ItemError("an event needs a date")
    try:
        return _plain(replace(now, end=checked_moment("the end", new)))
    except ValueError as error:
        raise ItemError(str(error)) from None


def write_when(event: Component, calendar: Component, floating: tzinfo, new: DateRange) -> None:
    """Set the start and the end, in the zones and forms that the event has.

    Raises:
        ItemError: its form cannot say it.
        ValueError: what is there cannot be read.
    """
    old = read_when(event, calendar, floating)
    start = event.filled("DTSTART")
    if start is None or old is None or new.start != old.start:
        form = start or Property("DTSTART", (), "")
        event.put("DTSTART", written("DTSTART", new.start, form, calendar, floating))
    is_other_kind = old is None or old.has_time is not new.has_time
    if is_other_kind or not _shows(
        event, calendar, floating, new
    ):  # else the end is right already, or the length is
        _write_end(event, calendar, floating, new)
    if read_when(event, calendar, floating) != new:
        raise ItemError("it cannot take place at that time")


def _write_end(event: Component, calendar: Component, floating: tzinfo, new: DateRange) -> None:
    start, end, length = event.filled("DTSTART"), event.filled("DTEND"), event.filled("DURATION")
    until = _until(new)
    if length is not None and until is not None:
        event.put("DTEND", None)
        event.put("DURATION", replace(length, value=_length(until - new.start)))
        if _shows(event, calendar, floating, new):
            return
    event.put("DURATION", None)
    form = end or start or Property("DTEND", (), "")
    event.put("DTEND", written("DTEND", until, form, calendar, floating) if until is not None else None)


def _shows(event: Component, calendar: Component, floating: tzinfo, when: DateRange) -> bool:
    try:
        return read_when(event, calendar, floating) == when
    except ValueError:
        return False


def _until(when: DateRange) -> date | None:
    """The end as a calendar says it: after the last day."""
    if when.has_time:
        return when.end
    try:
        return (when.end or when.start) + _DAY
    except OverflowError:
        raise ItemError("its last day is out of range") from None


def _length(length: timedelta) -> str:
    """A length of time as it is written: days are whole ones where there is nothing else."""
    minutes = length.seconds // 60
    if not minutes:
        return f"P{length.days}D"
    hours, minutes = divmod(minutes + length.days * 24 * 60, 60)
    return "PT" + (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "")


def _plain(when: DateRange) -> DateRange:
    """A span in UTC to the minute, without an end that says nothing."""
    start, end = checked_moment("the start", when.start), checked_moment("the end", when.end)
    if start is None:
        raise ItemError("an event needs a date")
    return DateRange(start, end if end != start else None, when.zone)
