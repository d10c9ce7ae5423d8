"""The time of the workspace: the real one, or one that a test sets and moves."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from threading import Lock

MINUTE_MS = 60_000
_LATEST_MS = 32_503_680_000_000


class Clock:
    """Gives milliseconds since 1970 in UTC. `ValueError` for moments before 1970 or after the year 3000."""

    def __init__(self) -> None:
        self._lock = Lock()
        #: Where the clock was put, at which real moment (monotonic), and how fast it goes since; None: real time.
        self._put: tuple[float, float, float] | None = None

    def now(self) -> int:
        """The present moment, in milliseconds."""
        with self._lock:
            if self._put is None:
                return int(time.time() * 1000)
            began, real, speed = self._put
            return int(began + (time.monotonic() - real) * 1000 * speed) if speed else int(began)

    def set(self, moment: datetime | None) -> None:
        """Stand still at `moment` (aware); None goes back to the real time."""
        self._put_to(None if moment is None else (milliseconds(moment), 0.0, 0.0))

    def run(self, speed: float, moment: datetime | None = None) -> None:
        """Go on from `moment`, or from now, `speed` times as fast as the real time."""
        began = self.now() if moment is None else milliseconds(moment)
        self._put_to((began, time.monotonic(), speed))

    def advance(self, by: timedelta) -> None:
        """Go to a moment `by` later than now: the real time stops there, a clock that runs runs on."""
        now = self.now()
        speed = self._put[2] if self._put else 0.0
        self._put_to((now + by.total_seconds() * 1000, time.monotonic(), speed))

    def _put_to(self, put: tuple[float, float, float] | None) -> None:
        if put is not None and not 0 <= put[0] <= _LATEST_MS:
            raise ValueError("the clock of a workspace goes from 1970 to 3000")
        with self._lock:
            self._put = put


def milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970 of an aware moment."""
    return round(moment.timestamp() * 1000)


def moment(ms: int) -> datetime:
    """The aware moment, in UTC, of milliseconds since 1970."""
    return datetime.fromtimestamp(ms // 1000, UTC) + timedelta(milliseconds=ms % 1000)


def minute_text(ms: int) -> str:
    """As pages, data sources, blocks and comments show a time: floored to the minute."""
    return moment(ms - ms % MINUTE_MS).strftime("%Y-%m-%dT%H:%M:00.000Z")


def second_text(ms: int) -> str:
    """As imports of files show a time: of a whole second."""
    return exact_text(ms - ms % 1000)


def utc_text(ms: int) -> str:
    """As asynchronous tasks show a time: with milliseconds, in UTC."""
    return moment(ms).strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03d}Z"


def exact_text(ms: int) -> str:
    """As databases show a time: with milliseconds and an offset."""
    return moment(ms).strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03d}+00:00"
