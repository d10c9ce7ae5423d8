"""Writing attributes into a component: only the lines that mean them, and only where they say something else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, tzinfo
from typing import Any

from tasks.errors import ItemError
from tasks.services.caldav.lines.content_lines import Component, Property, clean, escape, split_raw, unescape
from tasks.services.caldav.lines.reading import (
    read_category,
    read_category_list,
    read_number,
    read_url,
    whole_number,
)
from tasks.values.opaque import Opaque

#: Largest value of an iCalendar integer.
_MOST = 2**31 - 1


@dataclass
class Writing:
    """Changes that are written into a component; an equal value keeps the form that it has."""

    entry: Component
    calendar: Component
    changes: Mapping[str, Any]
    floating: tzinfo
    #: Gives an attribute as it is now.
    shown: Callable[[Component, Component, tzinfo, str], Any]
    #: Whether the component is being made.
    is_new: bool = False
    #: Attributes that do not fit, with the reason; what the component holds then is of no use.
    unfit: dict[str, str] = field(default_factory=dict)

    def write(self, names: tuple[str, ...], put: Callable[[], None]) -> None:
        """Write one attribute, or several that are one thing, unless what is there cannot be read."""
        given = [name for name in names if name in self.changes]
        try:
            for name in given:
                self._check_readable(name)
            if given:
                put()
        except (ItemError, ValueError) as error:
            self.unfit.update(dict.fromkeys(given, str(error)))

    def write_text(self, name: str) -> None:
        """Write a text into the property of the same name."""
        self.write((name,), lambda: write_text(self.entry, name.upper(), self.changes[name]))

    def write_categories(self) -> None:
        """Write the categories."""
        self.write(("categories",), lambda: write_categories(self.entry, self.changes["categories"] or ()))

    def write_url(self) -> None:
        """Write the address."""
        self.write(("url",), lambda: write_url(self.entry, self.changes["url"]))

    def _check_readable(self, name: str) -> None:
        now = self.shown(self.entry, self.calendar, self.floating, name)
        if isinstance(now, Opaque):
            raise ItemError(f"its {name} is not written over: {now.type}")


def count_edit(entry: Component) -> None:
    """One more revision; a number that cannot be read stays."""
    try:
        sequence = entry.filled("SEQUENCE")
        number = whole_number(sequence) if sequence is not None else 0
    except ValueError:
        return
    if 0 <= number < _MOST:
        entry.put("SEQUENCE", Property("SEQUENCE", (), str(number + 1)))


def checked_moment(name: str, new: Any) -> date | datetime | None:
    """A day, or a moment in UTC to the minute.

    Raises:
        ItemError: it is neither.
    """
    match new:
        case None | "":
            return None
        case datetime() if new.tzinfo is None:
            raise ItemError(f"{name} {new.isoformat()} has no time zone")
        case datetime():
            try:
                return new.astimezone(UTC).replace(second=0, microsecond=0)
            except OverflowError:
                raise ItemError(f"{name} {new.isoformat()} is out of range") from None
        case date():
            return new
    raise ItemError(f"{name} is neither a date nor a time, but {type(new).__name__}")


def write_text(entry: Component, name: str, new: Any) -> None:
    """Set a text; an empty one takes the line away, except that of the title."""
    text = clean(str(new or ""))
    old = entry.property(name)
    if text == (unescape(old.value) if old is not None else ""):
        return
    # ALTREP points to the same text in another form, which programs that know it show instead.
    params = old.without("ALTREP") if old is not None else ()
    entry.put(name, Property(name, params, escape(text)) if text or name == "SUMMARY" else None)


def write_number(entry: Component, name: str, new: Any, most: int, what: str) -> None:
    """Set a whole number from 0 on; `None` takes the line away.

    Raises:
        ItemError: it is no such number.
    """
    if new is not None and (isinstance(new, bool) or new not in range(most + 1)):
        raise ItemError(f"{what.format(new)}")
    number = None if new is None else int(new)
    if number != read_number(entry, name, most):
        entry.put(name, None if number is None else Property(name, (), str(number)))


def write_categories(entry: Component, new: Any) -> None:
    """Take names from the lines that hold them, and put new ones where no parameter says more of them."""
    names = list(dict.fromkeys(name for name in (clean(str(name)).strip() for name in new) if name))
    old = read_category_list(entry)
    if set(names) == set(old):
        return

    def without_others(line: Property) -> Property | None:
        parts = split_raw(line.value)
        kept = [part for part in parts if not read_category(part) or read_category(part) in names]
        if kept == parts:
            return line
        return replace(line, value=",".join(kept)) if any(map(read_category, kept)) else None

    entry.edit("CATEGORIES", without_others)
    added = [escape(name) for name in names if name not in old]
    if not added:
        return
    plain = next((line for line in entry.properties("CATEGORIES") if not line.params), None)
    if plain is None:
        entry.add(Property("CATEGORIES", (), ",".join(added)))
        return
    value = ",".join([part for part in split_raw(plain.value) if part] + added)
    first = [plain]
    entry.edit("CATEGORIES", lambda line: replace(first.pop(), value=value) if first == [line] else line)


def write_url(entry: Component, new: Any) -> None:
    """Set the address."""
    url = clean(str(new or "")).replace("\n", "").strip()
    if url != (read_url(entry) or ""):
        old = entry.property("URL")
        entry.put("URL", Property("URL", old.params if old else (), url) if url else None)
