"""What one side cannot show in full: declared once, kept on the side that can, never echoed back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from tasks.values.canonical import same
from tasks.values.date_range import DateRange


def _as_shown(shown: Any, full: Any) -> Any:
    return shown


@dataclass(frozen=True, slots=True)
class Lossy:
    """How much of an attribute's value one side can show.

    A value there is equal to the full one when it shows all that this side can; nothing is written then.
    """

    #: The side that cannot show it in full: `left` or `right`; to a `SyncTask`, `notion` or `other`.
    side: str
    #: What that side shows of a full value. A value that it shows already must come back unchanged.
    show: Callable[[Any], Any]
    #: The full value that follows when that side shows something new: from what it shows now, and the full
    #: value before. By default the rest is given up.
    restore: Callable[[Any, Any], Any] = _as_shown

    def __post_init__(self) -> None:
        if self.side not in ("left", "right", "notion", "other"):
            raise ValueError(f"a side is 'notion' or 'other', not {self.side!r}")

    def agrees(self, full: Any, shown: Any, base: Any) -> bool:
        """Whether that side shows all that it can of a full value; `base` is what it showed when both agreed last."""
        return same(self.show(full), shown)

    def compared(self, shown: Any) -> Any:
        """What that side shows, in the form that `show` gives."""
        return shown

    def narrowed(self, full: Any, shown: Any) -> Any:
        """What that side, which shows this now, is to show of a full value."""
        return self.show(full)

    def widened(self, shown: Any, full: Any, base: Any) -> Any:
        """The full value that follows from what that side shows now; `base` is what it showed when both agreed."""
        return self.restore(shown, full)


def date_only(side: str) -> Lossy:
    """That side has no time of day; a new date there keeps the time that the full value had."""
    return Lossy(side, _date_of, _with_time_of)


def start_only(side: str) -> Lossy:
    """That side shows where a `DateRange` starts, and no more; a new start there moves the full range."""
    return Lossy(side, _start_of, _with_end_of)


def whole_minutes(side: str) -> Lossy:
    """That side has no seconds."""
    return Lossy(side, _minute_of)


def plain_text(side: str, show: Callable[[Any], Any]) -> Lossy:
    """That side has no formatting; `show` gives the plain text of a formatted value.

    A text that is edited there replaces the formatted one.
    """
    return Lossy(side, show)


def _date_of(value: Any) -> Any:
    return value.date() if isinstance(value, datetime) else value


def _with_time_of(shown: Any, full: Any) -> Any:
    if isinstance(full, datetime) and isinstance(shown, date) and not isinstance(shown, datetime):
        return datetime.combine(shown, full.timetz())
    return shown


def _start_of(value: Any) -> Any:
    return value.start if isinstance(value, DateRange) else value


def _with_end_of(shown: Any, full: Any) -> Any:
    if not isinstance(shown, date) or (isinstance(shown, datetime) and shown.utcoffset() is None):
        return shown
    return full.moved(shown) if isinstance(full, DateRange) else DateRange(shown)


def _minute_of(value: Any) -> Any:
    return value.replace(second=0, microsecond=0) if isinstance(value, datetime | time) else value
