"""When a to-do is due: dates, times in a zone and floating times."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, tzinfo

from tasks.errors import ItemError
from tasks.services.caldav.content_lines import Component, Property
from tasks.services.caldav.zones import find_zone

_FORM = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?:T([0-9]{2})([0-9]{2})([0-9]{2})(Z?))?")
_LENGTH = re.compile(
    r"\+?P(?:([0-9]{1,6})W)?(?:([0-9]{1,6})D)?(?:T(?:([0-9]{1,6})H)?(?:([0-9]{1,6})M)?(?:([0-9]{1,6})S)?)?",
    re.IGNORECASE,
)


def read_due(todo: Component, calendar: Component, floating: tzinfo) -> date | datetime | None:
    """The due date, or the due time in UTC floored to the minute.

    Arguments:
        todo: The `VTODO`.
        calendar: What it stands in; its `VTIMEZONE`s are looked up.
        floating: The zone of times that name none.

    Raises:
        ValueError: the value or its time zone cannot be read.
    """
    due = todo.filled("DUE")
    if due is not None:
        moment = read_moment(due, calendar, floating)
    else:
        start, length = todo.filled("DTSTART"), todo.filled("DURATION")
        if start is None or length is None:
            return None
        moment = _after(local_moment(start, calendar, floating), length)
    return moment.replace(second=0, microsecond=0) if isinstance(moment, datetime) else moment


def write_due(todo: Component, calendar: Component, floating: tzinfo, new: date | datetime | None) -> None:
    """Set the due date or time, in the zone and form that the to-do has where it has one.

    Raises:
        ItemError: the to-do recurs in a way that the new value does not fit, or its start cannot be read.
    """
    try:
        old, start = todo.filled("DUE"), todo.filled("DTSTART")
        if start is None and old is not None and recurs(todo):
            raise ItemError(
                f"it recurs from its due date {old.value.strip()}, so that another one would move all occurrences"
            )
        todo.put("DURATION", None)
        if new is None:
            todo.put("DUE", None)
            return
        if isinstance(new, datetime):
            new = new.replace(second=0, microsecond=0)
        due = written("DUE", new, old or start or Property("DUE", (), ""), calendar, floating)
        if start is not None:
            _fit_start(todo, start, old, due, calendar, floating)
        todo.put("DUE", due)
    except ValueError as error:
        raise ItemError(f"it cannot be due at another time, as {error}") from None


def recurs(todo: Component) -> bool:
    """Whether the to-do stands for more than one."""
    return any(todo.properties(name) for name in ("RRULE", "RDATE", "EXRULE"))


def read_moment(prop: Property, calendar: Component, floating: tzinfo) -> date | datetime:
    """A DATE or DATE-TIME; times are given in UTC.

    Raises:
        ValueError: the value or its time zone cannot be read.
    """
    moment = local_moment(prop, calendar, floating)
    return _in_zone(moment, UTC) if isinstance(moment, datetime) else moment


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
    _in_zone(moment, UTC)  # a moment that UTC cannot say is none
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
        return Property(name, (*params, ("VALUE", "DATE")), _digits(moment))
    tzid = form.param("TZID")
    if "T" in form.value and not form.value.strip().endswith("Z"):
        kept = tuple(pair for pair in form.params if pair[0] == "TZID")
        try:
            zone = floating if tzid is None else find_zone(tzid, calendar)
            local = Property(name, (*params, *kept), _digits(_in_zone(moment, zone)))
            # In the hour that a clock shows twice the form would name another instant.
            if read_moment(local, calendar, floating) == moment:
                return local
        except ValueError:
            pass  # an unknown zone, or the last hours of the calendar: UTC can say it
    return Property(name, params, _digits(_in_zone(moment, UTC)) + "Z")


def _in_zone(moment: datetime, zone: tzinfo) -> datetime:
    try:
        return moment.astimezone(zone)
    except OverflowError:
        raise ValueError("the time is out of range") from None


def _after(start: date | datetime, duration: Property) -> date | datetime:
    """The end of a length of time: days are those of the clock on the wall, hours are what they are."""
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
    begin, end = local_moment(start, calendar, floating), read_moment(due, calendar, floating)
    same_kind = isinstance(begin, datetime) == isinstance(end, datetime)
    if same_kind and begin <= end:
        return
    if recurs(todo):
        mend = (
            "due before its start"
            if same_kind
            else "due with a time where its start has none, or the reverse"
        )
        raise ItemError(f"it recurs from {start.value.strip()}, so it cannot be {mend}")
    length = _length(begin, old, calendar, floating)
    if not same_kind:
        begin = (
            begin.date()  # as the clocks show it where it begins
            if isinstance(begin, datetime)
            else datetime(begin.year, begin.month, begin.day, tzinfo=floating)
        )
    if begin > end:
        try:
            begin = end - length
        except OverflowError:
            begin = end
    todo.put("DTSTART", written("DTSTART", begin, start if same_kind else due, calendar, floating))


def _length(begin: date | datetime, old: Property | None, calendar: Component, floating: tzinfo) -> timedelta:
    """How long the to-do took before; nothing where its start and its end are not of one kind."""
    end = read_moment(old, calendar, floating) if old is not None else None
    if isinstance(begin, datetime) and isinstance(end, datetime):
        return max(end - begin, timedelta(0))
    if isinstance(begin, datetime) or isinstance(end, datetime) or end is None:
        return timedelta(0)
    return max(end - begin, timedelta(0))
