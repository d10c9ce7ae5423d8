"""Time zones by their names."""

from __future__ import annotations

from datetime import UTC, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from tasks.nearest import nearest


@cache
def zone_of(name: str) -> tzinfo:
    """The time zone of this name, such as `Europe/Berlin`; empty is UTC.

    Raises:
        ValueError: there is none.
    """
    if name in {"", "UTC"}:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        meant = nearest(name, available_timezones())
        mend = meant if meant.startswith("did you mean") else 'write one such as "Europe/Berlin"'
        raise ValueError(f"there is no time zone {name!r}: {mend}") from None
