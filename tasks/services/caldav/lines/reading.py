"""What to-dos and events say in the same lines; a line that cannot be read is a `ValueError`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo

from tasks.services.caldav.lines.content_lines import Component, Property, clean, split_raw, unescape
from tasks.services.caldav.lines.times import read_moment, recurs

_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,10}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def may_recur(entry: Component) -> bool:
    """Whether the entry stands for several, as far as its lines can be read."""
    try:
        return recurs(entry)
    except ValueError:
        return True


def read_text(entry: Component, name: str) -> str:
    """The text of a property, empty where there is none.

    Raises:
        ValueError: its line cannot be read.
    """
    prop = entry.property(name)
    return "" if prop is None else unescape(prop.value)


def whole_number(prop: Property) -> int:
    """A number that other programs can read too.

    Raises:
        ValueError: it is none.
    """
    if not _WHOLE_NUMBER.fullmatch(prop.value.strip()):
        raise ValueError(f"{prop.name} is no whole number of this size")
    return int(prop.value)


def read_number(entry: Component, name: str, most: int) -> int | None:
    """A number from 0 on, `None` where there is no line.

    Raises:
        ValueError: it is no such number.
    """
    prop = entry.filled(name)
    if prop is None:
        return None
    number = whole_number(prop)
    if number not in range(most + 1):
        raise ValueError(f"{name} is not from 0 to {most}")
    return number


def read_category(written: str) -> str:
    """A name as it is meant, from one as it is written."""
    return unescape(written).strip()


def read_category_list(entry: Component) -> list[str]:
    """All names in the order of their lines.

    Raises:
        ValueError: one of the lines cannot be read.
    """
    lines = entry.properties("CATEGORIES")
    names = (read_category(part) for prop in lines for part in split_raw(prop.value))
    return list(dict.fromkeys(name for name in names if name))


def read_categories(entry: Component) -> tuple[str, ...]:
    """All names, sorted.

    Raises:
        ValueError: one of the lines cannot be read.
    """
    return tuple(sorted(read_category_list(entry)))


def read_url(entry: Component) -> str | None:
    """The address.

    Raises:
        ValueError: its line cannot be read.
    """
    prop = entry.property("URL")
    return (clean(prop.value).strip() or None) if prop is not None else None


def read_timestamp(entry: Component, calendar: Component, floating: tzinfo) -> datetime:
    """The last edit; of stamps that are empty or cannot be read, the next best one says it."""
    for name in ("LAST-MODIFIED", "DTSTAMP", "CREATED"):
        try:
            prop = entry.filled(name)
            moment = read_moment(prop, calendar, floating) if prop is not None else None
        except ValueError:
            continue
        if isinstance(moment, datetime):
            return moment
        if moment is not None:
            return datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    return _EPOCH
