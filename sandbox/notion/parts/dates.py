"""Dates and times as Notion keeps them: whole days stay days, times are floored to the minute."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.notion.requests import errors

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def parse(text: object) -> date | datetime | None:
    """A day or a moment (naive or aware) of ISO text; None when it is neither."""
    if not isinstance(text, str):
        return None
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
        if "T" not in text and " " not in text:
            return None
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def normalise(value: Any, path: str) -> dict[str, Any] | None:
    """A date as written, in the form in which it is kept and shown."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise errors.bad_body(path, "an object or `null`", value)
    if "start" not in value:
        raise errors.bad_body(f"{path}.start", "defined")
    zone = _zone(value.get("time_zone"), f"{path}.time_zone")
    start = _point(value["start"], zone, f"{path}.start")
    end = None if value.get("end") is None else _point(value["end"], zone, f"{path}.end")
    if end is not None:
        if isinstance(end, datetime) != isinstance(start, datetime):
            raise errors.validation(
                "Invalid date: start and end must both be dates, or both be dates with a time."
            )
        if end < start:
            raise errors.validation("Invalid date: start must be before end.")
    return {"start": show(start), "end": None if end is None else show(end), "time_zone": None}


def _zone(name: Any, path: str) -> ZoneInfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, TypeError, KeyError):  # KeyError: ZoneInfoNotFoundError
        raise errors.bad_body(path, "a valid time zone", name) from None


def _point(text: Any, zone: ZoneInfo | None, path: str) -> date | datetime:
    point = parse(text)
    if point is None:
        raise errors.bad_body(path, "a valid ISO 8601 date string", text)
    if isinstance(point, datetime):
        if point.tzinfo is None:
            point = point.replace(tzinfo=zone or UTC)
        return point.replace(second=0, microsecond=0)
    if zone is not None:
        raise errors.validation(f"Time zone can only be used with a date that has a time: {path}")
    return point


def show(point: date | datetime) -> str:
    """ISO text: a day, or a moment with milliseconds and an offset."""
    if not isinstance(point, datetime):
        return point.isoformat()
    return point.isoformat(timespec="milliseconds")


def start_of(value: dict[str, Any] | None) -> date | datetime | None:
    """The start of a kept date."""
    return None if value is None else parse(value["start"])


def as_moment(point: date | datetime) -> datetime:
    """A day counts as its first moment in UTC."""
    if isinstance(point, datetime):
        return point if point.tzinfo else point.replace(tzinfo=UTC)
    return datetime(point.year, point.month, point.day, tzinfo=UTC)
