"""Hours in which nothing is started, by the clock on a wall."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from functools import cache

from tasks.nearest import nearest
from tasks.schedule.zones import zone_of

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = 24 * 60
_RANGE = re.compile(r"(?:(?P<days>[a-z][a-z,\s-]*?))?\s*(?:(?P<from>\d\d?:\d\d)\s*-\s*(?P<to>\d\d?:\d\d))?")
_HOW = 'write "22:00-06:00", "sat-sun" or "mon-fri 12:00-13:00"'


@dataclass(frozen=True, slots=True)
class Range:
    """Hours of some days. Those that go on past midnight belong to the day on which they begin."""

    #: From Monday, 0, to Sunday, 6.
    days: frozenset[int]
    #: Minutes of the day, from the first to before the second, which is smaller where they pass midnight.
    begin: int
    end: int

    def has(self, day: int, minute: int) -> bool:
        """Whether a minute of a day is one of them."""
        if self.begin < self.end:
            return day in self.days and self.begin <= minute < self.end
        return (day in self.days and minute >= self.begin) or (
            (day - 1) % 7 in self.days and minute < self.end
        )


@dataclass(frozen=True, slots=True)
class Quiet:
    """Ranges in a time zone; a moment is quiet if the clock shows a time in one of them."""

    ranges: tuple[Range, ...]
    zone: tzinfo

    def has(self, moment: datetime) -> bool:
        """Whether a moment is quiet."""
        wall = moment.astimezone(self.zone)
        return self._has(wall.weekday(), 60 * wall.hour + wall.minute)

    def end(self, moment: datetime) -> datetime:
        """The first moment from this one on that is not quiet, in UTC."""
        moment = moment.astimezone(UTC)
        while self.has(moment):
            moment = min(later for later in self._ends(moment) if later > moment)
        return moment

    def _has(self, day: int, minute: int) -> bool:
        return any(each.has(day, minute) for each in self.ranges)

    def _ends(self, moment: datetime) -> Iterable[datetime]:
        """Moments of the next days at which ranges may end."""
        today = moment.astimezone(self.zone).date()
        for minute in {each.end % _DAY for each in self.ranges}:
            clock = time(minute // 60, minute % 60)
            for days in range(3):
                for fold in (0, 1):
                    wall = datetime.combine(today + timedelta(days), clock, self.zone).replace(fold=fold)
                    yield self._shown(wall.astimezone(UTC), wall)

    def _shown(self, moment: datetime, wall: datetime) -> datetime:
        """The moment itself; or where the clock never shows that time, the one at which it passes over it."""
        shown = moment.astimezone(self.zone).replace(tzinfo=None, fold=0)
        asked = wall.replace(tzinfo=None, fold=0)
        if shown == asked:
            return moment
        low, high = moment - timedelta(hours=26), moment + timedelta(hours=26)
        while high - low > timedelta(
            seconds=1
        ):  # the clock is before the time at `low`, and past it at `high`
            middle = low + (high - low) / 2
            if middle.astimezone(self.zone).replace(tzinfo=None, fold=0) < asked:
                low = middle
            else:
                high = middle
        return high.replace(microsecond=0)

    def leaves_time(self) -> bool:
        """Whether some time of the week is not quiet."""
        return any(not self._has(day, each.end % _DAY) for each in self.ranges for day in range(7))


@cache
def quiet_of(ranges: tuple[str, ...], timezone: str = "") -> Quiet:
    """The ranges, read.

    Raises:
        ValueError: one cannot be read, or they leave no time in which something could be started.
    """
    quiet = Quiet(tuple(map(_read, ranges)), zone_of(timezone))
    if not quiet.leaves_time():
        raise ValueError(f"{', '.join(ranges)}: all of the week is quiet, so nothing would ever be started")
    return quiet


def _read(text: str) -> Range:
    found = _RANGE.fullmatch(text.strip().lower())
    if found is None or not any(found.groups()):
        raise ValueError(f"{text!r} says no hours: {_HOW}")
    days = _days(found["days"], text) if found["days"] else frozenset(range(7))
    if found["from"] is None:
        return Range(days, 0, _DAY)
    begin, end = (_minute(found[part], text) for part in ("from", "to"))
    if begin % _DAY == end % _DAY and (begin, end) != (0, _DAY):
        raise ValueError(f"{text!r} ends when it begins: {_HOW}")
    return Range(days, begin % _DAY, end)


def _days(text: str, whole: str) -> frozenset[int]:
    days: set[int] = set()
    for part in re.split(r"[,\s]+", text.strip(", ")):
        first, _, last = part.partition("-")
        names = [first, last] if last else [first]
        for name in names:
            if name not in DAYS:
                raise ValueError(f"{whole!r}: there is no day {name!r}, {nearest(name, DAYS)}")
        begin, end = DAYS.index(names[0]), DAYS.index(names[-1])
        days |= {day % 7 for day in range(begin, end + 1 if end >= begin else end + 8)}
    return frozenset(days)


def _minute(text: str, whole: str) -> int:
    hour, minute = map(int, text.split(":"))
    if minute > 59 or 60 * hour + minute > _DAY:
        raise ValueError(f"{whole!r}: there is no time {text}")
    return 60 * hour + minute
