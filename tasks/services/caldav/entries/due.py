"""When a to-do begins and is due."""

from __future__ import annotations

from datetime import date, datetime, timedelta, tzinfo

from tasks.errors import ItemError
from tasks.services.caldav.lines.content_lines import Component, Property
from tasks.services.caldav.lines.times import after, local_moment, read_moment, recurs, to_the_minute, written


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
        moment = after(local_moment(start, calendar, floating), length)
    return to_the_minute(moment)


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
        due = written("DUE", to_the_minute(new), old or start or Property("DUE", (), ""), calendar, floating)
        if start is not None:
            _fit_start(todo, start, old, due, calendar, floating)
        todo.put("DUE", due)
    except ValueError as error:
        raise ItemError(f"it cannot be due at another time, as {error}") from None


def read_start(todo: Component, calendar: Component, floating: tzinfo) -> date | datetime | None:
    """The day it begins, or the time in UTC floored to the minute.

    Raises:
        ValueError: the value or its time zone cannot be read.
    """
    start = todo.filled("DTSTART")
    return to_the_minute(read_moment(start, calendar, floating)) if start is not None else None


def write_start(todo: Component, calendar: Component, floating: tzinfo, new: date | datetime | None) -> None:
    """Set the start, in the zone and form that the to-do has where it has one; when it is due stays.

    Raises:
        ItemError: the to-do recurs from its start, or is due before it.
    """
    try:
        if recurs(todo):
            raise ItemError("it recurs, so that another start would move all occurrences")
        end, due, old = read_due(todo, calendar, floating), todo.filled("DUE"), todo.filled("DTSTART")
        start = new and written("DTSTART", new, old or due or Property("DTSTART", (), ""), calendar, floating)
        if new is not None and end is not None:
            if isinstance(new, datetime) != isinstance(end, datetime):
                kinds = ("a time", "none") if isinstance(new, datetime) else ("no time", "one")
                raise ItemError(f"its start has {kinds[0]} of day where its due date has {kinds[1]}")
            if new > end:
                raise ItemError("it is due before this start")
        if due is None and end is not None and old is not None:  # its length would begin elsewhere
            todo.put("DURATION", None)
            todo.put("DUE", written("DUE", end, old, calendar, floating))
        todo.put("DTSTART", start or None)
    except ValueError as error:
        raise ItemError(f"it cannot begin at another time, as {error}") from None


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
