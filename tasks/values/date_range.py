"""A day or a moment, alone or with an end, as one value."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any


@dataclass(frozen=True, slots=True)
class DateRange:
    """From a start to an end, or a start alone; both are days, or both are moments with a time zone.

    Ranges of the same instants are equal, whatever their zones.

    Raises:
        ValueError: the edges are of different kinds, a moment has no zone, or the end is before the start.
    """

    start: date
    end: date | None = None
    #: Name of the zone in which people see the moments, such as `Europe/Berlin`; `None`: only the offset is
    #: known.
    zone: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        for edge in (self.start, self.end):
            if isinstance(edge, datetime) and edge.utcoffset() is None:
                raise ValueError("the time has no time zone")
        if self.end is None:
            return
        if isinstance(self.end, datetime) is not self.has_time:
            raise ValueError("a range is from day to day or from moment to moment")
        if _order(self.end) < _order(self.start):
            raise ValueError("the end of a range is before its start")

    @property
    def has_time(self) -> bool:
        """Whether the edges are moments, not days."""
        return isinstance(self.start, datetime)

    def moved(self, start: date) -> DateRange:
        """The range from another start, seen in the same zone.

        The end stays where it is. Where it cannot, as the start is after it or of the other kind, the length
        stays.

        Raises:
            ValueError: the start is a moment without a time zone, or the end is out of range.
        """
        if isinstance(start, datetime) and isinstance(self.start, datetime) and start.utcoffset() is not None:
            with suppress(OverflowError):  # at the ends of time other zones have other years
                start = start.astimezone(self.start.tzinfo)
        zone = self.zone if isinstance(start, datetime) else None
        return DateRange(start, self._end_from(start), zone)

    def _end_from(self, start: date) -> date | None:
        if self.end is None:
            return None
        if isinstance(start, datetime) is self.has_time:
            if _order(self.end) >= _order(start):
                return self.end
            length: timedelta = _order(self.end) - _order(self.start)
        else:
            length = _day(self.end) - _day(self.start)
        try:
            return start + length
        except OverflowError:
            raise ValueError("the end of the range is out of range") from None


def _order(edge: date) -> Any:
    """An edge so that it compares as an instant: within one zone, Python compares what the clock shows."""
    if not isinstance(edge, datetime):
        return edge
    return edge.replace(tzinfo=None, fold=0) - datetime.min - (edge.utcoffset() or timedelta(0))


def _day(edge: date) -> date:
    return edge.date() if isinstance(edge, datetime) else edge
