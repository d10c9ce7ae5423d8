"""A recurring to-do that is done: its next occurrence opens, as in the apps.

The to-do itself stands for its first open occurrence. To do that one moves the start and the due time on to the next
one of the rule, in the clock of the start's own zone. Where this is not certain, nothing is written and the reason
is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Any

from dateutil.rrule import rrulestr

from tasks.errors import ItemError
from tasks.services.caldav.lines.content_lines import Component, Property, unescape
from tasks.services.caldav.lines.times import local_moment, read_moment, written

#: The parts of a rule that are followed; with others, or more often than daily, a to-do is left to its app.
_PARTS = (
    "FREQ",
    "INTERVAL",
    "COUNT",
    "UNTIL",
    "BYDAY",
    "BYMONTHDAY",
    "BYMONTH",
    "BYSETPOS",
    "BYYEARDAY",
    "WKST",
)
_FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_NUMBER = re.compile(r"[1-9][0-9]{0,4}")
#: How far ahead an occurrence is looked for.
_AHEAD = timedelta(days=366 * 60)
_LAST_YEARS = datetime(9960, 1, 1)


@dataclass(frozen=True)
class _Rule:
    #: As written.
    prop: Property
    #: Without its end, for dateutil.
    endless: str
    count: int | None
    until: Property | None


def advance(todo: Component, calendar: Component, floating: tzinfo) -> bool:
    """Move a recurring to-do to its next occurrence; false where the one that it stands for is the last.

    Raises:
        ItemError: it is not certain which one is next.
    """
    try:
        return _advance(todo, calendar, floating)
    except ItemError as error:
        raise ItemError(
            f"it recurs, and to set it to done here would end all of it: {error}; do it in the calendar's app"
        ) from None
    except (ValueError, TypeError, LookupError, OverflowError) as error:  # what dateutil says of odd rules
        raise ItemError(
            f"it recurs in a way that cannot be followed ({error}); set it to done in the calendar's app"
        ) from None


def _advance(todo: Component, calendar: Component, floating: tzinfo) -> bool:
    start = todo.filled("DTSTART") or todo.filled("DUE")
    if start is None:
        raise ItemError("it has neither a start nor a due time")
    begin = local_moment(start, calendar, floating)
    rule = _rule_of(todo)
    _check_exceptions(todo, begin, calendar, floating)
    found = _next(rule, begin, _excluded(todo, begin, calendar, floating), calendar, floating)
    if found is None:
        return False
    upcoming, passed = found
    for name in ("DTSTART", "DUE"):
        prop = todo.filled(name)
        if prop is not None:
            todo.put(name, _moved(prop, begin, upcoming, calendar, floating))
    for alarm in todo.components("VALARM"):
        alarm.edit("TRIGGER", lambda trigger: _rung_later(trigger, begin, upcoming, calendar, floating))
    if rule.count is not None:
        left = re.sub(r"(?i)(?<![^;])COUNT=[0-9]+", f"COUNT={rule.count - passed}", rule.prop.value)
        todo.put("RRULE", replace(rule.prop, value=left))
    return True


def rule_parts(rule: Property) -> dict[str, str]:
    """The parts of a rule that can be followed, by name.

    Raises:
        ItemError: it cannot.
    """
    pairs = [part.partition("=") for part in rule.value.strip().upper().split(";") if part]
    parts = {name: value for name, _, value in pairs}
    unknown = sorted(set(parts) - set(_PARTS))
    if unknown or len(parts) != len(pairs) or parts.get("FREQ") not in _FREQUENCIES:
        raise ItemError(f"its rule has {', '.join(unknown) or 'parts'} that are not followed here")
    if any(name in parts and not _NUMBER.fullmatch(parts[name]) for name in ("INTERVAL", "COUNT")):
        raise ItemError("its rule has a number that is none")
    return parts


@lru_cache(maxsize=256)
def names_days(rule: tuple[tuple[str, str], ...]) -> bool:
    """Whether a rule, by its parts, names a day now and then: one that names none is looked through to the end of time.

    So it is tried at that end, in years in which every kind of year begins on every day of the week.
    """
    parts = dict(rule)
    by = [name for name in parts if name.startswith("BY")]
    plain = ";".join(f"{name}={parts[name]}" for name in ("FREQ", *by))
    try:
        return next(iter(rrulestr(plain, dtstart=_LAST_YEARS)), None) is not None
    except (ValueError, TypeError, LookupError):  # what dateutil says of odd rules
        return False


def is_sparse(parts: Mapping[str, str]) -> bool:
    """Whether a rule takes every so many days only, of which some: they may never meet."""
    picks = any(name.startswith("BY") for name in parts)
    return parts["FREQ"] == "DAILY" and picks and parts.get("INTERVAL", "1") != "1"


def _rule_of(todo: Component) -> _Rule:
    rules = todo.properties("RRULE")
    if len(rules) != 1 or todo.properties("RDATE") or todo.properties("EXRULE"):
        raise ItemError("its dates are not those of one rule")
    parts = rule_parts(rules[0])
    if not names_days(tuple(parts.items())):
        raise ItemError("its rule names no day")
    endless = ";".join(f"{name}={value}" for name, value in parts.items() if name not in ("COUNT", "UNTIL"))
    until = Property("UNTIL", (), parts["UNTIL"]) if "UNTIL" in parts else None
    return _Rule(rules[0], endless, int(parts["COUNT"]) if "COUNT" in parts else None, until)


def _check_exceptions(todo: Component, begin: date | datetime, calendar: Component, floating: tzinfo) -> None:
    """Make sure that no occurrence from this one on has values of its own, which this to-do does not show."""
    uid = todo.property("UID")
    for other in calendar.components("VTODO"):
        own, which = other.property("UID"), other.property("RECURRENCE-ID")
        if other is todo or which is None or own is None or uid is None:
            continue
        if unescape(own.value.strip()) != unescape(uid.value.strip()):
            continue
        if which.param("RANGE") is not None or not _is_before(
            read_moment(which, calendar, floating), begin, floating
        ):
            raise ItemError("an occurrence of it was changed by itself")


def _is_before(one: date | datetime, two: date | datetime, floating: tzinfo) -> bool:
    """Whether one moment is before the other for sure: a day counts from its start to its end."""
    if isinstance(one, datetime) == isinstance(two, datetime):
        return one < two
    ends = one if isinstance(one, datetime) else datetime.combine(one, time.max, tzinfo=floating)
    begins = two if isinstance(two, datetime) else datetime.combine(two, time.min, tzinfo=floating)
    return ends < begins


def _excluded(
    todo: Component, begin: date | datetime, calendar: Component, floating: tzinfo
) -> set[date | datetime]:
    found: set[date | datetime] = set()
    for prop in todo.properties("EXDATE"):
        for value in filter(None, prop.value.split(",")):
            moment = read_moment(replace(prop, value=value), calendar, floating)
            if isinstance(moment, datetime) != isinstance(begin, datetime):
                raise ItemError("dates are taken out of it that are not of the kind of its start")
            found.add(moment)
    return found


def _next(
    rule: _Rule, begin: date | datetime, excluded: set[date | datetime], calendar: Component, floating: tzinfo
) -> tuple[date | datetime, int] | None:
    """The occurrence after the first one, with how many of the rule's come before it; `None` at its end."""
    for passed, occurrence in enumerate(_occurrences(rule, begin)):
        if rule.count is not None:
            if not passed and occurrence != begin:
                raise ItemError("its start is none of the occurrences that its rule counts")
            if passed >= rule.count:
                return None
        if rule.until is not None and _is_over(occurrence, rule.until, begin, calendar, floating):
            return None
        if occurrence > begin and _in_utc(occurrence) not in excluded:
            return occurrence, passed
    raise ItemError("its rule names no other day")


