"""Values of columns as JSON, alike on every database: what two nodes hold can be compared as it stands."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from tasks.database.records.ties import same
from tasks.database.sql.values import intervals
from tasks.database.sql.values.intervals import Length
from tasks.database.sql.values.json_text import canonical_json, exact_json, has_nul, json_of

Convert = Callable[[Any], Any]
Kind = sa.types.TypeEngine[Any]

_INT64 = 2**63


class ValueRefusedError(ValueError):
    """A value that the column cannot hold. The message never shows the value."""


def encode(value: Any) -> Any:
    """A value as the driver gives it, as JSON."""
    if value is None or isinstance(value, bool | int | str):
        return value.name if isinstance(value, Enum) else value
    if isinstance(value, datetime):
        # As UTC and without saying so: SQLite's columns have no zone, and what is equal must look so.
        return (value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value).isoformat()
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Decimal):
        return _plain(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return intervals.shown(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(bytes(value)).decode("ascii")
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, dict | list | tuple):
        return json_of(_listed(value))
    return str(value)


def _listed(value: Any) -> Any:
    """What a list holds, as JSON: its numbers are numbers."""
    if isinstance(value, dict):
        return {str(name): _listed(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_listed(each) for each in value]
    return value if isinstance(value, Decimal) else encode(value)


def _plain(value: Decimal) -> str:
    """A number without exponent and without zeros at its end: 1.50 and 1.5 are one value."""
    if not value.is_finite():
        return str(value)
    shown = format(value, "f")
    if "." in shown:
        shown = shown.rstrip("0").rstrip(".")
    return "0" if shown in {"-0", ""} else shown


def decoder(kind: Kind, show: Convert | None = encode) -> Convert:
    """What makes of JSON what a column of this type is given; raises `ValueRefusedError`.

    Args:
        kind: the column's type.
        show: makes JSON of that again: what the column would not give back as it came is refused. None: it is not.
    """
    convert = _decoder(kind)

    def decode(value: Any) -> Any:
        if value is None:
            return None
        try:
            made = convert(value)
            alike = show is None or same(show(made), value)
        except ValueRefusedError:
            raise
        except (ValueError, TypeError, AttributeError, OverflowError, InvalidOperation, LookupError):
            raise ValueRefusedError(f"no value for {name_of(kind)}") from None
        if not alike:
            raise ValueRefusedError(f"{name_of(kind)} would give it back in another form")
        return made

    return decode


def name_of(kind: Kind) -> str:
    """A column's type for a person."""
    return type(kind).__name__


def quick(kind: Kind, convert: Convert) -> Convert:
    """The same conversion, at once for what most values are and any column of the type keeps."""
    if isinstance(kind, sa.String) and not isinstance(kind, sa.Enum):

        def text(value: Any) -> Any:
            if value.__class__ is str and value.isascii() and "\x00" not in value:
                return value
            return convert(value)

        return text
    if isinstance(kind, sa.Integer):

        def number(value: Any) -> Any:
            return value if value.__class__ is int and -_INT64 <= value < _INT64 else convert(value)

        return number
    if isinstance(kind, sa.Float):
        return lambda value: value if value.__class__ is float and math.isfinite(value) else convert(value)
    if isinstance(kind, sa.Boolean):
        return lambda value: value if value.__class__ is bool else convert(value)
    return convert


def is_interval(kind: Kind) -> bool:
    """Whether a column holds lengths of time."""
    return isinstance(kind, sa.Interval | postgresql.INTERVAL)


def _decoder(kind: Kind) -> Convert:
    if isinstance(kind, sa.Enum):
        return text
    if isinstance(kind, sa.Boolean):
        return _boolean
    if isinstance(kind, sa.Integer):
        return _integer
    if isinstance(kind, sa.Float):
        return _float
    if isinstance(kind, sa.Numeric):
        return _decimal
    if isinstance(kind, sa.DateTime):
        return _moment if kind.timezone else _local_moment
    if isinstance(kind, sa.Date):
        return lambda value: date.fromisoformat(text(value))
    if isinstance(kind, sa.Time):
        return lambda value: time.fromisoformat(text(value))
    if is_interval(kind):
        return lambda value: Length.read(text(value))
    if isinstance(kind, sa.Uuid):
        return (lambda value: UUID(text(value))) if kind.as_uuid else (lambda value: str(UUID(text(value))))
    if isinstance(kind, sa.LargeBinary):
        return lambda value: base64.b64decode(text(value).encode("ascii"), validate=True)
    if isinstance(kind, sa.JSON):
        return json_text
    if isinstance(kind, sa.ARRAY):
        # Lengths of time are given there as the database shows them.
        each = text if is_interval(kind.item_type) else _decoder(kind.item_type)
        return lambda value: _array(exact_json(text(value)), each)
    if isinstance(kind, sa.String):
        return text
    return _scalar


def text(value: Any) -> str:
    """A text that every database can keep; raises `ValueRefusedError`."""
    if not isinstance(value, str):
        raise ValueRefusedError("no text")
    _check_text(value)
    return value


def _check_text(value: str) -> None:
    if "\x00" in value:
        raise ValueRefusedError("text with a NUL, which PostgreSQL cannot hold")
    if value.isascii():
        return
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueRefusedError("text with half a character") from None


def json_text(value: Any) -> str:
    """JSON as its text; raises `ValueRefusedError`."""
    found = text(value)
    if has_nul(found):
        raise ValueRefusedError("JSON with a NUL, which PostgreSQL cannot hold")
    made = canonical_json(found)
    _check_text(made)  # what was written with a backslash stands for itself now
    return made


def _boolean(value: Any) -> bool:
    if value not in (0, 1):
        raise ValueRefusedError("no truth value")
    return bool(value)


def _integer(value: Any) -> int:
    if isinstance(value, float | str | Decimal):
        number = Decimal(str(value))
        if number != number.to_integral_value():
            raise ValueRefusedError("no whole number")
        value = int(number)
    if not isinstance(value, int):
        raise ValueRefusedError("no whole number")
    if not -_INT64 <= value < _INT64:
        raise ValueRefusedError("a number beyond 64 bits")
    return int(value)


def _float(value: Any) -> float:
    if isinstance(value, bool):
        raise ValueRefusedError("no number")
    return float(value)


def _decimal(value: Any) -> Decimal:
    if isinstance(value, bool):
        raise ValueRefusedError("no number")
    return Decimal(str(value))


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(text(value))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _local_moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(text(value))
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _array(value: Any, convert: Convert) -> list[Any]:
    if not isinstance(value, list):
        raise ValueRefusedError("no list")
    return [
        None if each is None else _array(each, convert) if isinstance(each, list) else convert(each)
        for each in value
    ]


def _scalar(value: Any) -> Any:
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, int):
        return _integer(value) if not isinstance(value, bool) else value
    elif not isinstance(value, float):
        raise ValueRefusedError("neither text nor number")
    return value
