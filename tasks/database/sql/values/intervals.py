"""Lengths of time of PostgreSQL, with their months and days: a month is no number of seconds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import sqlalchemy as sa

_SECOND = 1_000_000
_LENGTH = re.compile(r"P(?:(-?\d+)M)?(?:(-?\d+)D)?(?:T(-?\d+(?:\.\d{1,6})?)S)?")


@dataclass(frozen=True)
class Length:
    """A length of time as PostgreSQL keeps it."""

    months: int
    days: int
    microseconds: int

    @classmethod
    def read(cls, text: str) -> Length:
        """A length as nodes tell it: seconds, or `P14M3DT5.5S` where it has months or days.

        Raises:
            ValueError: it is no length.
        """
        months = days = "0"
        seconds: str | None = text
        if text.startswith("P"):
            found = _LENGTH.fullmatch(text)
            if found is None:
                raise ValueError("no length of time")
            months, days, seconds = found[1] or "0", found[2] or "0", found[3]
        try:
            exact = Decimal(seconds or "0") * _SECOND
        except InvalidOperation:
            raise ValueError("no length of time") from None
        if not exact.is_finite() or exact != exact.to_integral_value():
            raise ValueError("a length of time of less than a microsecond")
        return cls(int(months), int(days), int(exact))

    @classmethod
    def of_parts(cls, text: str) -> Length:
        """A length as `parts` has the database show it."""
        return cls(*map(int, text.split()))

    def __str__(self) -> str:
        seconds = f"{Decimal(self.microseconds) / _SECOND:f}"
        seconds = seconds.rstrip("0").rstrip(".") if "." in seconds else seconds
        if not self.months and not self.days:
            return seconds
        months = f"{self.months}M" if self.months else ""
        days = f"{self.days}D" if self.days else ""
        return f"P{months}{days}" + (f"T{seconds}S" if self.microseconds else "")

    def literal(self) -> str:
        """As PostgreSQL reads it in every style: each part has a sign of its own."""
        minutes, rest = divmod(abs(self.microseconds), 60 * _SECOND)
        sign = "-" if self.microseconds < 0 else "+"
        clock = f"{sign}{minutes // 60:02}:{minutes % 60:02}:{rest // _SECOND:02}.{rest % _SECOND:06}"
        return f"{self.months:+} mons {self.days:+} days {clock}"


def shown(value: timedelta) -> str:
    """A length of time that only the driver's own form is known of."""
    return str(Length(0, 0, value // timedelta(microseconds=1)))


def parts(column: sa.ColumnElement[object]) -> sa.ColumnElement[str | None]:
    """Months, days and microseconds of a column, which drivers would add up."""

    def part(*units: tuple[str, int]) -> sa.ColumnElement[int]:
        whole: sa.ColumnElement[Any] = sa.literal_column("0")
        for unit, factor in units:
            whole = whole + sa.extract(unit, column) * sa.literal_column(str(factor))
        return sa.cast(whole, sa.BigInteger)

    months = part(("year", 12), ("month", 1))
    clock = part(("hour", 3600 * _SECOND), ("minute", 60 * _SECOND), ("microseconds", 1))
    whole = sa.func.concat_ws(" ", months, part(("day", 1)), clock)
    kept = sa.case((sa.func.isfinite(column), whole), else_=sa.cast(column, sa.Text))
    return sa.case((column.is_not(None), kept), else_=None)
