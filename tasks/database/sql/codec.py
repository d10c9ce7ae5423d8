"""Values of columns as JSON, alike on every database: what two nodes hold can be compared as it stands."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any
from uuid import UUID

import sqlalchemy as sa

Convert = Callable[[Any], Any]

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
        return _plain(Decimal(value // timedelta(microseconds=1)) / 1_000_000)
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(bytes(value)).decode("ascii")
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, dict):
        return {str(name): encode(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [encode(each) for each in value]
    return str(value)


def _plain(value: Decimal) -> str:
    """A number without exponent and without zeros at its end: 1.50 and 1.5 are one value."""
    if not value.is_finite():
        return str(value)
    shown = format(value, "f")
    if "." in shown:
        shown = shown.rstrip("0").rstrip(".")
    return "0" if shown in {"-0", ""} else shown


def decoder(kind: sa.types.TypeEngine[Any]) -> Convert:
    """What makes of JSON what SQLAlchemy binds to a column of this type; raises `ValueRefusedError`."""
    convert = _decoder(kind)

    def decode(value: Any) -> Any:
        if value is None:
            return None
        try:
            return convert(value)
        except ValueRefusedError:
            raise
        except (ValueError, TypeError, AttributeError, OverflowError, InvalidOperation, LookupError):
            raise ValueRefusedError(f"no value for {type(kind).__name__}") from None

    return decode


def quick(kind: sa.types.TypeEngine[Any], convert: Convert) -> Convert:
    """The same conversion, at once for what most values are."""
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


def _quick_writer(kind: sa.types.TypeEngine[Any], write: Convert) -> Convert:
    if isinstance(kind, sa.DateTime) and not kind.timezone:

        def moment(value: Any) -> Any:
            made = _parsed_moment(value)
            return write(value) if made is None else made.isoformat(" ", "microseconds")

        return moment
    return write


def _quick_reader(kind: sa.types.TypeEngine[Any], read: Convert) -> Convert:
    """The same, at once for what is mostly in such a column of SQLite."""
    if isinstance(kind, sa.Float):
        return lambda value: value if value.__class__ is float and math.isfinite(value) else read(value)
    if isinstance(kind, sa.Boolean):
        return lambda value: value == 1 if value.__class__ is int and 0 <= value <= 1 else read(value)
    if isinstance(kind, sa.DateTime) and not kind.timezone:

        def moment(value: Any) -> Any:
            made = _parsed_moment(value)
            return read(value) if made is None else made.isoformat()

        return moment
    return read


def _parsed_moment(value: Any) -> datetime | None:
    """A time without a zone; None: it is something else."""
    try:
        made = datetime.fromisoformat(value)
    except (ValueError, TypeError):
        return None
    return made if made.tzinfo is None else None


def plain_classes(kind: sa.types.TypeEngine[Any], dialect: str) -> frozenset[type]:
    """The classes of what is in such a column that JSON has as it stands."""
    if dialect != "sqlite":
        return frozenset({type(None), str, int, bool})
    if isinstance(kind, sa.String | sa.Integer):
        return frozenset({type(None), str, int})
    return frozenset({type(None)})


def _decoder(kind: sa.types.TypeEngine[Any]) -> Convert:
    if isinstance(kind, sa.Enum):
        return _text
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
        return lambda value: date.fromisoformat(_text(value))
    if isinstance(kind, sa.Time):
        return lambda value: time.fromisoformat(_text(value))
    if isinstance(kind, sa.Interval):
        return lambda value: timedelta(microseconds=int(_decimal(value) * 1_000_000))
    if isinstance(kind, sa.Uuid):
        return (lambda value: UUID(_text(value))) if kind.as_uuid else (lambda value: str(UUID(_text(value))))
    if isinstance(kind, sa.LargeBinary):
        return lambda value: base64.b64decode(_text(value).encode("ascii"), validate=True)
    if isinstance(kind, sa.JSON):
        return _json
    if isinstance(kind, sa.ARRAY):
        each = decoder(kind.item_type)
        return lambda value: [each(item) for item in _list(value)]
    if isinstance(kind, sa.String):
        return _text
    return _scalar


def _text(value: Any) -> str:
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


def _boolean(value: Any) -> bool:
    if value not in (0, 1):
        raise ValueRefusedError("no truth value")
    return bool(value)


def _integer(value: Any) -> int:
    if isinstance(value, float | str):
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
    moment = datetime.fromisoformat(_text(value))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _local_moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(_text(value))
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueRefusedError("no list")
    return value


def _json(value: Any) -> Any:
    if "\\u0000" in json.dumps(value, allow_nan=False):
        raise ValueRefusedError("JSON with a NUL, which PostgreSQL cannot hold")
    return value


def _scalar(value: Any) -> Any:
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, int):
        return _integer(value) if not isinstance(value, bool) else value
    elif not isinstance(value, float):
        raise ValueRefusedError("neither text nor number")
    return value


def sqlite_reader(kind: sa.types.TypeEngine[Any]) -> Convert:
    """What makes JSON of what is really in a SQLite column, which need not be of the column's type."""
    parse = _sqlite_parser(kind)

    def read(value: Any) -> Any:
        if value is None:
            return None
        try:
            return encode(parse(value))
        except (ValueError, TypeError, AttributeError, OverflowError, InvalidOperation):
            return encode(value)  # it goes over as it stands

    return _quick_reader(kind, read)


