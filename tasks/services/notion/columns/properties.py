"""Property values: Notion's JSON on one side, plain Python values on the other.

`type_rows` lists the types with their values; `docs/notion.md` shows the list.

Of a range of dates the value is its start, or all of it where the column says so. Reading gives these values
exactly, and writing one and reading it back gives the same again.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tasks.errors import ItemError, TaskDefinitionError
from tasks.services.notion.columns import dates, file_values, references, rich_text
from tasks.services.notion.columns.column import Column, misfit, well_formed
from tasks.services.notion.columns.computed import COMPUTED_TYPES, OF_ANY_KIND, READ_AS, read_computed
from tasks.values.opaque import Opaque

__all__ = ["SUPPORTED_TYPES", "Column", "check_supported", "decode", "encode", "keeps_more", "type_rows"]

Json = dict[str, Any]

#: Longest name of an option, and most options in one value.
OPTION_LENGTH = 100
OPTIONS_PER_VALUE = 100

#: Largest whole number up to which a double holds every one.
MOST_EXACT = 2**53

#: Longest values of the one-line types.
LINE_LENGTHS = {"url": 2000, "email": 200, "phone_number": 200}


def check_supported(column: Column) -> None:
    """Make sure that values of this property can be synced, be it only to the other side.

    Raises:
        TaskDefinitionError: Notion computes values of any kind, or their type is not known here.
    """
    if column.type in _CODECS or column.type in COMPUTED_TYPES - OF_ANY_KIND:
        return
    why = "Notion itself computes" if column.type in COMPUTED_TYPES else "is not known here"
    raise TaskDefinitionError(
        f"Notion property {column.name!r} is of type {column.type}, which {why}, so that it cannot be synced: "
        f"take it out of the mapping; types that can: {', '.join(sorted(_CODECS))}"
    )


def decode(column: Column, value: Json) -> Any:
    """The Python value of a property; `Opaque` for one of an unknown type or form.

    Parameters:
        value: as it stands in the `properties` of a page.

    Raises:
        ItemError: the value is not of the property's type.
    """
    kind = column.type
    if value.get("type", kind) != kind or kind not in value:
        found = value.get("type")
        raise ItemError(f"Notion property {column.name!r} should be of type {kind}, but is {found}")
    if kind not in _CODECS:
        return read_computed(column.name, kind, value[kind])
    try:
        return _CODECS[kind].read(column, value[kind])
    except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError):
        return Opaque(
            f"{kind} of an unknown form", odd=True
        )  # a year beyond 9999, say: one odd value stops no run


def encode(column: Column, value: Any, current: Json | None = None) -> Json:
    """The JSON that sets a property.

    Parameters:
        value: in the form that `decode` gives; `None` empties any property.
        current: what the page holds now; a date that is only a start keeps the end and the zone from there.

    Raises:
        ItemError: the value does not fit the property, or is more than Notion takes, or Notion computes it.
    """
    if column.type not in _CODECS:
        raise ItemError(f"Notion property {column.name!r} is of type {column.type}, which is only read")
    held = current.get(column.type) if current else None
    return {column.type: _CODECS[column.type].write(column, value, held)}


# -- text -------------------------------------------------------------------------------------------------


def _read_text(column: Column, held: Any) -> str:
    return rich_text.plain(held)


def _write_text(column: Column, value: Any, held: Any) -> list[Json]:
    if value is not None and not isinstance(value, str):
        raise misfit(column, value, "text")
    text = well_formed(column, value or "")
    runs = rich_text.runs(text)
    if len(runs) > rich_text.MOST_RUNS:
        most = rich_text.MOST_RUNS * rich_text.RUN_LENGTH
        raise ItemError(
            f"Notion property {column.name!r}: the text has {rich_text.length(text):,} characters, "
            f"Notion takes at most {most:,}"
        )
    return runs


def _read_line(column: Column, held: Any) -> str | None:
    return rich_text.text_of(held) or None if held is not None else None


def _write_line(column: Column, value: Any, held: Any) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise misfit(column, value, "text")
    if len(value.splitlines()) > 1:
        raise ItemError(f"Notion property {column.name!r}: {column.type} takes a single line")
    if rich_text.length(well_formed(column, value)) > LINE_LENGTHS[column.type]:
        raise ItemError(
            f"Notion property {column.name!r}: {rich_text.length(value):,} characters are too many, "
            f"Notion takes at most {LINE_LENGTHS[column.type]:,} in {column.type}"
        )
    return value


# -- numbers and ticks --------------------------------------------------------------------------------------


def _read_number(column: Column, held: Any) -> Any:
    if held is None:
        return None
    if isinstance(held, bool) or not isinstance(held, int | float) or not math.isfinite(held):
        raise TypeError("no number")
    # Notion keeps doubles; beyond this its digits tell which one, and are not those of the whole number.
    return float(held) if isinstance(held, int) and abs(held) > MOST_EXACT else held


def _write_number(column: Column, value: Any, held: Any) -> int | float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise misfit(column, value, "a number")
    try:
        exact = math.isfinite(value) and float(value) == value
    except OverflowError:
        exact = False
    if not exact:
        raise ItemError(f"Notion property {column.name!r}: Notion cannot hold the number {value} exactly")
    return value


def _read_checkbox(column: Column, held: Any) -> bool:
    if not isinstance(held, bool | None):
        raise TypeError("no tick")
    return bool(held)


def _write_checkbox(column: Column, value: Any, held: Any) -> bool:
    if value is None:
        return False
    if not isinstance(value, int) or value not in (0, 1):
        raise misfit(column, value, "true or false")
    return bool(value)


# -- options ------------------------------------------------------------------------------------------------


def _option(column: Column, name: Any) -> Json:
    if not isinstance(name, str):
        raise misfit(column, name, "the name of an option")
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
    if rich_text.length(well_formed(column, name)) > OPTION_LENGTH:
        raise ItemError(f"{where}… is longer than the {OPTION_LENGTH} characters that Notion takes")
    return {"name": name}


def _read_option(column: Column, held: Any) -> str | None:
    return rich_text.text_of(held["name"]) if held else None


def _write_option(column: Column, value: Any, held: Any) -> Json | None:
    return None if value is None or value == "" else _option(column, value)


def _read_options(column: Column, held: Any) -> tuple[str, ...]:
    return tuple(sorted({rich_text.text_of(option["name"]) for option in held or ()}))


def _write_options(column: Column, value: Any, held: Any) -> list[Json]:
    if value is None:
        return []
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise misfit(column, value, "a tuple of option names")
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
    return dates.read(held) if column.as_range else dates.start(held)


def _write_date(column: Column, value: Any, held: Any) -> Json | None:
    if value is None:
        return None
    try:
        return dates.written(value, held)
    except TypeError:
        raise misfit(column, value, "a date, a time or a range of them") from None
    except ValueError as error:
        raise ItemError(f"Notion property {column.name!r}: {error}") from None


@dataclass(frozen=True)
class _Codec:
    read: Callable[[Column, Any], Any]
    #: Gets the new value and what the page holds now.
    write: Callable[[Column, Any, Any], Any]
    #: For people: the Python value, and what of Notion's value a plain service does not show.
    shown_as: str
    hidden: str = ""
    #: Whether what is written depends on what the page holds.
    keeps: bool = False


_FORMAT = "formatting, mentions, equations: kept while the text stays the same"
_TEXT = _Codec(_read_text, _write_text, "`str`", _FORMAT)
_LINE = _Codec(_read_line, _write_line, "`str` or `None`")
_OPTION = _Codec(_read_option, _write_option, "`str`, the option's name, or `None`", "the colour")
_IDS = _Codec(references.read_ids, references.write_ids, "sorted `tuple` of ids", "the order: kept", True)

_CODECS: dict[str, _Codec] = {
    "title": _TEXT,
    "rich_text": _TEXT,
    "number": _Codec(_read_number, _write_number, "`int` or `float`, or `None`", "the display format"),
    "checkbox": _Codec(_read_checkbox, _write_checkbox, "`bool`"),
    "select": _OPTION,
    "multi_select": _Codec(
        _read_options, _write_options, "sorted `tuple` of names", "colours; the order: kept", True
    ),
    "status": _OPTION,
    "date": _Codec(
        _read_date,
        _write_date,
        "`date`, or `datetime` in UTC to the minute; in `date_ranges`, a `DateRange`; or `None`",
        "the end and the zone: kept",
        True,
    ),
    "url": _LINE,
    "email": _LINE,
    "phone_number": _LINE,
    "people": _IDS,
    "relation": _IDS,
    "files": _Codec(
        file_values.read_files, file_values.write_files, "sorted `tuple` of `File`", "the order: kept", True
    ),
    "place": _Codec(
        references.read_place,
        references.write_place,
        "`dict` of `lat`, `lon`, `name`, `address`, or `None`",
        "ids of map services: kept while the place stays",
        True,
    ),
    "verification": _Codec(
        references.read_verification,
        references.write_verification,
        '`"verified"`, `"expired"` or `None`; only `"verified"` is written, in wikis',
        "who verified it, and until when",
    ),
}

#: Types of properties that can be synced.
SUPPORTED_TYPES = frozenset(_CODECS)


def keeps_more(column: Column) -> bool:
    """Whether a write keeps something of what the page holds, which `encode` must be given then."""
    return column.type in _CODECS and _CODECS[column.type].keeps


def type_rows() -> list[tuple[str, str, str, str, str]]:
    """What is done with each type: its name, read as, written, cleared by, what a plain service does not show."""
    rows = []
    for kind, codec in sorted(_CODECS.items()):
        cleared = json.dumps(encode(Column("", "", kind), None)[kind])
        rows.append((kind, codec.shown_as, "yes", f"`{cleared}`", codec.hidden or "nothing"))
    read_only = sorted(COMPUTED_TYPES - OF_ANY_KIND)
    rows += [(kind, READ_AS[kind], "only read", "", "") for kind in read_only]
    return [*rows, *((kind, "", "not synced", "", "") for kind in (*sorted(OF_ANY_KIND), "any other"))]
