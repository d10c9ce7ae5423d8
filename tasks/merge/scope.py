"""Which objects a task takes: those with certain values, and those whose time is near."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from tasks.values.canonical import is_empty, same
from tasks.values.date_range import DateRange
from tasks.values.opaque import Opaque

#: A day begins so much before that of UTC in the east, and ends so much later in the west.
_EAST, _WEST = timedelta(hours=14), timedelta(hours=12)
#: No moment is later.
_LAST = datetime.max - datetime.min


@dataclass(frozen=True, slots=True)
class Filter:
    """That an attribute of one side has one of some values."""

    #: By the side's own name.
    attribute: str
    #: As the side has them.
    values: tuple[Any, ...]

    def fits(self, values: Mapping[str, Any]) -> bool:
        """Whether an object's values do; what cannot be read leaves nothing out."""
        value = values[self.attribute]
        if isinstance(value, Opaque):
            return True
        several = isinstance(value, list | tuple | set | frozenset)
        return any(same(one, wanted) for one in (value if several else (value,)) for wanted in self.values)


@dataclass(frozen=True, slots=True)
class Window:
    """That the time in an attribute is not too far from now."""

    #: As the merge calls it.
    attribute: str
    #: How far back and ahead; `None` without end.
    past: timedelta | None = None
    future: timedelta | None = None
    #: Whether what has no time is taken.
    undated: bool = True

    def holds(self, values: Mapping[str, Any], now: datetime) -> bool:
        """Whether an object is in it. A day is, where it is anywhere on earth; what cannot be read is."""
        value = values[self.attribute]
        if isinstance(value, Opaque):
            return True
        if is_empty(value):
            return self.undated
        start, end = _edges(value)
        return not (
            (self.past is not None and end < _order(now) - self.past)
            or (self.future is not None and start > _order(now) + self.future)
        )

    def moves_at(self, values: Mapping[str, Any], now: datetime) -> datetime | None:
        """The first moment from now on after which time alone may take an object in or out; `None`: there is none."""
        value = values.get(self.attribute)
        if isinstance(value, Opaque) or is_empty(value):
            return None
        start, end = _edges(value)
        moments = [end + self.past] if self.past is not None else []
        moments += [start - self.future] if self.future is not None else []
        ahead = [one for one in moments if _order(now) <= one <= _LAST]
        return datetime.min.replace(tzinfo=UTC) + min(ahead) if ahead else None


def _edges(value: Any) -> tuple[timedelta, timedelta]:
    """The first and the last moment of a day, a moment or a span, since the begin of time, at UTC."""
    if isinstance(value, DateRange):
        start, last = _edges(value.start), _edges(value.end if value.end is not None else value.start)
        return start[0], last[1]
    if isinstance(value, datetime):
        return _order(value), _order(value)
    if isinstance(value, date):
        midnight = _order(datetime.combine(value, time(), UTC))
        return midnight - _EAST, midnight + timedelta(days=1) + _WEST
    raise TypeError(f"a {type(value).__name__} is no time")


def _order(moment: datetime) -> timedelta:
    """A moment so that any two compare; also where a zone has no such year."""
    return moment.replace(tzinfo=None, fold=0) - datetime.min - (moment.utcoffset() or timedelta(0))
