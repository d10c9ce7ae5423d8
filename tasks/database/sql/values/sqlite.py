"""What is in a SQLite column as JSON, and JSON as SQLite keeps it."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from tasks.database.sql.values.codec import Convert, Kind, ValueRefusedError, decoder, encode, quick
from tasks.database.sql.values.json_text import canonical_json, json_of, number_text

_INT64 = 2**63

_NUMBER = re.compile(r"-?\d.*")


def reader(kind: Kind) -> Convert:
    """What makes JSON of what is really in a column, which need not be of the column's type."""
    parse = _parser(kind)

    def read(value: Any) -> Any:
        if value is None:
            return None
        try:
            return encode(parse(value))
        except (ValueError, TypeError, AttributeError, OverflowError, InvalidOperation):
            return encode(value)  # it goes over as it stands

    return _quick_reader(kind, read)


def writer(kind: Kind, *, key: bool = False) -> Convert:
    """What makes of JSON what SQLite keeps, or of a record's `key`; raises `ValueRefusedError`."""
    decode = decoder(kind, None if key else encode)

    def write(value: Any) -> Any:
        made = decode(value)
        if isinstance(kind, sa.JSON):
            return _json(made)
        if isinstance(made, float) and math.isnan(made):
            raise ValueRefusedError("SQLite keeps no such number")
        if isinstance(made, bool | int | float | str | bytes) or made is None:
            return made
        if isinstance(made, datetime):
            return made.replace(tzinfo=None).isoformat(" ", "microseconds")
        if isinstance(made, date):
            return made.isoformat()
        if isinstance(made, time):
            return made.isoformat("microseconds")
        if isinstance(made, Decimal):
            return _number(made)
        if isinstance(made, UUID):
            return made.hex
        return encode(made)

    return quick(kind, _quick_writer(kind, write))


def plain_classes(kind: Kind) -> frozenset[type]:
    """The classes of what is in such a column that JSON has as it stands."""
    if isinstance(kind, sa.String | sa.Integer):
        return frozenset({type(None), str, int})
    return frozenset({type(None)})


def _quick_writer(kind: Kind, write: Convert) -> Convert:
    if isinstance(kind, sa.DateTime) and not kind.timezone:

        def moment(value: Any) -> Any:
            made = _parsed_moment(value)
            if made is None or (text := made.isoformat()) != value:
                return write(value)
            text = text.replace("T", " ")
            return text if made.microsecond else f"{text}.000000"

        return moment
    return write


def _quick_reader(kind: Kind, read: Convert) -> Convert:
    """The same, at once for what is mostly in such a column."""
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


def _parser(kind: Kind) -> Convert:
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
        return lambda value: _settled(value, kind.scale)
    if isinstance(kind, sa.Uuid):
        return UUID
    if isinstance(kind, sa.JSON):
        return _document
    return lambda value: value


def _document(value: Any) -> str:
    """A column of type JSON makes numbers of texts that look so, and of 1e400 what is none of JSON's."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("no JSON")
    return canonical_json(value) if isinstance(value, str) else json_of(value)


def _with_zone(moment: datetime, zone: Any) -> datetime:
    return moment if zone is None or moment.tzinfo else moment.replace(tzinfo=zone)


def _settled(value: Any, scale: int | None) -> Decimal:
    """The number as SQLite shows it, where what it has computed differs from that by less than it shows."""
    number = Decimal(str(value))
    if isinstance(value, float) and scale is not None and _places(number) > scale:
        shown = Decimal(f"{value:.15g}")
        return shown if _places(shown) <= scale else number
    return number


def _places(number: Decimal) -> int:
    """Digits behind the point."""
    exponent = number.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def _number(value: Decimal) -> int | float:
    """The number itself: one that was rounded would pass for another edit of the same time."""
    if not value.is_finite():
        raise ValueRefusedError("SQLite keeps no such number")
    if value == value.to_integral_value() and -_INT64 <= value < _INT64:
        return int(value)
    made = float(value)
    if Decimal(repr(made)) != value:
        raise ValueRefusedError("a number of more digits than SQLite keeps")
    return made


def _json(value: str | None) -> str | int | float | None:
    """A number by itself becomes one of SQLite's."""
    if value is None or not _NUMBER.fullmatch(value):
        return value
    made = _number(Decimal(value))
    if isinstance(made, float) and number_text(Decimal(repr(made))) != value:
        raise ValueRefusedError("a number of more digits than SQLite keeps")
    return made
