"""Dates, times in a zone, floating times and lengths of time, as iCalendar writes them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, tzinfo

from tasks.services.caldav.lines.content_lines import Component, Property
from tasks.services.caldav.lines.zones import find_zone

_FORM = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?:T([0-9]{2})([0-9]{2})([0-9]{2})(Z?))?")
_LENGTH = re.compile(
    r"\+?P(?:([0-9]{1,6})W)?(?:([0-9]{1,6})D)?(?:T(?:([0-9]{1,6})H)?(?:([0-9]{1,6})M)?(?:([0-9]{1,6})S)?)?",
    re.IGNORECASE,
)


def recurs(entry: Component) -> bool:
    """Whether the entry stands for more than one."""
    return any(entry.properties(name) for name in ("RRULE", "RDATE", "EXRULE"))


def read_moment(prop: Property, calendar: Component, floating: tzinfo) -> date | datetime:
    """A DATE or DATE-TIME; times are given in UTC.

    Raises:
        ValueError: the value or its time zone cannot be read.
    """
    moment = local_moment(prop, calendar, floating)
    return in_zone(moment, UTC) if isinstance(moment, datetime) else moment


def local_moment(prop: Property, calendar: Component, floating: tzinfo) -> date | datetime:
    """A DATE or DATE-TIME; times are given in the zone in which they are written.

    Raises:
        ValueError: the value or its time zone cannot be read.
    """
    match = _FORM.fullmatch(prop.value.strip())
    if match is None:
        raise ValueError(f"{prop.name} is neither a date nor a time")
    year, month, day = int(match[1]), int(match[2]), int(match[3])
    try:
        if match[4] is None:
            return date(year, month, day)
        second = min(int(match[6]), 59)  # a leap second is written as 60
        wall = datetime(year, month, day, int(match[4]), int(match[5]), second)
    except ValueError:
        raise ValueError(f"{prop.name} is no day or time of the calendar") from None
    zone: tzinfo = UTC
    if not match[7]:
        tzid = prop.param("TZID")
        zone = floating if tzid is None else find_zone(tzid, calendar)
    moment = wall.replace(tzinfo=zone)
    in_zone(moment, UTC)  # a moment that UTC cannot say is none
    return moment


def written(
    name: str, moment: date | datetime, form: Property, calendar: Component, floating: tzinfo
) -> Property:
    """A moment in the form of another property: its zone, or floating, else UTC.

    Raises:
        ValueError: it is out of range.
    """
    params = form.without("VALUE", "TZID") if form.name == name else ()
    if not isinstance(moment, datetime):
        return Property(name, (*params, ("VALUE", "DATE")), digits(moment))
    tzid = form.param("TZID")
    if "T" in form.value and not form.value.strip().endswith("Z"):
        kept = tuple(pair for pair in form.params if pair[0] == "TZID")
        try:
            zone = floating if tzid is None else find_zone(tzid, calendar)
            local = Property(name, (*params, *kept), digits(in_zone(moment, zone)))
            # In the hour that a clock shows twice the form would name another instant.
            if read_moment(local, calendar, floating) == moment:
                return local
        except ValueError:
            pass  # an unknown zone, or the last hours of the calendar: UTC can say it
    return Property(name, params, digits(in_zone(moment, UTC)) + "Z")


def to_the_minute(moment: date | datetime) -> date | datetime:
    """A day as it is, a moment without its seconds."""
    return moment.replace(second=0, microsecond=0) if isinstance(moment, datetime) else moment


def in_zone(moment: datetime, zone: tzinfo) -> datetime:
    """A moment by the clock of a zone.

    Raises:
        ValueError: it is out of range there.
    """
    try:
        return moment.astimezone(zone)
    except OverflowError:
        raise ValueError("the time is out of range") from None


def after(start: date | datetime, duration: Property) -> date | datetime:
    """The end of a length of time: days are those of the clock on the wall, hours are what they are.

    Raises:
        ValueError: it is no length, or ends out of range.
    """
    match = _LENGTH.fullmatch(duration.value.strip())
    if match is None or not any(match.groups()):
        raise ValueError("DURATION is no length of time")
    weeks, days, hours, minutes, seconds = (int(number or 0) for number in match.groups())
    try:
        end = start + timedelta(weeks=weeks, days=days)
        clock = timedelta(hours=hours, minutes=minutes, seconds=seconds)
        return end.astimezone(UTC) + clock if isinstance(end, datetime) else end + clock
    except OverflowError:
        raise ValueError("DURATION ends out of range") from None


def digits(moment: date | datetime) -> str:
    """A day or a time on the wall, as it is written."""
    # Not `%Y`, which drops the leading zeros of an early year.
    day = f"{moment.year:04d}{moment:%m%d}"
    return f"{day}T{moment:%H%M%S}" if isinstance(moment, datetime) else day
