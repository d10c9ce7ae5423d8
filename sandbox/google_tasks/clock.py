"""The time of the account: the real one, or one that a test sets and moves. No two stamps are the same."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from threading import Lock

#: From how far on a time that is set before the last stamp is taken up; until then stamps just follow each other.
_BACK_MS = 60_000


class Clock:
    """Gives aware moments in UTC, to the millisecond."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._fixed: datetime | None = None
        self._last = 0

    def now(self) -> datetime:
        """The present moment."""
        with self._lock:
            return self._fixed or datetime.fromtimestamp(time.time(), UTC)

    def stamp(self) -> datetime:
        """The moment of a change: later than every one before."""
        milliseconds = int(self.now().timestamp() * 1000)
        with self._lock:
            self._last = max(milliseconds, self._last + 1)
            return datetime.fromtimestamp(self._last // 1000, UTC) + timedelta(milliseconds=self._last % 1000)

    def set(self, moment: datetime | None) -> None:
        """Stand still at a moment; `None` goes back to the real time."""
        with self._lock:
            self._fixed = moment
            now = time.time() if moment is None else moment.timestamp()
            if self._last - int(now * 1000) > _BACK_MS:
                self._last = 0

    def advance(self, by: timedelta) -> None:
        """Go to a moment later than now, and stand still there."""
        self.set(self.now() + by)


def text(moment: datetime) -> str:
    """As the API shows a time: with milliseconds, in UTC."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
