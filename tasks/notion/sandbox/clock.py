"""The time of the workspace: the real one, or one that a test sets and moves."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from threading import Lock

MINUTE_MS = 60_000


class Clock:
    """Gives milliseconds since 1970 in UTC."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._fixed: int | None = None

    def now(self) -> int:
        """The present moment, in milliseconds."""
        with self._lock:
            return self._fixed if self._fixed is not None else int(time.time() * 1000)

    def set(self, moment: datetime | None) -> None:
        """Stand still at `moment` (aware); None goes back to the real time."""
        with self._lock:
            self._fixed = None if moment is None else milliseconds(moment)

    def advance(self, by: timedelta) -> None:
        """Stand still, `by` later than now."""
        now = self.now()
        with self._lock:
            self._fixed = now + round(by.total_seconds() * 1000)


def milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970 of an aware moment."""
    return round(moment.timestamp() * 1000)


def moment(ms: int) -> datetime:
    """The aware moment, in UTC, of milliseconds since 1970."""
    return datetime.fromtimestamp(ms // 1000, UTC) + timedelta(milliseconds=ms % 1000)


def minute_text(ms: int) -> str:
    """As pages, data sources, blocks and comments show a time: floored to the minute."""
    return moment(ms - ms % MINUTE_MS).strftime("%Y-%m-%dT%H:%M:00.000Z")


def exact_text(ms: int) -> str:
    """As databases show a time: with milliseconds and an offset."""
    return moment(ms).strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03d}+00:00"
