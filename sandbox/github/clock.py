"""The time of the stand-in, to the second, as GitHub tells it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Clock:
    """The machine's time, set forward as far as a test wants."""

    def __init__(self) -> None:
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        """The time in whole seconds."""
        return (datetime.now(UTC) + self._ahead).replace(microsecond=0)

    def advance(self, time: timedelta) -> None:
        """Set it forward."""
        self._ahead += time


def stamp(moment: datetime | None) -> str | None:
    """A moment as GitHub writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment is not None else None
