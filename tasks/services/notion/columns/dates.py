"""Notion's dates: days, or moments to the minute, each with an end or without."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tasks.values.date_range import DateRange

Json = dict[str, Any]


def floored(moment: datetime) -> datetime:
    """A moment in UTC, cut to the minute, which is all that Notion keeps.

    Raises:
        ValueError: it has no time zone, or lies outside the years that UTC can say.
    """
    if moment.utcoffset() is None:
        raise ValueError("the time has no time zone")
    try:
        return moment.astimezone(UTC).replace(second=0, microsecond=0)
    except OverflowError:
        raise ValueError("the time is out of range") from None


def read(held: Json | None) -> DateRange | None:
    """A date value, with its end and its zone."""
    if not held or not held.get("start"):
        return None
    zone = _known_zone(held.get("time_zone"))
    start = _edge(held["start"], zone)
    end = _edge(held["end"], zone) if held.get("end") else None
    # Notion takes no end before the start or of another kind; where it shows one all the same, it says nothing.
    named = zone.key if zone is not None and isinstance(start, datetime) else None
    try:
        return DateRange(start, end, named)
    except ValueError:
        return DateRange(start, None, named)


def start(held: Json | None) -> date | datetime | None:
    """The start of a date value: a `date` for a day, else a moment in UTC."""
    found = read(held)
    if found is None:
        return None
    return floored(found.start) if isinstance(found.start, datetime) else found.start


def written(new: date | DateRange, held: Json | None) -> Json:
    """A date value as it is sent.

    Parameters:
        new: the whole value, or its start alone, which moves the range that is held.
        held: what the page shows now.

    Raises:
        ValueError: an edge is a moment without a time zone, or out of range.
        TypeError: it is neither a day nor a moment nor a range.
    """
    if isinstance(new, DateRange):
        return _to_json(new)
    if not isinstance(new, date):
        raise TypeError(f"{type(new).__name__} is no date")
    if isinstance(new, datetime):
        new = floored(new)
    before = read(held)
    return _to_json(before.moved(new) if before is not None else DateRange(new))


def _to_json(value: DateRange) -> Json:
    edges = [value.start] if value.end is None else [value.start, value.end]
    moments = [_minute(edge) for edge in edges if isinstance(edge, datetime)]
    walls: list[datetime] = []
    zone = _known_zone(value.zone)
    if zone is not None and moments:
        # With a zone's name Notion takes no offset, which an hour that is there twice would need. At the ends of
        # time the clock of a zone shows a year that does not exist.
        with suppress(OverflowError):
            walls = [moment.astimezone(zone).replace(tzinfo=None, fold=0) for moment in moments]
        if walls and [floored(wall.replace(tzinfo=zone)) for wall in walls] == list(map(floored, moments)):
            return _dated([wall.isoformat() for wall in walls]) | {"time_zone": zone.key}
    return _dated([edge.isoformat() for edge in moments or edges])


def _dated(edges: list[str]) -> Json:
    return {"start": edges[0], "end": edges[1] if len(edges) > 1 else None}


def _minute(moment: datetime) -> datetime:
    """The moment cut to the minute, in its own zone where that can say it."""
    minute = floored(moment)
    try:
        shown = minute.astimezone(moment.tzinfo)
    except OverflowError:
        return minute
    whole = (shown.utcoffset() or minute - minute).total_seconds() % 60 == 0
    return shown if whole else minute  # offsets of bygone times had seconds, which Notion cannot say


def _edge(text: str, zone: ZoneInfo | None) -> date | datetime:
    if "T" not in text:
        return date.fromisoformat(text)
    moment = datetime.fromisoformat(text)
    return _minute(moment.replace(tzinfo=zone or UTC) if moment.tzinfo is None else moment)


def _known_zone(name: str | None) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
