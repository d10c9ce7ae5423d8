"""What is in a column of PostgreSQL as JSON, and JSON as such a column takes it and gives it back."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable
from datetime import datetime, time
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from tasks.database.sql.values import intervals
from tasks.database.sql.values.codec import (
    Convert,
    Kind,
    ValueRefusedError,
    decoder,
    encode,
    is_interval,
    name_of,
    quick,
)
from tasks.database.sql.values.intervals import Length
from tasks.database.sql.values.json_text import canonical_json, json_of

#: Says why a value does not fit; None: it does.
Fits = Callable[[Any], str | None]

_KEPT_AS_THEY_COME = (
    sa.String,
    sa.Integer,
    sa.Boolean,
    sa.Numeric,
    sa.Float,
    sa.Date,
    sa.DateTime,
    sa.Time,
    sa.Interval,
    postgresql.INTERVAL,
    sa.Uuid,
    sa.LargeBinary,
    sa.JSON,
)


class Unpadded(sa.types.UserDefinedType[str]):
    """CHAR of any length: as such a column compares, and without cutting anything."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Its name."""
        return "bpchar"


def base_of(kind: Kind) -> Kind:
    """The type under a domain."""
    while isinstance(kind, postgresql.DOMAIN):
        kind = kind.data_type
    return kind


def is_doubtful(kind: Kind) -> bool:
    """Whether only the column itself can tell what it makes of a value."""
    if isinstance(kind, sa.ARRAY):
        return is_doubtful(kind.item_type) or is_interval(kind.item_type)
    if type(kind) is sa.String or (isinstance(kind, postgresql.INTERVAL) and kind.fields is not None):
        return True  # `name` cuts what is too long, INTERVAL MONTH drops days
    return not isinstance(kind, _KEPT_AS_THEY_COME)


def is_padded(kind: Kind) -> bool:
    """Whether blanks at the end of its values are the column's own."""
    return isinstance(base_of(kind), sa.CHAR)


def selected(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """What is read of a column, where its driver would not give all of it."""
    kind = base_of(column.type)
    if isinstance(kind, sa.JSON):
        return sa.cast(column, sa.Text)
    if is_interval(kind):
        return intervals.parts(column)
    if isinstance(kind, sa.ARRAY) and (isinstance(kind.item_type, sa.JSON) or is_interval(kind.item_type)):
        return sa.cast(column, postgresql.ARRAY(sa.Text))
    return column


def reader(kind: Kind) -> Convert:
    """What makes JSON of what `selected` gave."""
    kind = base_of(kind)
    if isinstance(kind, sa.JSON):
        return _or_as_it_stands(canonical_json)
    if is_interval(kind):
        return _or_as_it_stands(lambda value: str(Length.of_parts(value)))
    if is_padded(kind):
        return lambda value: value.rstrip(" ") if isinstance(value, str) else encode(value)
    if isinstance(kind, sa.ARRAY):
        return _list_reader(kind.item_type)
    return encode


def _or_as_it_stands(read: Convert) -> Convert:
    def convert(value: Any) -> Any:
        try:
            return None if value is None else read(value)
        except ValueError:
            return value

    return convert


def _list_reader(kind: Kind) -> Convert:
    each = reader(kind) if isinstance(kind, sa.JSON) or is_padded(kind) else None

    def read(value: Any) -> Any:
        if each is None or not isinstance(value, list):
            return encode(value)
        return json_of(_mapped(value, each))

    return read


def _mapped(value: list[Any], convert: Convert) -> list[Any]:
    return [
        None if each is None else _mapped(each, convert) if isinstance(each, list) else convert(each)
        for each in value
    ]


def plain_classes(kind: Kind) -> frozenset[type]:
    """The classes of what `selected` gives that JSON has as it stands."""
    kind = base_of(kind)
    if isinstance(kind, sa.JSON) or is_interval(kind) or is_padded(kind):
        return frozenset({type(None)})
    return frozenset({type(None), str, int, bool})


def writer(kind: Kind, *, key: bool = False) -> Convert:
    """What makes of JSON, or of a record's `key`, what SQLAlchemy binds as `bound`.

    It raises `ValueRefusedError` for what the column would round, cut or write in another form.
    """
    kind = base_of(kind)
    show = str if is_interval(kind) else encode
    decode, fits = decoder(kind, None if key else show), _fits(kind)
    if fits is None:
        return _quick_number(kind, _quick_moment(kind, quick(kind, _as_bound(kind, decode))))

    def write(value: Any) -> Any:
        made = decode(value)
        reason = None if made is None else fits(made)
        if reason is not None:
            raise ValueRefusedError(f"{name_of(kind)} {reason}")
        return made

    if isinstance(kind, sa.Numeric):
        return _quick_number(kind, write)
    if not isinstance(kind, sa.String):
        return _as_bound(kind, write)

    def text(value: Any) -> Any:
        if value.__class__ is str and value.isascii() and "\x00" not in value and fits(value) is None:
            return value
        return write(value)

    return text


def _quick_moment(kind: Kind, write: Convert) -> Convert:
    """The same, at once for what comes as this column shows it."""
    if not isinstance(kind, sa.DateTime) or kind.timezone:
        return write

    def moment(value: Any) -> Any:
        try:
            made = datetime.fromisoformat(value)
        except (ValueError, TypeError):
            return write(value)
        return made if made.tzinfo is None and made.isoformat() == value else write(value)

    return moment


def _quick_number(kind: Kind, write: Convert) -> Convert:
    """The same, at once for numbers as they are told, with as many digits as the column has."""
    if not isinstance(kind, sa.Numeric) or isinstance(kind, sa.Float):
        return write
    whole, places = r"(?:0|[1-9]\d{0,30})", "" if kind.scale is None else max(kind.scale - 1, 0)
    fraction = "" if kind.scale is not None and kind.scale <= 0 else rf"|-?{whole}\.\d{{0,{places}}}[1-9]"
    fits = re.compile(
        rf"0|-?[1-9]\d{{0,30}}{fraction}" if (kind.scale or 0) >= 0 else "0", re.ASCII
    ).fullmatch

    def number(value: Any) -> Any:
        return Decimal(value) if value.__class__ is str and fits(value) else write(value)

    return number


def bound(kind: Kind) -> Kind:
    """The type that `writer` makes values of."""
    kind = base_of(kind)
    if isinstance(kind, sa.JSON) or is_interval(kind):
        return sa.types.NullType()  # a text, of which the column makes what it says
    if isinstance(kind, sa.ARRAY) and (isinstance(kind.item_type, sa.JSON) or is_interval(kind.item_type)):
        return sa.types.NullType()
    return kind


def _as_bound(kind: Kind, decode: Convert) -> Convert:
    if is_interval(kind):

        def length(value: Any) -> Any:
            made = decode(value)
            return None if made is None else made.literal()

        return length
    if isinstance(kind, sa.ARRAY) and (isinstance(kind.item_type, sa.JSON) or is_interval(kind.item_type)):

        def listed(value: Any) -> Any:
            made = decode(value)
            return None if made is None else _literal(made)

        return listed
    return decode


def _literal(value: list[Any]) -> str:
    """An array as PostgreSQL reads it."""
    return "{" + ",".join(map(_element, value)) + "}"


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, list):
        return _literal(value)
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _fits(kind: Kind) -> Fits | None:
    """What a column of the type does not keep as it is, beyond what the database itself refuses."""
    if isinstance(kind, sa.ARRAY):
        each = _fits(kind.item_type)
        return None if each is None else lambda value: _first(value, each)
    if isinstance(kind, sa.String) and not isinstance(kind, sa.Enum):
        return _text_fits(kind)
    if isinstance(kind, sa.Float):
        return _single_fits if _is_single(kind) else None
    if isinstance(kind, sa.Numeric):
        scale = kind.scale
        return None if scale is None or kind.precision is None else lambda value: _scale_fits(value, scale)
    if isinstance(kind, sa.Time | sa.DateTime):
        return _moment_fits(kind)
    if is_interval(kind):
        unit = _unit(getattr(kind, "precision", None))
        return None if unit is None else lambda value: _unit_fits(value.microseconds, unit)
    return None


