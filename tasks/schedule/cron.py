"""Times of the calendar, as cron writes them.

`cronsim` finds them as Debian's cron does, also where clocks are set. If minute or hour begins with a star, the times
are those that a clock on the wall shows, however often it does: `*/10 * * * *` comes every ten minutes of real time.
Else each time comes once a day: one that a clock leaves out comes when it goes on, one that it shows twice comes the
first time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import cache

from cronsim import CronSim, CronSimError

from tasks.nearest import nearest
from tasks.schedule.zones import zone_of

#: What an expression is made of.
FIELDS = ("minute", "hour", "day of the month", "month", "day of the week")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMES = {FIELDS[3]: _MONTHS, FIELDS[4]: _DAYS}
#: Any moment will do to see whether an expression can be read.
_ANY = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Cron:
    """An expression of five fields, read in a time zone."""

    expression: str
    zone: tzinfo

    def after(self, moment: datetime) -> datetime | None:
        """The first of its times that is later than a moment, in UTC; `None` where none comes in 50 years."""
        times = CronSim(self.expression, moment.astimezone(self.zone))
        for time in times:
            # From the second of two hours that a clock shows, the first one is looked at again.
            if (found := time.astimezone(UTC)) > moment:
                return found
        return None

    def __str__(self) -> str:
        words = CronSim(self.expression, _ANY).explain()
        return words[:1].lower() + words[1:]


@cache
def cron_of(expression: str, timezone: str = "") -> Cron:
    """The expression, read.

    Raises:
        ValueError: it is none, or none of its times ever comes.
    """
    parts = expression.split()
    if len(parts) != len(FIELDS):
        raise ValueError(
            f'{expression!r} has {len(parts)} fields, not 5: write {", ".join(FIELDS)}, such as "0 9 * * mon-fri"'
        )
    for field, part in zip(FIELDS, parts, strict=True):
        _check(field, part, expression)
    cron = Cron(" ".join(parts), zone_of(timezone))
    try:
        first = cron.after(_ANY)
    except CronSimError:  # each field can be read: a month has no such day
        first = None
    if first is None:
        raise ValueError(f"{expression!r} never comes: no such day is in the calendar")
    return cron


def _check(field: str, part: str, expression: str) -> None:
    """See to it that one field can be read.

    Raises:
        ValueError: it cannot; the message names it.
    """
    if (alike := re.search(r"\b(\w+)-\1/", part.lower())) is not None:  # cronsim takes it for an open end
        raise ValueError(
            f"{expression!r}: the {field} {part!r} goes from {alike[1]} to {alike[1]}: write {alike[1]}"
        )
    alone = ["*"] * len(FIELDS)
    alone[FIELDS.index(field)] = part
    try:
        CronSim(" ".join(alone), _ANY)
    except CronSimError as error:
        # A 30th of February fails as a whole; alone, every day of a month is one of some month.
        names = _NAMES.get(field, ())
        wrong = [word for word in re.findall(r"[A-Za-z]+", part) if word.lower() not in names]
        mend = nearest(wrong[0].lower(), names) if wrong and names else f"{_range(field)}, *, lists and steps"
        raise ValueError(f"{expression!r}: the {field} {part!r} cannot be read: {mend}") from error


def _range(field: str) -> str:
    low, high = {FIELDS[0]: (0, 59), FIELDS[1]: (0, 23), FIELDS[2]: (1, 31), FIELDS[3]: (1, 12)}.get(
        field, (0, 7)
    )
    return f"it takes {low} to {high}"