def _sqlite_parser(kind: sa.types.TypeEngine[Any]) -> Convert:
    if isinstance(kind, sa.Boolean):
        return lambda value: bool(value) if value in (0, 1) else value
    if isinstance(kind, sa.DateTime):
        zone = UTC if kind.timezone else None
        return lambda value: _with_zone(datetime.fromisoformat(value), zone)
    if isinstance(kind, sa.Date):
        return date.fromisoformat
    if isinstance(kind, sa.Time):
        return time.fromisoformat
    if isinstance(kind, sa.Float):
        return lambda value: float(value) if isinstance(value, int) else value
    if isinstance(kind, sa.Numeric):
        return lambda value: _rounded(Decimal(str(value)), kind.scale)
    if isinstance(kind, sa.Uuid):
        return UUID
    if isinstance(kind, sa.JSON):
        return json.loads
    return lambda value: value


def _with_zone(moment: datetime, zone: Any) -> datetime:
    return moment if zone is None or moment.tzinfo else moment.replace(tzinfo=zone)


def _rounded(number: Decimal, scale: int | None) -> Decimal:
    return number if scale is None else round(number, scale)


def sqlite_writer(kind: sa.types.TypeEngine[Any]) -> Convert:
    """What makes of JSON what SQLite keeps; raises `ValueRefusedError`."""
    decode = decoder(kind)

    def write(value: Any) -> Any:
        made = decode(value)
        if isinstance(made, float) and math.isnan(made):
            raise ValueRefusedError("SQLite keeps no such number")
        if isinstance(made, bool | int | float | str | bytes) or made is None:
            return made if not isinstance(kind, sa.JSON) else _dump(made)
        if isinstance(made, datetime):
            return made.replace(tzinfo=None).isoformat(" ", "microseconds")
        if isinstance(made, date):
            return made.isoformat()
        if isinstance(made, time):
            return made.isoformat("microseconds")
        if isinstance(made, Decimal):
            return _sqlite_number(made)
        if isinstance(made, UUID):
            return made.hex
        return _dump(made)

    return _quick_writer(kind, write)


def _sqlite_number(value: Decimal) -> int | float:
    """The number itself: one that was rounded would pass for another edit of the same time."""
    if not value.is_finite():
        raise ValueRefusedError("SQLite keeps no such number")
    if value == value.to_integral_value() and -_INT64 <= value < _INT64:
        return int(value)
    made = float(value)
    if Decimal(repr(made)) != value:
        raise ValueRefusedError("a number of more digits than SQLite keeps")
    return made


def _dump(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)
