"""Notion's dates: days, or moments to the minute, each with an end or without."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

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


def start(held: Json | None) -> date | datetime | None:
    """The start of a date value: a `date` for a day, else a moment in UTC."""
    return _moment(held["start"], held.get("time_zone")) if held and held.get("start") else None


def moved(held: Json | None, new: date) -> Json:
    """A date value with a new start.

    An end that the value has stays if it is of the same kind, day or moment, and not before the new start;
    else it goes, as Notion takes no such range.

    Raises:
        ValueError: the start is a moment without a time zone, or out of range.
        TypeError: it is neither a day nor a moment.
    """
    if isinstance(new, datetime):
        new = floored(new)
    elif not isinstance(new, date):
        raise TypeError(f"{type(new).__name__} is no date")
    value: Json = {"start": new.isoformat(), "end": None}
    if held and held.get("end"):
        end = _moment(held["end"], held.get("time_zone"))
        if type(end) is type(new) and end >= new:
            value["end"] = end.isoformat()
    return value


def _moment(text: str, zone: str | None) -> date | datetime:
    if "T" not in text:
        return date.fromisoformat(text)
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=_zone(zone))
    return floored(moment)


def _zone(name: str | None) -> Any:
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError):
        return UTC
