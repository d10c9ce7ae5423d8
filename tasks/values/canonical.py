"""Values of attributes: when two are equal, when one is empty, how they are kept as JSON with their types."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import pydantic_core

from tasks.errors import StateError
from tasks.values.date_range import DateRange
from tasks.values.file import File
from tasks.values.opaque import Opaque
from tasks.values.plain import PLAIN
from tasks.values.references import References

_TEXT = frozenset({str})

#: A JSON object with exactly this key and `value` stands for a value of another type.
TYPE_KEY = "$type"


def same(one: Any, two: Any) -> bool:
    """Whether two values mean the same: times as instants, sets unordered, 1 as 1.0, but 1 not as true."""
    kind = type(one)
    if kind is type(two) and kind in PLAIN:  # most values are
        return bool(one == two)
    return bool(canonical(one) == canonical(two))


def canonical(value: Any) -> Any:
    """A hashable form that is equal for values that mean the same.

    Raises:
        TypeError: the value is of a type that cannot be kept.
    """
    if value is None or type(value) is str:  # most values are
        return value
    if type(value) is int:
        return ("number", value)
    match value:
        case None | str() | bytes():
            return value.value if isinstance(value, Enum) else value
        case bool():
            return ("bool", value)
        case Enum():
            return canonical(value.value)
        case int() | float() | Decimal():
            return ("nan",) if _is_nan(value) else ("number", value)
        case datetime():
            offset = value.utcoffset()
            wall = value.replace(tzinfo=None, fold=0)
            if offset is None:
                return ("naive", wall)
            return ("instant", wall - datetime.min - offset)  # also where UTC has no such year
        case date() | time() | timedelta() | UUID():
            return (type(value).__name__, value)
        case DateRange():
            return ("range", canonical(value.start), canonical(value.end))
        case Opaque():
            return ("opaque", value.type)
        case File():
            return ("file", value.name, value.content)
        case References():
            return ("references", frozenset(value.links))
        case list() | tuple():
            return ("list", tuple(canonical(part) for part in value))
        case set() | frozenset():
            return ("set", frozenset(canonical(part) for part in value))
        case Mapping():
            return ("map", frozenset((key, canonical(part)) for key, part in value.items()))
    raise TypeError(f"a value of type {type(value).__name__} cannot be kept as JSON")


def _is_nan(value: int | float | Decimal) -> bool:
    return value.is_nan() if isinstance(value, Decimal) else isinstance(value, float) and math.isnan(value)


def is_empty(value: Any) -> bool:
    """Whether a value says nothing: none, an empty text, an empty list. False and 0 say something."""
    if isinstance(value, References):
        return not value.links
    return value is None or (
        isinstance(value, str | bytes | list | tuple | set | frozenset | dict) and not value
    )


def is_part(part: Any, whole: Any) -> bool:
    """Whether a value is what is left of another one when a service drops it, or cuts the end of its text."""
    if is_empty(part):
        return not is_empty(whole)
    return (
        isinstance(part, str) and isinstance(whole, str) and part != whole and whole.startswith(part.rstrip())
    )


def dump(value: Any) -> str:
    """A value as JSON text in which every type is kept; values equal in type and content give equal text.

    Raises:
        TypeError: the value is of a type that cannot be kept.
    """
    document = to_json(value)
    try:
        return pydantic_core.to_json(document).decode()
    except ValueError:  # half a surrogate pair, which is no UTF-8
        text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode("utf-8", "backslashreplace").decode()


def load(text: str | bytes) -> Any:
    """The value that `dump` wrote.

    Raises:
        StateError: the text is not what `dump` writes.
    """
    try:
        return from_json(_parsed(text))
    except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError) as error:
        raise StateError(f"a stored value cannot be read: {error}") from error


def _parsed(text: str | bytes) -> Any:
    try:
        return pydantic_core.from_json(text)
    except ValueError:  # half a surrogate pair, or no JSON
        return json.loads(text)


def to_json(value: Any) -> Any:
    """A value in JSON's own types, the keys of each object in order.

    Raises:
        TypeError: the value is of a type that cannot be kept.
    """
    kind = type(value)
    if kind in PLAIN:
        return value
    if _is_plain_object(value):
        return {key: value[key] for key in sorted(value)}
    if kind is dict:  # what is most often met comes first
        return _to_json_object(value)
    if kind is list:
        return [to_json(part) for part in value]
    match value:
        case Enum():
            return to_json(value.value)
        case None | bool() | str() | int():
            return value
        case float():
            return value if math.isfinite(value) else _typed("float", repr(value))
        case Decimal():
            return _typed("decimal", str(value))
        case datetime():
            return _typed("datetime", value.isoformat())
        case date():
            return _typed("date", value.isoformat())
        case time():
            return _typed("time", value.isoformat())
        case DateRange():
            return _typed("range", [to_json(value.start), to_json(value.end), value.zone])
        case Opaque():
            return _typed("odd" if value.odd else "opaque", value.type)
        case File():
            return _typed("file", [value.name, value.content, value.size, value.place])
        case References():
            links = [list(one) for one in value.links]
            return _typed("references", [links, list(value.alone), list(value.titles)])
        case timedelta():
            return _typed("timedelta", [value.days, value.seconds, value.microseconds])
        case UUID():
            return _typed("uuid", str(value))
        case bytes():
            return _typed("bytes", base64.b64encode(value).decode())
        case tuple():
            return _typed("tuple", [to_json(part) for part in value])
        case set() | frozenset():
            return _typed("set", sorted((to_json(part) for part in value), key=json.dumps))
        case list():
            return [to_json(part) for part in value]
        case Mapping():
            return _to_json_object(value)
    raise TypeError(f"a value of type {type(value).__name__} cannot be kept as JSON")


def _to_json_object(value: Mapping[Any, Any]) -> dict[str, Any]:
    if not all(isinstance(key, str) for key in value):
        raise TypeError("a mapping is kept as JSON only when its keys are text")
    plain = {key: to_json(value[key]) for key in sorted(value)}
    return _typed("map", plain) if TYPE_KEY in plain else plain


def _is_plain_object(value: Any) -> bool:
    """Whether this is a JSON object as it is: nearly all bases are, and are told without a look at each value."""
    return (
        type(value) is dict
        and PLAIN.issuperset(map(type, value.values()))
        and _TEXT.issuperset(map(type, value))
        and TYPE_KEY not in value
    )


def from_json(value: Any) -> Any:
    """The value that `to_json` wrote."""
    if _is_plain_object(value):
        return value
    match value:
        case list():
            return [from_json(part) for part in value]
        case dict() if TYPE_KEY in value:
            return _untyped(value[TYPE_KEY], value["value"])
        case dict():
            return {key: from_json(part) for key, part in value.items()}
    return value


def _typed(name: str, value: Any) -> dict[str, Any]:
    return {TYPE_KEY: name, "value": value}


def _untyped(name: str, value: Any) -> Any:  # one line per type
    match name:
        case "float":
            return float(value)
        case "decimal":
            return Decimal(value)
        case "datetime":
            return datetime.fromisoformat(value)
        case "date":
            return date.fromisoformat(value)
        case "time":
            return time.fromisoformat(value)
        case "range":
            start, end, zone = value
            return DateRange(from_json(start), from_json(end), zone)
        case "opaque":
            return Opaque(value)
        case "references":
            links, alone, titles = value
            return References(tuple((left, right) for left, right in links), tuple(alone), tuple(titles))
        case "odd":
            return Opaque(value, odd=True)
        case "file":
            name, content, size, place = value
            return File(name, content, size, place)
        case "timedelta":
            return timedelta(*value)
        case "uuid":
            return UUID(value)
        case "bytes":
            return base64.b64decode(value, validate=True)
        case "tuple":
            return tuple(from_json(part) for part in value)
        case "set":
            return frozenset(from_json(part) for part in value)
        case "map":
            return {key: from_json(part) for key, part in value.items()}
    raise ValueError(f"unknown type {name!r}")
