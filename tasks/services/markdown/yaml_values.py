"""Scalars of YAML as people write them into front matter, and as they are written back. Pure.

Own code on top of PyYAML, which says where each value stands: it reads plain scalars by YAML 1.1, where `12:30` is the
number 750 and `no` is false. Obsidian and others read them by the core schema of YAML 1.2, and so does this.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal

NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "yes", "on", "y"})
_FALSE = frozenset({"false", "no", "off", "n"})
_WHOLE = re.compile(r"[-+]?[0-9]{1,400}", re.ASCII)
_NUMBER = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,4})?", re.ASCII)
_CODE = re.compile(r"[-+]?0[0-9]+")
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt]|[ \t]+)(\d\d?:\d\d(?::\d\d(?:\.\d{1,6})?)?)[ \t]*(?:([Zz])|([-+])(\d\d?)(?::?(\d\d))?)?",
    re.ASCII,
)
#: What some reader of YAML may take for something else than a text.
_AMBIGUOUS = re.compile(r"[-+.0-9][-+.0-9_:,eExXoOa-fA-FTtZz ]*|[~=]|<<", re.ASCII)
_WORDS = frozenset({"null", *_TRUE, *_FALSE})
_INSIDE_PLAIN = frozenset(" _-./()'+&@%$!?;=*~^|<>")
#: Control signs, and what ends a line or marks an order of bytes somewhere.
_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def shape(text: str) -> str:
    """What a plain scalar looks like: `empty`, `yes/no`, `number`, `moment` or `text`."""
    if text in NULLS:
        return "empty"
    if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return "yes/no"
    if _NUMBER.fullmatch(text) and not _CODE.fullmatch(text):
        return "number"
    try:
        return "moment" if isinstance(read_moment(text, UTC), date) else "text"
    except ValueError:
        return "text"


def read_yes_no(text: str) -> bool:
    """Yes or no in the words of YAML, old and new.

    Raises:
        ValueError: it is neither.
    """
    word = text.strip().lower()
    if word not in _TRUE | _FALSE:
        raise ValueError("is neither true nor false")
    return word in _TRUE


def read_number(text: str) -> int | float:
    """A number.

    Raises:
        ValueError: it is none, or too large for one.
    """
    if _WHOLE.fullmatch(text):
        return int(text)
    if not _NUMBER.fullmatch(text):
        raise ValueError("is no number")
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError("is too large a number")
    return number


def read_whole(text: str) -> int:
    """A whole number.

    Raises:
        ValueError: it is none.
    """
    if not _WHOLE.fullmatch(text):
        raise ValueError("is no whole number")
    return int(text)


def read_date(text: str) -> date:
    """A day.

    Raises:
        ValueError: it is none.
    """
    if not _DATE.fullmatch(text.strip()):
        raise ValueError("is no date such as 2026-07-04")
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise ValueError("is no day of the calendar") from None


def read_moment(text: str, zone: tzinfo) -> date:
    """A moment, or a day; a moment that says no zone is meant in the one given.

    Raises:
        ValueError: it is neither.
    """
    found = _MOMENT.fullmatch(text.strip())
    if found is None:
        return read_date(text)
    day, clock, utc, sign, hours, minutes = found.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock if clock[1:2] != ':' else '0' + clock}")
        if utc:
            return moment.replace(tzinfo=UTC)
        if sign is None:
            moment = moment.replace(tzinfo=zone)
        else:
            offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
            moment = moment.replace(tzinfo=timezone(offset if sign == "+" else -offset))
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("is no moment of the calendar") from None


def says_zone(text: str) -> bool:
    """Whether a moment is written with its offset."""
    found = _MOMENT.fullmatch(text.strip())
    return found is not None and bool(found[3] or found[4])


def write_moment(moment: date, zone: tzinfo, *, with_zone: bool) -> str:
    """A day, or a moment by the clocks of the zone where that means just this moment."""
    if not isinstance(moment, datetime):
        return moment.isoformat()
    local = moment.astimezone(zone)
    bare = local.replace(tzinfo=None, fold=0)
    if not with_zone and bare.replace(tzinfo=zone).astimezone(UTC) == moment:
        return bare.isoformat()
    offset = local.utcoffset()
    whole = offset is not None and not offset.seconds % 60
    return (
        local if whole else moment.astimezone(UTC)
    ).isoformat()  # an offset has no seconds, as it had in 1890


def write_number(number: int | float | Decimal) -> str:
    """A number, so that readers of every YAML take it for one."""
    if isinstance(number, Decimal):
        return format(number, "f")
    text = repr(number)
    mantissa, e, exponent = text.partition("e")
    if e and "." not in mantissa:
        mantissa += ".0"
    return mantissa + (f"e{exponent if exponent[0] == '-' else '+' + exponent.lstrip('+')}" if e else "")


def write_text(text: str, quote: str | None, *, in_flow: bool = False) -> str:
    """A text in one line: in the quotes that it had, plain where it can be, else in double ones.

    Raises:
        ValueError: it holds half a surrogate pair.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("holds half a surrogate pair") from None
    if quote is None and _may_be_plain(text, in_flow):
        return text
    if quote == "'" and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return _ESCAPED.sub(lambda sign: f"\\u{ord(sign[0]):04x}", json.dumps(text, ensure_ascii=False))


def write_lines(text: str, indent: str, line_end: str) -> str | None:
    """A text of several lines as a literal block, `None` where that cannot show it."""
    body = text.removesuffix("\n")
    lines = body.split("\n")
    if len(lines) < 2 or not lines[0] or lines[0][0] in " \t" or not lines[-1].strip(" \t"):
        return None
    if not all(line.isprintable() and not (line and not line.strip()) for line in lines):
        return None
    head = "|" if text.endswith("\n") else "|-"
    return line_end.join([head, *(indent + line if line else "" for line in lines)])


def _may_be_plain(text: str, in_flow: bool) -> bool:
    if not text or not text[0].isalnum() or not text.isprintable() or text[-1] in " :":
        return False
    if text.lower() in _WORDS or _AMBIGUOUS.fullmatch(text):
        return False
    for at, sign in enumerate(text):
        if sign.isalnum() or sign in _INSIDE_PLAIN or (sign == "," and not in_flow):
            continue
        if sign == ":" and text[at + 1] != " " and not in_flow:
            continue
        if sign == "#" and text[at - 1] != " ":
            continue
        return False
    return True