def _occurrences(rule: _Rule, begin: date | datetime) -> Iterator[date | datetime]:
    """What the rule names from the start on, in the clock of the start's zone, each of its kind."""
    zone = begin.tzinfo if isinstance(begin, datetime) else None
    naive = begin.replace(tzinfo=None) if isinstance(begin, datetime) else datetime.combine(begin, time.min)
    last = min(naive, datetime.max - _AHEAD) + _AHEAD
    endless, step = rule.endless, 1
    if is_sparse(rule_parts(rule.prop)):
        step = int(rule_parts(rule.prop)["INTERVAL"])
        endless = ";".join(part for part in endless.split(";") if not part.startswith("INTERVAL="))
    dates: Any = rrulestr(f"{endless};UNTIL={last:%Y%m%dT%H%M%S}", dtstart=naive)
    for occurrence in dates:
        if (occurrence - naive).days % step:
            continue
        yield occurrence.replace(tzinfo=zone) if isinstance(begin, datetime) else occurrence.date()


def _is_over(
    occurrence: date | datetime,
    until: Property,
    begin: date | datetime,
    calendar: Component,
    floating: tzinfo,
) -> bool:
    """Whether an occurrence is after the end of its rule."""
    zone = begin.tzinfo if isinstance(begin, datetime) else None
    end = local_moment(until, calendar, zone or floating)
    if isinstance(end, datetime) == isinstance(occurrence, datetime):
        return occurrence > end
    day = occurrence.date() if isinstance(occurrence, datetime) else occurrence
    last = end.date() if isinstance(end, datetime) else end
    if abs(day - last) <= timedelta(days=1):
        raise ItemError("whether its last occurrence is reached depends on the time zone")
    return day > last


