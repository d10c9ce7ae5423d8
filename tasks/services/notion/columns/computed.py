"""Values that Notion itself makes; they are read, and never written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tasks.errors import ItemError
from tasks.services.notion.columns import dates
from tasks.values.opaque import Opaque

Json = dict[str, Any]


def _formula(held: Json) -> Any:
    kind = held.get("type", "")
    if kind == "date":
        return dates.start(held["date"])
    return held.get(kind) if kind in ("string", "number", "boolean") else Opaque(f"formula of {kind}")


def _rollup(held: Json) -> Any:
    kind = held.get("type", "")
    if kind == "date":
        return dates.start(held["date"])
    return held["number"] if kind == "number" else Opaque(f"rollup of {kind}")


def _unique_id(held: Json | None) -> str | None:
    if not held or held.get("number") is None:
        return None
    return f"{held['prefix']}-{held['number']}" if held.get("prefix") else str(held["number"])


def _moment(held: str | None) -> Any:
    return dates.start({"start": held}) if held else None


def _user(held: Json | None) -> tuple[str, ...]:
    return (str(held["id"]),) if held else ()


_READERS: dict[str, Callable[[Any], Any]] = {
    "button": lambda held: None,
    "created_by": _user,
    "created_time": _moment,
    "formula": _formula,
    "last_edited_by": _user,
    "last_edited_time": _moment,
    "rollup": _rollup,
    "unique_id": _unique_id,
}

#: Types of properties that Notion alone writes.
COMPUTED_TYPES = frozenset(_READERS)

#: For people: the Python value of those that have one kind.
READ_AS = {
    "created_by": "`tuple` of one id",
    "created_time": "`datetime` in UTC to the minute",
    "last_edited_by": "`tuple` of one id",
    "last_edited_time": "`datetime` in UTC to the minute",
    "unique_id": "`str`",
}

#: Those of them whose values are of any kind, which no schema tells.
OF_ANY_KIND = COMPUTED_TYPES - READ_AS.keys()


def read_computed(name: str, kind: str, held: Any) -> Any:
    """The Python value of a computed property; `Opaque` for any type that is not known here.

    Raises:
        ItemError: the value is not of that type.
    """
    reader = _READERS.get(kind)
    if reader is None:
        return Opaque(kind)
    try:
        return reader(held)
    except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError):
        raise ItemError(f"Notion property {name!r} is no readable {kind}") from None
