"""Values of columns: how each kind is read from what the database gives, and written back.

What the database gives and takes is *raw*: a text from PostgreSQL, which shows and reads every type as text; a text, a
number or bytes from SQLite, which keeps any of them in any column. What is raw and odd makes only its value `Opaque`.
"""

from __future__ import annotations

import json
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar, TypeAlias
from zoneinfo import ZoneInfo

from tasks.sides import Kind
from tasks.values.opaque import Opaque

#: What a driver gives and takes.
Raw: TypeAlias = str | int | float | bytes | None
#: What goes to the database before it has the form of its driver.
Plain: TypeAlias = str | int | float | bool | bytes | Decimal | list[str] | None

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MIDNIGHT = re.compile(r"[ T]00:00(:00(\.0+)?)?")
_LEAST, _MOST = -(2**63), 2**63 - 1


class WrongValueError(ValueError):
    """What is no value of a column, in words that follow its name."""


@dataclass(frozen=True, slots=True)
class Codec(ABC):
    """How values of one column are read and written."""

    kind: ClassVar[Kind]
    nullable: bool = True

    def read(self, raw: Raw) -> Any:
        """The value that is shown; `Opaque` where it cannot be read."""
        if raw is None:
            return None
        try:
            return self._decode(raw)
        except (ValueError, ArithmeticError) as error:
            return Opaque(str(error), odd=True)

    def write(self, value: Any, old: Raw = None) -> Plain:
        """What is kept of a value, in the form that the old one has.

        Raises:
            WrongValueError: it does not fit.
        """
        if value is None or value in ("", ()):
            return self._empty()
        return self._encode(value, old)

    def _empty(self) -> Plain:
        """What is kept where there is no value.

        Raises:
            WrongValueError: there has to be one.
        """
        if not self.nullable:
            raise WrongValueError("cannot be empty")
        return None

    @abstractmethod
    def _decode(self, raw: Raw) -> Any:
        """The value of what is there.

        Raises:
            WrongValueError: it cannot be read.
        """

    @abstractmethod
    def _encode(self, value: Any, old: Raw) -> Plain:
        """What is kept of a value that says something.

        Raises:
            WrongValueError: it does not fit.
        """


@dataclass(frozen=True, slots=True)
class Text(Codec):
    """Texts, and every type that a database shows as one."""

    kind = Kind.TEXT
    length: int | None = None
    #: Whether the database takes the sign NUL.
    takes_nul: bool = False
    #: Whether the text has to be JSON, where the database does not look itself.
    is_json: bool = False
    #: Whether an empty text is a value of the column's type.
    may_be_blank: bool = True

    def _decode(self, raw: Raw) -> str:
        if isinstance(raw, bytes):
            raise WrongValueError("is no text")
        return str(raw)

    def _encode(self, value: Any, old: Raw) -> str:
        text = str(value)
        if self.length is not None and len(text) > self.length:
            raise WrongValueError(f"is longer than {self.length} signs")
        if "\0" in text and not self.takes_nul:
            raise WrongValueError("holds the sign NUL")
        if any("\ud800" <= sign <= "\udfff" for sign in text):
            raise WrongValueError("holds half a sign")
        if self.is_json:
            try:
                json.loads(text)
            except (ValueError, RecursionError):
                raise WrongValueError("is no JSON") from None
        return text

    def _empty(self) -> Plain:
        return "" if not self.nullable and self.may_be_blank else Codec._empty(self)


@dataclass(frozen=True, slots=True)
class Whole(Codec):
    """Whole numbers."""

    kind = Kind.WHOLE

    def _decode(self, raw: Raw) -> int:
        try:
            number = Decimal(str(raw))
        except InvalidOperation:
            raise WrongValueError("is no whole number") from None
        if not number.is_finite() or number != number.to_integral_value():
            raise WrongValueError("is no whole number")
        return int(number)

    def _encode(self, value: Any, old: Raw) -> int:
        number = int(_number(value))
        if number != value:
            raise WrongValueError("is no whole number")
        if not _LEAST <= number <= _MOST:
            raise WrongValueError("is too large a number")
        return number


@dataclass(frozen=True, slots=True)
class Number(Codec):
    """Numbers, in decimals where the column says so."""

    kind = Kind.NUMBER
    in_decimals: bool = False

    def _decode(self, raw: Raw) -> Decimal | float:
        try:
            number = Decimal(str(raw)) if self.in_decimals else float(str(raw))
        except (ValueError, InvalidOperation):
            raise WrongValueError("is no number") from None
        if not math.isfinite(number):
            raise WrongValueError("is no finite number")
        return number

    def _encode(self, value: Any, old: Raw) -> Decimal | float:
        number = _number(value)
        return Decimal(str(number)) if self.in_decimals else float(number)


def _number(value: Any) -> int | float | Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise WrongValueError("is no number")
    if not math.isfinite(value):
        raise WrongValueError("is no finite number")
    return value


@dataclass(frozen=True, slots=True)
class YesNo(Codec):
    """Yes or no; nothing is a no where there has to be something."""

    kind = Kind.YES_NO

    def _decode(self, raw: Raw) -> bool:
        if raw in (1, "true", "t", "1"):
            return True
        if raw in (0, "false", "f", "0"):
            return False
        raise WrongValueError("is neither true nor false")

    def _encode(self, value: Any, old: Raw) -> bool:
        if not isinstance(value, bool):
            raise WrongValueError("is neither true nor false")
        return value

    def _empty(self) -> Plain:
        return None if self.nullable else False


