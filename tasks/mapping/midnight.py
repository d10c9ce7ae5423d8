"""Dates that an end keeps as midnight, as its moments always have a time of day: they stay dates at the other end."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from tasks.mapping.case import Case, Found
from tasks.mapping.converter import Way
from tasks.mapping.times import to_the_minute
from tasks.sides import End, Kind
from tasks.values.canonical import same
from tasks.values.date_range import DateRange
from tasks.values.lossy import Lossy

#: The kinds whose values may be dates.
_DATED = (Kind.MOMENT, Kind.SPAN)


@dataclass(frozen=True, slots=True)
class AtMidnight(Lossy):
    """That side shows a date as its midnight; a new midnight there is a new date where there was one."""

    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    #: What that side shows of a full value besides.
    inner: Lossy | None = None

    def agrees(self, full: Any, shown: Any, base: Any) -> bool:
        """Whether that side shows all that it can; a date that it shows all the same is as good as its midnight."""
        return same(self.show(full), midnight(shown, self.zone))

    def compared(self, shown: Any) -> Any:
        """A date that it shows all the same, as its midnight."""
        return midnight(shown, self.zone)

    def narrowed(self, full: Any, shown: Any) -> Any:
        """What that side is to show: what it has, where that says the same."""
        return shown if self.agrees(full, shown, None) else self.show(full)

    def widened(self, shown: Any, full: Any, base: Any) -> Any:
        """The full value that follows from what that side shows now."""
        was_date = _is_date(full.start if isinstance(full, DateRange) else full)
        if was_date and isinstance(shown, datetime):
            day = shown.astimezone(self.zone).date()
            shown = day if same(midnight(day, self.zone), shown) else shown
        return shown if self.inner is None else self.inner.widened(shown, full, base)


def midnight(value: Any, zone: ZoneInfo) -> Any:
    """The begin of a day; anything else, and a day without one, as it is."""
    if not _is_date(value):
        return value
    begin = datetime.combine(value, time(), zone)
    try:
        begin.astimezone(UTC)
    except OverflowError:
        return value
    return begin


def _is_date(value: Any) -> bool:
    return isinstance(value, date) and not isinstance(value, datetime)


def at_midnight(case: Case, found: Found) -> Found:
    """How two attributes meet of which one keeps dates as midnight."""
    ends = [end for end in End if case.at(end).kind is Kind.MOMENT and case.at(end).midnight_in]
    if len(ends) != 1 or case.at(ends[0].opposite).kind not in _DATED:
        return found
    (end,) = ends
    zone, inner, converter = ZoneInfo(case.at(end).midnight_in), found.lossy, found.converter
    if inner is not None and inner.side != end:  # the other end has no seconds: each lacks what the other has
        minutes = Way(to_the_minute, coarse=True)
        converter = case.ways(*((minutes, Way()) if end is case.first else (Way(), minutes)))
        inner = None
    show = inner.show if inner is not None else _same
    lossy = AtMidnight(end, lambda value: midnight(show(value), zone), zone=zone, inner=inner)
    told = f"{case.labels[end]} has no dates without a time, and keeps one as its midnight in {zone.key}"
    return replace(found, converter=converter, lossy=lossy, told="; ".join(filter(None, (found.told, told))))


def _same(value: Any) -> Any:
    return value