def _in_utc(moment: date | datetime) -> date | datetime:
    return moment.astimezone(UTC) if isinstance(moment, datetime) else moment


def _moved(
    prop: Property, begin: date | datetime, upcoming: date | datetime, calendar: Component, floating: tzinfo
) -> Property:
    """A start or an end as far from the next occurrence as it was from this one, by the clock."""
    old = local_moment(prop, calendar, floating)
    if isinstance(old, datetime) and isinstance(begin, datetime) and isinstance(upcoming, datetime):
        wall = old.astimezone(begin.tzinfo).replace(tzinfo=None) - begin.replace(tzinfo=None)
        new: date | datetime = (upcoming.replace(tzinfo=None) + wall).replace(tzinfo=begin.tzinfo)
    elif isinstance(old, datetime) or isinstance(begin, datetime) or isinstance(upcoming, datetime):
        raise ItemError("it has a time where its start has none, or the reverse")
    else:
        new = upcoming + (old - begin)
    moved = written(prop.name, new, prop, calendar, floating)
    if isinstance(new, datetime) and isinstance(old, datetime):
        shown = local_moment(moved, calendar, floating)
        wanted = new.astimezone(old.tzinfo).replace(tzinfo=None)
        if (
            moved.params != prop.params
            or not isinstance(shown, datetime)
            or shown.replace(tzinfo=None) != wanted
        ):
            raise ItemError("its next occurrence is at an hour that the clock does not show just once")
    return moved


def _rung_later(
    trigger: Property,
    begin: date | datetime,
    upcoming: date | datetime,
    calendar: Component,
    floating: tzinfo,
) -> Property:
    """An alarm at a moment as far from the next occurrence as it was from this one; others move by themselves."""
    if (trigger.param("VALUE") or "").upper() != "DATE-TIME" or not trigger.value.strip().endswith("Z"):
        return trigger
    zone = begin.tzinfo if isinstance(begin, datetime) else floating
    naive = [
        day.replace(tzinfo=None) if isinstance(day, datetime) else datetime.combine(day, time.min)
        for day in (begin, upcoming)
    ]
    rings = local_moment(trigger, calendar, floating)
    if not isinstance(rings, datetime):
        return trigger
    later = (rings.astimezone(zone).replace(tzinfo=None) + (naive[1] - naive[0])).replace(tzinfo=zone)
    return replace(
        trigger, value=written("TRIGGER", later, Property("TRIGGER", (), ""), calendar, floating).value
    )
