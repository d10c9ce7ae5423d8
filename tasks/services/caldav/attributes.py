"""The attributes of a to-do in common form, read line by line: one that is odd makes only its attribute `Opaque`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

from tasks.services.caldav.content_lines import Component, Property, clean, split_raw, unescape
from tasks.services.caldav.due import read_due, read_moment, recurs
from tasks.values.opaque import Opaque

#: What `attr_map` may name on the CalDAV side.
ATTRIBUTES = ("summary", "description", "due", "status", "completed", "priority", "categories", "url")
STATUSES = ("NEEDS-ACTION", "IN-PROCESS", "COMPLETED", "CANCELLED")
#: The statuses that count as done where there is only done and not done.
DONE = ("COMPLETED", "CANCELLED")

_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,10}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def shown(todo: Component, calendar: Component, floating: tzinfo, name: str) -> Any:
    """An attribute by its name, `Opaque` where a line of it cannot be read."""
    try:
        return _value(todo, calendar, floating, name)
    except ValueError as error:
        return Opaque(str(error), odd=True)


def _value(todo: Component, calendar: Component, floating: tzinfo, name: str) -> Any:
    """An attribute.

    Raises:
        ValueError: a line of it cannot be read.
    """
    match name:
        case "due":
            return read_due(todo, calendar, floating)
        case "completed":
            return read_status(todo) in DONE
    return _READERS[name](todo)


def may_recur(todo: Component) -> bool:
    """Whether the to-do stands for several, as far as its lines can be read."""
    try:
        return recurs(todo)
    except ValueError:
        return True


def read_text(todo: Component, name: str) -> str:
    """The text of a property, empty where there is none.

    Raises:
        ValueError: its line cannot be read.
    """
    prop = todo.property(name)
    return "" if prop is None else unescape(prop.value)


def read_status(todo: Component) -> str:
    """The status, which other lines say where there is none.

    Raises:
        ValueError: it is none of `STATUSES`.
    """
    prop = todo.filled("STATUS")
    if prop is not None:
        if prop.value.strip().upper() not in STATUSES:
            raise ValueError(f"STATUS is none of {', '.join(STATUSES)}")
        return prop.value.strip().upper()
    percent = read_percent(todo)
    if todo.filled("COMPLETED") is not None or percent == 100:
        return "COMPLETED"
    return "IN-PROCESS" if percent else "NEEDS-ACTION"


def whole_number(prop: Property) -> int:
    """A number that other programs can read too.

    Raises:
        ValueError: it is none.
    """
    if not _WHOLE_NUMBER.fullmatch(prop.value.strip()):
        raise ValueError(f"{prop.name} is no whole number of this size")
    return int(prop.value)


def read_percent(todo: Component) -> int:
    """How much of it is done; what cannot be read says nothing."""
    try:
        prop = todo.filled("PERCENT-COMPLETE")
        return whole_number(prop) if prop is not None else 0
    except ValueError:
        return 0


def read_priority(todo: Component) -> int | None:
    """From 1 to 9, or none.

    Raises:
        ValueError: it is no such number.
    """
    prop = todo.filled("PRIORITY")
    if prop is None:
        return None
    number = whole_number(prop)
    if number not in range(10):
        raise ValueError("PRIORITY is not from 0 to 9")
    return number or None


def read_category(written: str) -> str:
    """A name as it is meant, from one as it is written."""
    return unescape(written).strip()


def read_category_list(todo: Component) -> list[str]:
    """All names in the order of their lines.

    Raises:
        ValueError: one of the lines cannot be read.
    """
    lines = todo.properties("CATEGORIES")
    names = (read_category(part) for prop in lines for part in split_raw(prop.value))
    return list(dict.fromkeys(name for name in names if name))


def _categories(todo: Component) -> tuple[str, ...]:
    return tuple(sorted(read_category_list(todo)))


def read_url(todo: Component) -> str | None:
    """The address.

    Raises:
        ValueError: its line cannot be read.
    """
    prop = todo.property("URL")
    return (clean(prop.value).strip() or None) if prop is not None else None


#: How the attributes are read that need no more than the to-do itself.
_READERS: Mapping[str, Callable[[Component], Any]] = {
    "summary": lambda todo: read_text(todo, "SUMMARY"),
    "description": lambda todo: read_text(todo, "DESCRIPTION"),
    "status": read_status,
    "priority": read_priority,
    "categories": _categories,
    "url": read_url,
}


def read_timestamp(todo: Component, calendar: Component, floating: tzinfo) -> datetime:
    """The last edit; of stamps that are empty or cannot be read, the next best one says it."""
    for name in ("LAST-MODIFIED", "DTSTAMP", "CREATED"):
        try:
            prop = todo.filled(name)
            moment = read_moment(prop, calendar, floating) if prop is not None else None
        except ValueError:
            continue
        if isinstance(moment, datetime):
            return moment
        if moment is not None:
            return datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    return _EPOCH
