"""How numbers stand in a text, said by a sample: `1.234,56` is the number 1234.56 as it is to be written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from tasks.mapping.numbers import number
from tasks.mapping.texts import line

#: No sign, no digit, no letter: what may stand between digits.
_BETWEEN = r"[^\w+\-\u2212]|_"
_SAMPLE = re.compile(
    rf"(?P<before>[^\d+\-\u2212]*)1(?P<thousands>{_BETWEEN})?234(?:(?P<point>{_BETWEEN})(?P<decimals>[0-9]+))?"
    r"(?P<after>\D*)"
)
_SIGNS = {"-": "-", "\u2212": "-", "+": "", None: ""}
#: Digits that a double may need before the point, and some.
_WIDTH = 400


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """How numbers are written in a text and read again."""

    before: str
    thousands: str
    point: str
    #: Decimal places: so many are written, and no more are read.
    places: int
    after: str

    def spell(self, value: Any) -> str:
        """A number as a text, rounded to the places that there are."""
        exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
        near = exact.quantize(Decimal(1).scaleb(-self.places), context=_context(self.places))
        digits = f"{near.copy_abs():,f}"  # abs would round it
        shown = "".join({",": self.thousands, ".": self.point}.get(sign, sign) for sign in digits)
        return f"{self.before}{'-' if near < 0 else ''}{shown}{self.after}"

    def read(self, text: str) -> Any:
        """The number that a text says.

        Raises:
            ValueError: it is not written like this.
        """
        found = re.fullmatch(self._pattern, text)
        if found is None:
            raise ValueError("no such number")
        whole = re.sub(r"[^0-9]", "", found["whole"])
        digits = f"{_SIGNS[found['sign']]}{whole}"
        # A whole number stays as it is, also where a double would only come near to it.
        return number(Decimal(f"{digits}.{found['decimals']}") if found["decimals"] else int(Decimal(digits)))

    @property
    def _pattern(self) -> str:
        between = r"\s" if self.thousands.isspace() else re.escape(self.thousands)
        groups = rf"[0-9]{{1,3}}(?:{between}[0-9]{{3}})+|" if self.thousands else ""
        decimals = rf"(?:{re.escape(self.point)}(?P<decimals>[0-9]{{1,{self.places}}}))?"
        return (
            rf"{_loose(self.before)}(?P<sign>[+\-\u2212])?(?P<whole>{groups}[0-9]+)"
            rf"{decimals if self.places else '(?P<decimals>(?!))?'}{_loose(self.after)}"
        )


def read_number_format(sample: str) -> NumberFormat:
    """The format that a sample shows.

    Raises:
        ValueError: it shows none.
    """
    found = _SAMPLE.fullmatch(line(sample) or "")
    if found is None:
        raise ValueError(
            f'{sample!r} does not show how the number 1234.56 is written: say it as "1.234,56", "1,234.56 $" or "1234"'
        )
    thousands, point, decimals = (found[name] or "" for name in ("thousands", "point", "decimals"))
    if point and (thousands == point or point.isspace()):
        raise ValueError(
            f"{sample!r} has the same sign before the thousands and the decimals, or a space there"
        )
    return NumberFormat(found["before"], thousands, point, len(decimals), found["after"])


def _context(places: int) -> Context:
    return Context(prec=_WIDTH + places, rounding=ROUND_HALF_UP)


def _loose(text: str) -> str:
    """A pattern for what stands beside a number, with whatever space is in it."""
    return r"\s*".join(map(re.escape, re.split(r"\s+", text)))
