"""JSON as the one text that stands for what it says, with every digit of its numbers.

So JSON travels: what is equal looks equal, whether a database keeps it as text or taken apart, and JSON's `null` is
not a column that is empty.
"""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

#: Whole numbers of more digits are written with an exponent, as `1e400` is by whoever keeps its text.
_DIGITS = 30

_LONG = re.compile(rf"\d{{{_DIGITS + 1}}}")

#: A NUL in a string, which is not a backslash before the letters `u0000`.
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")

_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode
_string = json.JSONEncoder(ensure_ascii=False).encode


class _Point(Exception):  # noqa: N818  no error: there is a number with a point or an exponent
    pass


def _pointed(_text: str) -> NoReturn:
    raise _Point


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"JSON has no {text}")


_plain = json.JSONDecoder(parse_float=_pointed, parse_constant=_refuse).decode
_exact = json.JSONDecoder(parse_float=Decimal, parse_int=Decimal, parse_constant=_refuse).decode


def canonical_json(text: str) -> str:
    """The text that stands for the same JSON everywhere: names in order, no blanks, numbers in one form.

    Raises:
        ValueError: it is no JSON, or is nested too deep.
    """
    try:
        if _LONG.search(text) is None:
            try:
                return _encode(_plain(text))
            except _Point:
                pass
        return json_of(_exact(text))
    except (RecursionError, InvalidOperation):
        raise ValueError("JSON that cannot be read") from None


def exact_json(text: str) -> Any:
    """What the text says, with numbers as `Decimal`.

    Raises:
        ValueError: it is no JSON.
    """
    try:
        return _exact(text)
    except (RecursionError, InvalidOperation):
        raise ValueError("JSON that cannot be read") from None


def json_of(value: Any) -> str:
    """The canonical text of a value. Numbers that JSON has none for are written as texts."""
    if isinstance(value, str):
        return _string(value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float):
        return number_text(Decimal(repr(value))) if math.isfinite(value) else _string(str(value))
    if isinstance(value, int | Decimal):
        number = Decimal(value)
        return number_text(number) if number.is_finite() else _string(str(value))
    if isinstance(value, dict):
        return (
            "{" + ",".join(f"{_string(name)}:{json_of(each)}" for name, each in sorted(value.items())) + "}"
        )
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(json_of, value)) + "]"
    raise ValueError(f"no JSON for {type(value).__name__}")


def number_text(number: Decimal) -> str:
    """A number's only form: all its digits, no zeros around them, an exponent where it is very large or small."""
    sign, digits, exponent = number.as_tuple()
    shown = "".join(map(str, digits)).lstrip("0")
    kept = shown.rstrip("0")
    if not kept:
        return "0"
    power = int(exponent) + len(shown) - 1  # of the first digit
    minus = "-" if sign else ""
    if not -7 <= power <= _DIGITS - 1:
        point = "." if len(kept) > 1 else ""
        return f"{minus}{kept[0]}{point}{kept[1:]}E{power:+}"
    if power < 0:
        return f"{minus}0.{'0' * (-power - 1)}{kept}"
    whole = kept[: power + 1].ljust(power + 1, "0")
    rest = kept[power + 1 :]
    return f"{minus}{whole}.{rest}" if rest else minus + whole


def has_nul(text: str) -> bool:
    """Whether a string in it holds a NUL, which PostgreSQL cannot keep."""
    return _NUL.search(text) is not None