@dataclass(frozen=True, slots=True)
class Day(Codec):
    """Days."""

    kind = Kind.DATE

    def _decode(self, raw: Raw) -> date:
        text = raw if isinstance(raw, str) else ""
        if not _DAY.match(text) or not (text[10:] == "" or _MIDNIGHT.fullmatch(text[10:])):
            raise WrongValueError("is no date of this calendar")
        return date.fromisoformat(text[:10])

    def _encode(self, value: Any, old: Raw) -> str:
        if isinstance(value, datetime) or not isinstance(value, date):
            raise WrongValueError("is no date")
        return value.isoformat() + (old[10:] if isinstance(old, str) and _DAY.match(old) else "")


@dataclass(frozen=True, slots=True)
class Moment(Codec):
    """Moments. A column whose times name no zone means them in the zone of the table."""

    kind = Kind.MOMENT
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    #: Whether the column's times name their zone.
    names_zone: bool = False

    def _decode(self, raw: Raw) -> date:
        if not isinstance(raw, str) or not _DAY.match(raw):
            raise WrongValueError("is no time of this calendar")
        if len(raw) == 10:
            return date.fromisoformat(raw)
        try:
            moment = datetime.fromisoformat(raw)
            return (moment if moment.tzinfo else moment.replace(tzinfo=self.zone)).astimezone(self.zone)
        except (ValueError, OverflowError):
            raise WrongValueError("is no time of this calendar") from None

    def _encode(self, value: Any, old: Raw) -> str:
        if not isinstance(value, date):
            raise WrongValueError("is no time")
        if not isinstance(value, datetime):
            value = datetime.combine(value, time(), self.zone)
        if value.utcoffset() is None:
            raise WrongValueError("is a time without a zone")
        before = old if isinstance(old, str) and _DAY.match(old) and len(old) > 10 else ""
        sign = "T" if "T" in before else " "
        try:
            if self.names_zone or (before and datetime.fromisoformat(before).tzinfo):
                text = str(value.astimezone(UTC).isoformat(sign))
                return text.replace("+00:00", "Z") if before.endswith("Z") else text
            local = value.astimezone(self.zone).replace(tzinfo=None)
            if local.replace(tzinfo=self.zone, fold=0).astimezone(UTC) != value.astimezone(UTC):
                raise WrongValueError(f"is at a time that clocks in {self.zone.key} show twice")
        except OverflowError:
            raise WrongValueError("is out of range") from None
        return str(local.replace(fold=0).isoformat(sign))


@dataclass(frozen=True, slots=True)
class Choice(Codec):
    """One of the options of an enumeration."""

    kind = Kind.CHOICE
    options: Sequence[str] = ()

    def _decode(self, raw: Raw) -> str:
        return str(raw)

    def _encode(self, value: Any, old: Raw) -> str:
        if value not in self.options:
            raise WrongValueError(f"is none of {', '.join(self.options)}")
        return str(value)


@dataclass(frozen=True, slots=True)
class Choices(Codec):
    """A list of texts, of which the order means nothing. It is read as JSON."""

    kind = Kind.CHOICES
    #: What may be chosen; anything where there are none.
    options: Sequence[str] = ()

    def _decode(self, raw: Raw) -> tuple[str, ...]:
        return tuple(sorted(set(_names(raw))))

    def _encode(self, value: Any, old: Raw) -> list[str]:
        wanted = list(dict.fromkeys(map(str, value)))
        for name in wanted:
            if self.options and name not in self.options:
                raise WrongValueError(f"{name!r} is none of {', '.join(self.options)}")
            Text().write(name)
        before = [] if old is None else _names(old)
        stay = [name for name in before if name in wanted]
        return [*stay, *(name for name in wanted if name not in stay)]

    def _empty(self) -> Plain:
        return None if self.nullable else []


def _names(raw: Raw) -> list[str]:
    names = json.loads(raw) if isinstance(raw, str) else None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise WrongValueError("is no list of texts")
    return names


@dataclass(frozen=True, slots=True)
class Reference(Codec):
    """Keys of other rows, one in each row."""

    kind = Kind.REFERENCE
    #: How the key itself is read and written.
    key: Codec = field(default_factory=Text)

    def read(self, raw: Raw) -> Any:
        """The key as rows are named by it, or none."""
        return () if raw is None else Codec.read(self, raw)

    def _decode(self, raw: Raw) -> tuple[str, ...]:
        if isinstance(raw, bytes):
            raise WrongValueError("is no key")
        return (str(raw),)

    def _encode(self, value: Any, old: Raw) -> Plain:
        if not isinstance(value, list | tuple) or len(value) != 1:
            raise WrongValueError("refers to one row, not to several")
        found = self.key.read(value[0])
        if isinstance(found, Opaque):
            raise WrongValueError(f"takes no key {value[0]!r}, which {found.type}")
        return self.key.write(found, old)


@dataclass(frozen=True, slots=True)
class Unread(Codec):
    """What is not shown, such as pictures."""

    kind = Kind.OPAQUE

    def _decode(self, raw: Raw) -> Opaque:
        return Opaque("binary data")

    def _encode(self, value: Any, old: Raw) -> Plain:
        raise WrongValueError("is binary data, which is not written")
