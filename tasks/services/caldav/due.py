"""When a to-do is due: dates, times in a zone and floating times."""

from __future__ import annotations

import re
import warnings
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from icalendar import Timezone, vDuration
from icalendar.timezone import tzp

from tasks.errors import ItemError
from tasks.services.caldav.content_lines import Component, Property

_FORM = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?")


def read_due(todo: Component, calendar: Component, floating: tzinfo) -> date | datetime | None:
    """The due date, or the due time in UTC floored to the minute.

    Arguments:
        todo: The `VTODO`.
        calendar: What it stands in; its `VTIMEZONE`s are looked up.
        floating: The zone of times that name none.

    Raises:
        ValueError: the value or its time zone cannot be read.
    """
    due = todo.property("DUE")
    if due is not None:
        moment = read_moment(due, calendar, floating)
    else:
        start, length = todo.property("DTSTART"), todo.property("DURATION")
        if start is None or length is None:
            return None
        moment = read_moment(start, calendar, floating) + _length(length)
    return moment.replace(second=0, microsecond=0) if isinstance(moment, datetime) else moment


def write_due(todo: Component, calendar: Component, floating: tzinfo, new: date | datetime | None) -> None:
    """Set the due date or time, in the zone and form that the to-do has where it has one.

    Raises:
        ValueError: what the to-do has already cannot be read.
        ItemError: the to-do recurs from a start that the new value does not fit.
    """
    old, start = todo.property("DUE"), todo.property("DTSTART")
    todo.put("DURATION", None)
    if new is None:
        todo.put("DUE", None)
        return
    if isinstance(new, datetime):
        new = new.replace(second=0, microsecond=0)
    form = old or start or Property("DUE", (), "")
    due = _written("DUE", new, form, calendar, floating)
    if start is not None:
        _fit_start(todo, start, old, due, calendar, floating)
    todo.put("DUE", due)


def read_moment(prop: Property, calendar: Component, floating: tzinfo) -> date | datetime:
    """A DATE or DATE-TIME; times are given in UTC.

    Raises:
        ValueError: the value or its time zone cannot be read.
    """
    match = _FORM.fullmatch(prop.value.strip())
    if match is None:
        raise ValueError(f"{prop.name} is neither a date nor a time")
    year, month, day = int(match[1]), int(match[2]), int(match[3])
    if match[4] is None:
        return date(year, month, day)
    zone: tzinfo = UTC
    if not match[7]:
        tzid = prop.param("TZID")
        zone = floating if tzid is None else find_zone(tzid, calendar)
    second = min(int(match[6]), 59)  # a leap second is written as 60
    try:
        return datetime(year, month, day, int(match[4]), int(match[5]), second, tzinfo=zone).astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{prop.name} is out of range") from None


def _length(duration: Property) -> timedelta:
    length: timedelta = vDuration.from_ical(duration.value.strip())  # type: ignore[no-untyped-call]
    return length


def find_zone(tzid: str, calendar: Component) -> tzinfo:
    """The time zone that a `TZID` names.

    Raises:
        ValueError: no such zone is known, nor is it described in the calendar.
    """
    try:
        return ZoneInfo(tzid)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    for described in calendar.components("VTIMEZONE"):
        name = described.property("TZID")
        if name is not None and name.value == tzid:
            # Bytes: of text, the library asks whether it names a file.
            zone = Timezone.from_ical(described.to_text().encode())
            if isinstance(zone, Timezone):
                own: tzinfo = zone.to_tz()
                return own
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a name with a maker's prefix was guessed
        known: tzinfo | None = tzp.timezone(tzid)
    if known is None:
        raise ValueError(f"time zone {tzid[:60]!r} is unknown")
    return known


def _written(
    name: str, moment: date | datetime, form: Property, calendar: Component, floating: tzinfo
) -> Property:
    """A moment in the form of another property: its zone, or floating, else UTC."""
    params = form.without("VALUE", "TZID") if form.name == name else ()
    if not isinstance(moment, datetime):
        return Property(name, (*params, ("VALUE", "DATE")), _digits(moment))
    tzid = form.param("TZID")
    if "T" in form.value and not form.value.strip().endswith("Z"):
        try:
            zone = floating if tzid is None else find_zone(tzid, calendar)
        except ValueError:
            zone = UTC
        kept = tuple(pair for pair in form.params if pair[0] == "TZID")
        written = Property(name, (*params, *kept), _digits(moment.astimezone(zone)))
        # In the hour that a clock shows twice the form would name another instant.
        if zone is not UTC and read_moment(written, calendar, floating) == moment:
            return written
    return Property(name, params, _digits(moment.astimezone(UTC)) + "Z")


def _digits(moment: date | datetime) -> str:
    # Not `%Y`, which drops the leading zeros of an early year.
    day = f"{moment.year:04d}{moment:%m%d}"
    return f"{day}T{moment:%H%M%S}" if isinstance(moment, datetime) else day


def _fit_start(
    todo: Component,
    start: Property,
    old: Property | None,
    due: Property,
    calendar: Component,
    floating: tzinfo,
) -> None:
    """Keep `DTSTART` of the same kind as `DUE` and before it, as RFC 5545 demands."""
    begin, end = read_moment(start, calendar, floating), read_moment(due, calendar, floating)
    same_kind = isinstance(begin, datetime) == isinstance(end, datetime)
    if same_kind and begin <= end:
        return
    if todo.property("RRULE") is not None or todo.property("RDATE") is not None:
        mend = (
            "due before its start"
            if same_kind
            else "due with a time where its start has none, or the reverse"
        )
        raise ItemError(f"it recurs from {start.value}, so it cannot be {mend}")
    if not same_kind:
        begin = (
            begin.astimezone(floating).date()
            if isinstance(begin, datetime)
            else datetime(begin.year, begin.month, begin.day, tzinfo=floating)
        )
    if begin > end:
        before = read_moment(old, calendar, floating) if old is not None and same_kind else None
        length = before - read_moment(start, calendar, floating) if before is not None else timedelta(0)
        begin = end - max(length, timedelta(0))
    form = start if same_kind else due
    todo.put("DTSTART", _written("DTSTART", begin, form, calendar, floating))
