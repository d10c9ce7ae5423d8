"""Times that pass, in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def span(seconds: float | timedelta | None) -> str:
    """A time in its two largest units."""
    if seconds is None:
        return "–"
    if isinstance(seconds, timedelta):
        seconds = seconds.total_seconds()
    if 0 < seconds < 10:
        return f"{seconds:.1f} s"
    left, parts = round(seconds), []
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        number, left = divmod(left, size)
        if number:
            parts.append(f"{number} {unit}")
    return " ".join(parts[:2]) or "0 s"


def ago(then: datetime | None) -> str:
    """How long ago, or in how long, in one unit."""
    if then is None:
        return "never"
    seconds = (datetime.now(UTC) - then).total_seconds()
    whole = rough(abs(seconds))
    if abs(seconds) < 1:
        return "now"
    return f"{whole} ago" if seconds > 0 else f"in {whole}"


def rough(seconds: float | timedelta | None) -> str:
    """A time in one unit."""
    if seconds is None:
        return "–"
    if isinstance(seconds, timedelta):
        seconds = seconds.total_seconds()
    if seconds < 90:
        return f"{round(seconds)} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    if seconds < 48 * 3600:
        return f"{round(seconds / 3600)} h"
    return f"{round(seconds / 86_400)} days"
