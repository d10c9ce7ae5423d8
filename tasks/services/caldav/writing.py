"""Writing attributes into a to-do: only the lines that mean them, and only where they say something else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, tzinfo
from typing import Any

from tasks.errors import ItemError, UnfitError
from tasks.services.caldav.attributes import (
    ATTRIBUTES,
    DONE,
    STATUSES,
    may_recur,
    read_category,
    read_category_list,
    read_percent,
    read_priority,
    read_status,
    read_url,
    shown,
    whole_number,
)
from tasks.services.caldav.content_lines import Component, Property, clean, escape, split_raw, unescape
from tasks.services.caldav.due import read_due, write_due
from tasks.services.caldav.recurring import advance
from tasks.values.opaque import Opaque

#: Largest value of an iCalendar integer.
_MOST = 2**31 - 1


def write_attributes(
    todo: Component, calendar: Component, changes: Mapping[str, Any], floating: tzinfo, stamp: str
) -> None:
    """Write those changes that the to-do does not have yet: an equal value keeps the form that it has.

    Raises:
        UnfitError: some do not fit; what the component holds by then is of no use.
    """
    unknown = sorted(set(changes) - set(ATTRIBUTES))
    if unknown:
        raise ItemError(f"a to-do has no attribute {', '.join(unknown)}: there are {', '.join(ATTRIBUTES)}")
    unfit: dict[str, str] = {}

    def write(names: tuple[str, ...], put: Callable[[], None]) -> None:
        """Write one attribute, or several that are one thing, unless what is there cannot be read."""
        given = [name for name in names if name in changes]
        try:
            for name in given:
                _check_readable(todo, calendar, floating, name)
            if given:
                put()
        except (ItemError, ValueError) as error:
            unfit.update(dict.fromkeys(given, str(error)))

    # The due time that goes with a done one is that of the occurrence that is done.
    if not _is_done_now(todo, changes):
        write(("due",), lambda: _write_due(todo, calendar, floating, changes["due"]))
    write(("status", "completed"), lambda: _write_status(todo, calendar, floating, changes, stamp))
    write(("summary",), lambda: _write_text(todo, "SUMMARY", changes["summary"]))
    write(("description",), lambda: _write_text(todo, "DESCRIPTION", changes["description"]))
    write(("priority",), lambda: _write_priority(todo, changes["priority"]))
    write(("categories",), lambda: _write_categories(todo, changes["categories"] or ()))
    write(("url",), lambda: _write_url(todo, changes["url"]))
    if unfit:
        raise UnfitError("; ".join(dict.fromkeys(unfit.values())), unfit)


def _check_readable(todo: Component, calendar: Component, floating: tzinfo, name: str) -> None:
    now = shown(todo, calendar, floating, name)
    if isinstance(now, Opaque):
        raise ItemError(f"its {name} is not written over: {now.type}")


def count_edit(todo: Component) -> None:
    """One more revision; a number that cannot be read stays."""
    try:
        sequence = todo.filled("SEQUENCE")
        number = whole_number(sequence) if sequence is not None else 0
    except ValueError:
        return
    if 0 <= number < _MOST:
        todo.put("SEQUENCE", Property("SEQUENCE", (), str(number + 1)))


def _write_text(todo: Component, name: str, new: Any) -> None:
    text = clean(str(new or ""))
    old = todo.property(name)
    if text == (unescape(old.value) if old is not None else ""):
        return
    # ALTREP points to the same text in another form, which programs that know it show instead.
    params = old.without("ALTREP") if old is not None else ()
    todo.put(name, Property(name, params, escape(text)) if text or name == "SUMMARY" else None)


def _write_due(todo: Component, calendar: Component, floating: tzinfo, new: Any) -> None:
    due = _checked_due(new)
    if due != read_due(todo, calendar, floating):
        write_due(todo, calendar, floating, due)


def _checked_due(new: Any) -> date | datetime | None:
    match new:
        case None | "":
            return None
        case datetime() if new.tzinfo is None:
            raise ItemError(f"due {new.isoformat()} has no time zone")
        case datetime():
            try:
                return new.astimezone(UTC).replace(second=0, microsecond=0)
            except OverflowError:
                raise ItemError(f"due {new.isoformat()} is out of range") from None
        case date():
            return new
    raise ItemError(f"due is neither a date nor a time, but {type(new).__name__}")


def _is_done_now(todo: Component, changes: Mapping[str, Any]) -> bool:
    """Whether the changes set an open to-do that recurs to done."""
    if "status" not in changes and "completed" not in changes:
        return False
    try:
        return may_recur(todo) and read_status(todo) not in DONE and _wanted_status(todo, changes) in DONE
    except (ValueError, ItemError):
        return False


def _wanted_status(todo: Component, changes: Mapping[str, Any]) -> str:
    current = read_status(todo)
    wanted = str(changes.get("status") or ("NEEDS-ACTION" if "status" in changes else current)).upper()
    if wanted not in STATUSES:
        raise ItemError(f"status {wanted!r} is unknown: there are {', '.join(STATUSES)}")
    if "completed" not in changes or bool(changes["completed"]) == (wanted in DONE):
        return wanted
    if changes["completed"]:
        return "COMPLETED"
    # Of two changes that contradict each other, done is the one that somebody meant.
    return wanted if "status" in changes else "NEEDS-ACTION"


def _write_status(
    todo: Component, calendar: Component, floating: tzinfo, changes: Mapping[str, Any], stamp: str
) -> None:
    new = _wanted_status(todo, changes)
    if new == read_status(todo):
        return
    if _is_done_now(todo, changes):
        if new == "CANCELLED":
            raise ItemError(
                "it recurs, and to cancel it here would end all of it; do it in the calendar's app"
            )
        if advance(todo, calendar, floating):
            new = "NEEDS-ACTION"
    todo.put("STATUS", Property("STATUS", (), new))
    if new == "COMPLETED":
        todo.put("PERCENT-COMPLETE", Property("PERCENT-COMPLETE", (), "100"))
        todo.put("COMPLETED", Property("COMPLETED", (), stamp))
        return
    todo.put("COMPLETED", None)
    if new == "NEEDS-ACTION" or read_percent(todo) == 100:
        todo.put("PERCENT-COMPLETE", None)


def _write_priority(todo: Component, new: Any) -> None:
    if new is not None and (isinstance(new, bool) or new not in range(10)):
        raise ItemError(f"priority {new!r} is not a whole number from 1 to 9")
    number = int(new) if new else None
    if number != read_priority(todo):
        todo.put("PRIORITY", Property("PRIORITY", (), str(number)) if number else None)


def _write_categories(todo: Component, new: Any) -> None:
    """Take names from the lines that hold them, and put new ones where no parameter says more of them."""
    names = list(dict.fromkeys(name for name in (clean(str(name)).strip() for name in new) if name))
    old = read_category_list(todo)
    if set(names) == set(old):
        return

    def without_others(line: Property) -> Property | None:
        parts = split_raw(line.value)
        kept = [part for part in parts if not read_category(part) or read_category(part) in names]
        if kept == parts:
            return line
        return replace(line, value=",".join(kept)) if any(map(read_category, kept)) else None

    todo.edit("CATEGORIES", without_others)
    added = [escape(name) for name in names if name not in old]
    if not added:
        return
    plain = next((line for line in todo.properties("CATEGORIES") if not line.params), None)
    if plain is None:
        todo.add(Property("CATEGORIES", (), ",".join(added)))
        return
    value = ",".join([part for part in split_raw(plain.value) if part] + added)
    first = [plain]
    todo.edit("CATEGORIES", lambda line: replace(first.pop(), value=value) if first == [line] else line)


def _write_url(todo: Component, new: Any) -> None:
    url = clean(str(new or "")).replace("\n", "").strip()
    if url != (read_url(todo) or ""):
        old = todo.property("URL")
        todo.put("URL", Property("URL", old.params if old else (), url) if url else None)
