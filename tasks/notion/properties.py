"""Property values: Notion's JSON on one side, plain Python values on the other.

| Notion type | Python value | when empty |
|---|---|---|
| title, rich_text | `str` | `""` |
| number | `int` or `float` | `None` |
| checkbox | `bool` | `False` |
| select, status | `str`, the option's name | `None` |
| multi_select | `tuple[str, ...]`, sorted | `()` |
| date | `date`, or `datetime` in UTC floored to the minute | `None` |
| url, email, phone_number | `str` | `None` |

Of a date range the value is its start. Reading gives these values exactly, and writing one and reading it
back gives the same again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tasks.errors import ItemError, TaskDefinitionError
from tasks.notion import dates, rich_text

Json = dict[str, Any]

#: Longest name of an option, and most options in one value.
OPTION_LENGTH = 100
OPTIONS_PER_VALUE = 100

#: Longest values of the one-line types.
LINE_LENGTHS = {"url": 2000, "email": 200, "phone_number": 200}


@dataclass(frozen=True)
class Column:
    """A property as the schema of a data source describes it."""

    #: As it is called in Notion now; people may change it.
    name: str
    #: As Notion writes it in its answers; stays when the property is renamed.
    id: str
    type: str
    #: Names of the options of select, multi_select and status.
    options: tuple[str, ...] = ()


def check_supported(column: Column) -> None:
    """Make sure that values of this property can be read and written.

    Raises:
        TaskDefinitionError: Notion computes them, or their type is not known here.
    """
    if column.type not in _CODECS:
        raise TaskDefinitionError(
            f"Notion property {column.name!r} is of type {column.type}, which cannot be synced; "
            f"types that can: {', '.join(sorted(_CODECS))}"
        )


def decode(column: Column, value: Json) -> Any:
    """The Python value of a property.

    Parameters:
        value: as it stands in the `properties` of a page.

    Raises:
        ItemError: the value is not of the property's type.
    """
    kind = column.type
    if value.get("type", kind) != kind or kind not in value:
        found = value.get("type")
        raise ItemError(f"Notion property {column.name!r} should be of type {kind}, but is {found}")
    return _CODECS[kind].read(column, value[kind])


def encode(column: Column, value: Any, current: Json | None = None) -> Json:
    """The JSON that sets a property.

    Parameters:
        value: in the form that `decode` gives; `None` empties any property.
        current: what the page holds now; a date keeps its end from there where that still lies after the
            new start.

    Raises:
        ItemError: the value does not fit the property, or is more than Notion takes.
    """
    held = current.get(column.type) if current else None
    return {column.type: _CODECS[column.type].write(column, value, held)}


def _misfit(column: Column, value: Any, wanted: str) -> ItemError:
    return ItemError(
        f"Notion property {column.name!r} ({column.type}) takes {wanted}, "
        f"not a value of type {type(value).__name__}"
    )


def _well_formed(column: Column, text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ItemError(f"Notion property {column.name!r}: the text holds half a surrogate pair") from None
    return text


# -- text -------------------------------------------------------------------------------------------------


def _read_text(column: Column, held: Any) -> str:
    return rich_text.plain(held)


def _write_text(column: Column, value: Any, held: Any) -> list[Json]:
    if value is not None and not isinstance(value, str):
        raise _misfit(column, value, "text")
    text = _well_formed(column, value or "")
    runs = rich_text.runs(text)
    if len(runs) > rich_text.MOST_RUNS:
        most = rich_text.MOST_RUNS * rich_text.RUN_LENGTH
        raise ItemError(
            f"Notion property {column.name!r}: the text has {rich_text.length(text):,} characters, "
            f"Notion takes at most {most:,}"
        )
    return runs


def _read_line(column: Column, held: Any) -> str | None:
    return held or None


def _write_line(column: Column, value: Any, held: Any) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise _misfit(column, value, "text")
    if rich_text.length(_well_formed(column, value)) > LINE_LENGTHS[column.type]:
        raise ItemError(
            f"Notion property {column.name!r}: {rich_text.length(value):,} characters are too many, "
            f"Notion takes at most {LINE_LENGTHS[column.type]:,} in {column.type}"
        )
    return value


# -- numbers and ticks --------------------------------------------------------------------------------------


def _read_number(column: Column, held: Any) -> Any:
    return held


def _write_number(column: Column, value: Any, held: Any) -> int | float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _misfit(column, value, "a number")
    try:
        exact = math.isfinite(value) and float(value) == value
    except OverflowError:
        exact = False
    if not exact:
        raise ItemError(f"Notion property {column.name!r}: Notion cannot hold the number {value} exactly")
    return value


def _read_checkbox(column: Column, held: Any) -> bool:
    return bool(held)


def _write_checkbox(column: Column, value: Any, held: Any) -> bool:
    if value is None:
        return False
    if not isinstance(value, int) or value not in (0, 1):
        raise _misfit(column, value, "true or false")
    return bool(value)


# -- options ------------------------------------------------------------------------------------------------


def _option(column: Column, name: Any) -> Json:
    if not isinstance(name, str):
        raise _misfit(column, name, "the name of an option")
    where = f"Notion property {column.name!r}: option {name[:OPTION_LENGTH]!r}"
    if not name.strip():
        raise ItemError(f"{where} has no name")
    if column.type == "status":
        if name not in column.options:
            known = ", ".join(column.options) or "none"
            raise ItemError(f"{where} does not exist, and Notion lets only people add one; it has: {known}")
        return {"name": name}
    if "," in name:
        raise ItemError(f"{where} holds a comma, which Notion does not take in options")
    if rich_text.length(_well_formed(column, name)) > OPTION_LENGTH:
        raise ItemError(f"{where}… is longer than the {OPTION_LENGTH} characters that Notion takes")
    return {"name": name}


def _read_option(column: Column, held: Any) -> str | None:
    return held["name"] if held else None


def _write_option(column: Column, value: Any, held: Any) -> Json | None:
    return None if value is None or value == "" else _option(column, value)


def _read_options(column: Column, held: Any) -> tuple[str, ...]:
    return tuple(sorted({option["name"] for option in held or ()}))


def _write_options(column: Column, value: Any, held: Any) -> list[Json]:
    if value is None:
        return []
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise _misfit(column, value, "a tuple of option names")
    # Names that the value holds already stay in the order in which people put them.
    order = {option["name"]: place for place, option in enumerate(held or ())}
    options = {option["name"]: option for option in (_option(column, name) for name in value)}
    if len(options) > OPTIONS_PER_VALUE:
        raise ItemError(
            f"Notion property {column.name!r}: {len(options)} options are too many, "
            f"Notion takes at most {OPTIONS_PER_VALUE}"
        )
    return [options[name] for name in sorted(options, key=lambda name: (order.get(name, len(order)), name))]


# -- dates --------------------------------------------------------------------------------------------------


def _read_date(column: Column, held: Any) -> Any:
    return dates.start(held)


def _write_date(column: Column, value: Any, held: Any) -> Json | None:
    if value is None:
        return None
    try:
        return dates.moved(held, value)
    except TypeError:
        raise _misfit(column, value, "a date or a time") from None
    except ValueError as error:
        raise ItemError(f"Notion property {column.name!r}: {error}") from None


@dataclass(frozen=True)
class _Codec:
    read: Callable[[Column, Any], Any]
    #: Gets the new value and what the page holds now.
    write: Callable[[Column, Any, Any], Any]


_TEXT = _Codec(_read_text, _write_text)
_LINE = _Codec(_read_line, _write_line)
_OPTION = _Codec(_read_option, _write_option)

_CODECS: dict[str, _Codec] = {
    "title": _TEXT,
    "rich_text": _TEXT,
    "number": _Codec(_read_number, _write_number),
    "checkbox": _Codec(_read_checkbox, _write_checkbox),
    "select": _OPTION,
    "multi_select": _Codec(_read_options, _write_options),
    "status": _OPTION,
    "date": _Codec(_read_date, _write_date),
    "url": _LINE,
    "email": _LINE,
    "phone_number": _LINE,
}

#: Types of properties that can be synced.
SUPPORTED_TYPES = frozenset(_CODECS)
