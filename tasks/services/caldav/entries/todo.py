"""The attributes of a to-do, and the lines that say them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import tzinfo
from types import MappingProxyType
from typing import Any

from tasks.errors import ItemError
from tasks.services.caldav.entries.codec import Codec, Entry
from tasks.services.caldav.entries.due import read_due, read_start, write_due, write_start
from tasks.services.caldav.entries.parent import read_parents, write_parents
from tasks.services.caldav.lines.content_lines import Component, Property
from tasks.services.caldav.lines.reading import may_recur, read_categories, read_number, read_text, read_url
from tasks.services.caldav.lines.recurring import advance
from tasks.services.caldav.lines.writing import Writing, checked_moment

STATUSES = ("NEEDS-ACTION", "IN-PROCESS", "COMPLETED", "CANCELLED")
#: The statuses that count as done where there is only done and not done.
DONE = ("COMPLETED", "CANCELLED")
#: What another occurrence of one that recurs has for itself.
OF_AN_OCCURRENCE = ("status", "completed", "due", "start", "percent_complete")


class TodoCodec(Codec):
    """To-dos: to set one that recurs to done moves it on to its next occurrence."""

    component = "VTODO"
    noun = "to-do"
    one = "a to-do"
    nouns = "to-dos"
    attributes = (
        "summary",
        "description",
        "start",
        "due",
        "status",
        "completed",
        "percent_complete",
        "priority",
        "categories",
        "url",
        "parent",
    )

    def value(self, entry: Component, calendar: Component, floating: tzinfo, name: str) -> Any:
        """An attribute by its name."""
        match name:
            case "due":
                return read_due(entry, calendar, floating)
            case "start":
                return read_start(entry, calendar, floating)
            case "completed":
                return read_status(entry) in DONE
        return _READERS[name](entry)

    def write(self, writing: Writing, stamp: str) -> None:
        """Write the changes."""
        todo, calendar, changes, floating = (
            writing.entry,
            writing.calendar,
            writing.changes,
            writing.floating,
        )
        # The times that go with a done one are those of the occurrence that is done.
        if not _is_done_now(todo, changes):
            writing.write(("due",), lambda: _write_due(todo, calendar, floating, changes["due"]))
            writing.write(("start",), lambda: _write_start(todo, calendar, floating, changes["start"]))
        writing.write(
            ("status", "completed"), lambda: _write_status(todo, calendar, floating, changes, stamp)
        )
        says_status = not writing.is_new or not changes.keys().isdisjoint(("status", "completed"))
        writing.write(
            ("percent_complete",), lambda: _write_percent(todo, changes["percent_complete"], says_status)
        )
        writing.write_text("summary")
        writing.write_text("description")
        writing.write(("priority",), lambda: _write_priority(todo, changes["priority"]))
        writing.write_categories()
        writing.write_url()
        writing.write(("parent",), lambda: write_parents(todo, changes["parent"] or ()))


TODOS = TodoCodec()
#: What a mapping may name of a to-do.
ATTRIBUTES = TodoCodec.attributes


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
    percent = _said_percent(todo)
    if todo.filled("COMPLETED") is not None or percent == 100:
        return "COMPLETED"
    return "IN-PROCESS" if percent else "NEEDS-ACTION"


def _read_percent(todo: Component) -> int | None:
    return read_number(todo, "PERCENT-COMPLETE", 100)


def _said_percent(todo: Component) -> int:
    """How much of it is done; what cannot be read says nothing."""
    try:
        return _read_percent(todo) or 0
    except ValueError:
        return 0


def _read_priority(todo: Component) -> int | None:
    """From 1 to 9, or none."""
    return read_number(todo, "PRIORITY", 9) or None


#: How the attributes are read that need no more than the to-do itself.
_READERS: Mapping[str, Callable[[Component], Any]] = {
    "summary": lambda todo: read_text(todo, "SUMMARY"),
    "description": lambda todo: read_text(todo, "DESCRIPTION"),
    "status": read_status,
    "percent_complete": _read_percent,
    "priority": _read_priority,
    "categories": read_categories,
    "url": read_url,
    "parent": read_parents,
}


def done_occurrence(before: Entry, changes: Mapping[str, Any], after: Entry) -> Entry:
    """What a write to a to-do shows: of one that recurs and was done, the occurrence that was.

    The next one, which the to-do stands for by then, shows as an edit in the next listing.
    """
    if not (is_done(changes) and before.recurs and after.values["completed"] is False):
        return after
    status = changes["status"] if changes.get("status") in DONE else "COMPLETED"
    as_before = {name: before.values[name] for name in OF_AN_OCCURRENCE}
    shown = as_before | dict(changes) | {"status": status, "completed": True}
    return replace(after, values=MappingProxyType({**after.values, **shown}))


def is_done(changes: Mapping[str, Any]) -> bool:
    """Whether changes set a to-do to done."""
    return changes.get("status") in DONE or bool(changes.get("completed"))


def _write_due(todo: Component, calendar: Component, floating: tzinfo, new: Any) -> None:
    due = checked_moment("due", new)
    if due != read_due(todo, calendar, floating):
        write_due(todo, calendar, floating, due)


def _write_start(todo: Component, calendar: Component, floating: tzinfo, new: Any) -> None:
    start = checked_moment("start", new)
    if start != read_start(todo, calendar, floating):
        write_start(todo, calendar, floating, start)


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
    todo.put("COMPLETED", Property("COMPLETED", (), stamp) if new == "COMPLETED" else None)
    try:
        percent = _read_percent(todo)
    except ValueError:
        return  # what cannot be read stays
    if new == "COMPLETED":
        todo.put("PERCENT-COMPLETE", Property("PERCENT-COMPLETE", (), "100"))
    elif new == "NEEDS-ACTION" or percent == 100:
        todo.put("PERCENT-COMPLETE", None)


def _write_percent(todo: Component, new: Any, says_status: bool) -> None:
    if new is not None and (isinstance(new, bool) or new not in range(101)):
        raise ItemError(f"percent_complete {new!r} is not a whole number from 0 to 100")
    if new != _read_percent(todo):
        # Where there is no status, the number would say another one.
        if says_status and todo.filled("STATUS") is None:
            todo.put("STATUS", Property("STATUS", (), read_status(todo)))
        todo.put("PERCENT-COMPLETE", None if new is None else Property("PERCENT-COMPLETE", (), str(int(new))))


def _write_priority(todo: Component, new: Any) -> None:
    if new is not None and (isinstance(new, bool) or new not in range(10)):
        raise ItemError(f"priority {new!r} is not a whole number from 1 to 9")
    number = int(new) if new else None
    if number != _read_priority(todo):
        todo.put("PRIORITY", Property("PRIORITY", (), str(number)) if number else None)