def _first(value: list[Any], fits: Fits) -> str | None:
    for each in value:
        reason = None if each is None else _first(each, fits) if isinstance(each, list) else fits(each)
        if reason is not None:
            return reason
    return None


def _text_fits(kind: sa.String) -> Fits | None:
    length, padded = kind.length, is_padded(kind)
    if padded:

        def fits(value: str) -> str | None:
            if value.endswith(" "):
                return "does not keep blanks at the end"
            return None

        return fits
    if length is None:
        return None
    return lambda value: None if len(value) <= length else f"keeps {length} characters at most"


def _is_single(kind: sa.Float[Any]) -> bool:
    return isinstance(kind, sa.REAL) or (kind.precision is not None and kind.precision <= 24)


def _single_fits(value: float) -> str | None:
    if not math.isfinite(value):
        return None
    try:
        bits = struct.pack(">f", value)
    except OverflowError:
        return "keeps no number as large"
    kept: float = struct.unpack(">f", bits)[0]
    for digits in range(1, 10):
        shown = float(f"{kept:.{digits}g}")
        if _is_shown_for(shown, bits):
            return None if shown == value else "keeps fewer digits"
    return "keeps fewer digits"


def _is_shown_for(shown: float, bits: bytes) -> bool:
    """Whether PostgreSQL may show the number with these bits so: it is nearer to it than to any other."""
    number = int.from_bytes(bits, "big")
    kept, *others = (
        struct.unpack(">f", (number + at).to_bytes(4, "big"))[0]
        for at in (0, -1, 1)
        if 0 <= number + at < 2**32
    )
    return all(abs(shown - kept) < abs(shown - other) for other in others if math.isfinite(other))


def _scale_fits(value: Decimal, scale: int) -> str | None:
    if not value.is_finite() or not value:
        return None
    _, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)  # noqa: S101  it is finite
    zeros = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    if exponent + zeros >= -scale:
        return None
    return f"keeps {scale} digits behind the point"


def _moment_fits(kind: sa.Time | sa.DateTime) -> Fits | None:
    unit, zone = _unit(getattr(kind, "precision", None)), kind.timezone

    def fits(value: time | datetime) -> str | None:
        if isinstance(value, time) and (value.tzinfo is not None) != zone:
            return "has no zone" if not zone else "has a zone"
        return None if unit is None else _unit_fits(value.microsecond, unit)

    return fits if unit is not None or isinstance(kind, sa.Time) else None


def _unit(precision: int | None) -> int | None:
    """The least number of microseconds that such a column tells apart; None: each."""
    return None if precision is None or precision >= 6 else 10 ** (6 - precision)


def _unit_fits(microseconds: int, unit: int) -> str | None:
    return None if microseconds % unit == 0 else "keeps fewer digits of a second"
