"""A to-do as attributes in common form, and edits of it that leave everything else as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from types import MappingProxyType
from typing import Any

from tasks.errors import ItemError
from tasks.services.caldav.content_lines import Component, Property, clean, escape, split_list, unescape
from tasks.services.caldav.due import read_due, read_moment, write_due

#: What `attr_map` may name on the CalDAV side.
ATTRIBUTES = ("summary", "description", "due", "status", "completed", "priority", "categories", "url")
STATUSES = ("NEEDS-ACTION", "IN-PROCESS", "COMPLETED", "CANCELLED")
#: The statuses that count as done where there is only done and not done.
DONE = ("COMPLETED", "CANCELLED")

_PRODUCT = "-//Lockstep//CalDAV to-dos//EN"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Todo:
    """One to-do of a calendar, as it was read. Its repr shows no content."""

    uid: str
    #: Where its resource lies; several to-dos may share one.
    href: str
    #: Names the resource's version; every write demands it unchanged.
    etag: str | None
    #: The whole resource, as the server sent it.
    text: str = field(repr=False)
    #: By name of `ATTRIBUTES`.
    values: Mapping[str, Any] = field(repr=False)
    #: Last edit, in UTC.
    timestamp: datetime


@dataclass(frozen=True)
class Reading:
    """What a calendar resource holds."""

    todos: list[Todo]
    #: To-dos that cannot be read: by UID, why.
    unreadable: Mapping[str, str] = field(default_factory=dict)


def read_resource(text: str, *, href: str, etag: str | None, floating: tzinfo = UTC) -> Reading:
    """The to-dos of a calendar resource; of one that recurs, the rule's own and not its exceptions.

    Arguments:
        text: The resource.
        href: Where it lies.
        etag: Its version.
        floating: The zone of times that name none.

    Raises:
        ValueError: it is not iCalendar, or a to-do has no UID.
    """
    calendar = Component.parse(text)
    uids = dict.fromkeys(_uid(component) for component in calendar.components("VTODO"))
    todos, unreadable = [], {}
    for uid in uids:
        try:
            todos.append(_read(calendar, uid, text, href, etag, floating))
        except ValueError as error:
            unreadable[uid] = str(error)
    return Reading(todos, unreadable)


def new_todo(
    uid: str, values: Mapping[str, Any], *, floating: tzinfo = UTC, now: datetime | None = None
) -> str:
    """The resource of a new to-do.

    Raises:
        ItemError: a value does not fit its attribute.
    """
    stamp = _stamp(now)
    todo = Component("VTODO", [f"UID:{escape(uid)}", f"DTSTAMP:{stamp}", f"CREATED:{stamp}"])
    calendar = Component("VCALENDAR", ["VERSION:2.0", f"PRODID:{_PRODUCT}", todo])
    _apply(todo, calendar, values, floating, stamp)
    todo.put("LAST-MODIFIED", Property("LAST-MODIFIED", (), stamp))
    return calendar.to_text()


def edit_todo(
    text: str, uid: str, changes: Mapping[str, Any], *, floating: tzinfo = UTC, now: datetime | None = None
) -> str | None:
    """The resource with some attributes of one to-do changed, or `None` where it has these values already.

    Raises:
        ItemError: a value does not fit its attribute.
        ValueError: the resource cannot be read.
    """
    stamp = _stamp(now)
    calendar = Component.parse(text)
    todo = _master(calendar, uid)
    before = calendar.to_text()
    _apply(todo, calendar, changes, floating, stamp)
    if calendar.to_text() == before:
        return None
    sequence = todo.property("SEQUENCE")
    number = int(sequence.value) if sequence is not None and sequence.value.strip().isdecimal() else 0
    todo.put("SEQUENCE", Property("SEQUENCE", (), str(number + 1)))
    todo.put("LAST-MODIFIED", Property("LAST-MODIFIED", (), stamp))
    todo.put("DTSTAMP", Property("DTSTAMP", (), stamp))
    return calendar.to_text()


def without_todo(text: str, uid: str) -> str | None:
    """The resource without one to-do and its exceptions, or `None` where nothing else is in it.

    Raises:
        ValueError: the resource cannot be read.
    """
    calendar = Component.parse(text)
    calendar.parts = [
        part
        for part in calendar.parts
        if not (isinstance(part, Component) and part.name == "VTODO" and _uid(part) == uid)
    ]
    rest = [component for component in calendar.components() if component.name != "VTIMEZONE"]
    return calendar.to_text() if rest else None


def _uid(component: Component) -> str:
    uid = component.property("UID")
    if uid is None or not uid.value.strip():
        raise ValueError("a to-do has no UID")
    return unescape(uid.value.strip())


def _master(calendar: Component, uid: str) -> Component:
    """The to-do itself; its exceptions carry a `RECURRENCE-ID`."""
    same = [component for component in calendar.components("VTODO") if _uid(component) == uid]
    if not same:
        raise ValueError(f"it holds no to-do with UID {uid}")
    return next((component for component in same if component.property("RECURRENCE-ID") is None), same[0])


def _read(calendar: Component, uid: str, text: str, href: str, etag: str | None, floating: tzinfo) -> Todo:
    todo = _master(calendar, uid)
    status = _status(todo)
    values = {
        "summary": _text(todo, "SUMMARY"),
        "description": _text(todo, "DESCRIPTION"),
        "due": read_due(todo, calendar, floating),
        "status": status,
        "completed": status in DONE,
        "priority": _priority(todo),
        "categories": _categories(todo),
        "url": _url(todo),
    }
    return Todo(uid, href, etag, text, MappingProxyType(values), _timestamp(todo, calendar, floating))


def _text(todo: Component, name: str) -> str:
    prop = todo.property(name)
    return "" if prop is None else unescape(prop.value)


def _status(todo: Component) -> str:
    prop = todo.property("STATUS")
    if prop is not None and prop.value.strip().upper() in STATUSES:
        return prop.value.strip().upper()
    percent = _percent(todo)
    if todo.property("COMPLETED") is not None or percent == 100:
        return "COMPLETED"
    return "IN-PROCESS" if percent else "NEEDS-ACTION"


def _percent(todo: Component) -> int:
    prop = todo.property("PERCENT-COMPLETE")
    return int(prop.value) if prop is not None and prop.value.strip().isdecimal() else 0


def _priority(todo: Component) -> int | None:
    prop = todo.property("PRIORITY")
    number = int(prop.value) if prop is not None and prop.value.strip().isdecimal() else 0
    return number if 1 <= number <= 9 else None


def _category_list(todo: Component) -> list[str]:
    names = (name.strip() for prop in todo.properties("CATEGORIES") for name in split_list(prop.value))
    return list(dict.fromkeys(name for name in names if name))


def _categories(todo: Component) -> tuple[str, ...]:
    return tuple(sorted(_category_list(todo)))


def _url(todo: Component) -> str | None:
    prop = todo.property("URL")
    return (clean(prop.value).strip() or None) if prop is not None else None


def _timestamp(todo: Component, calendar: Component, floating: tzinfo) -> datetime:
    for name in ("LAST-MODIFIED", "DTSTAMP"):
        prop = todo.property(name)
        if prop is None:
            continue
        moment = read_moment(prop, calendar, floating)
        return (
            moment
            if isinstance(moment, datetime)
            else datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
        )
    return _EPOCH


def _stamp(now: datetime | None) -> str:
    return f"{(now or datetime.now(UTC)).astimezone(UTC):%Y%m%dT%H%M%SZ}"


# -- writing ----------------------------------------------------------------------------------------------


def _apply(
    todo: Component, calendar: Component, changes: Mapping[str, Any], floating: tzinfo, stamp: str
) -> None:
    """Write those changes that the to-do does not have yet: an equal value keeps the form that it has."""
    unknown = sorted(set(changes) - set(ATTRIBUTES))
    if unknown:
        raise ItemError(f"a to-do has no attribute {', '.join(unknown)}: there are {', '.join(ATTRIBUTES)}")
    for name in ("summary", "description"):
        if name in changes:
            _write_text(todo, name.upper(), changes[name])
    if "due" in changes:
        new = _checked_due(changes["due"])
        if new != read_due(todo, calendar, floating):
            write_due(todo, calendar, floating, new)
    if "status" in changes or "completed" in changes:
        _write_status(todo, _wanted_status(todo, changes), stamp)
    if "priority" in changes:
        _write_priority(todo, changes["priority"])
    if "categories" in changes:
        _write_categories(todo, changes["categories"] or ())
    if "url" in changes:
        _write_url(todo, changes["url"])


def _write_text(todo: Component, name: str, new: Any) -> None:
    text = clean(str(new or ""))
    old = todo.property(name)
    if text == (unescape(old.value) if old is not None else ""):
        return
    # ALTREP points to the same text in another form, which programs that know it show instead.
    params = old.without("ALTREP") if old is not None else ()
    todo.put(name, Property(name, params, escape(text)) if text or name == "SUMMARY" else None)


def _checked_due(new: Any) -> date | datetime | None:
    match new:
        case None | "":
            return None
        case datetime() if new.tzinfo is None:
            raise ItemError(f"due {new.isoformat()} has no time zone")
        case datetime():
            return new.astimezone(UTC).replace(second=0, microsecond=0)
        case date():
            return new
    raise ItemError(f"due is neither a date nor a time, but {type(new).__name__}")


def _wanted_status(todo: Component, changes: Mapping[str, Any]) -> str:
    current = _status(todo)
    wanted = str(changes.get("status") or ("NEEDS-ACTION" if "status" in changes else current)).upper()
    if wanted not in STATUSES:
        raise ItemError(f"status {wanted!r} is unknown: there are {', '.join(STATUSES)}")
    if "completed" not in changes or bool(changes["completed"]) == (wanted in DONE):
        return wanted
    if changes["completed"]:
        return "COMPLETED"
    # Of two changes that contradict each other, done is the one that somebody meant.
    return wanted if "status" in changes else "NEEDS-ACTION"


def _write_status(todo: Component, new: str, stamp: str) -> None:
    if new == _status(todo):
        return
    todo.put("STATUS", Property("STATUS", (), new))
    if new == "COMPLETED":
        todo.put("PERCENT-COMPLETE", Property("PERCENT-COMPLETE", (), "100"))
        todo.put("COMPLETED", Property("COMPLETED", (), stamp))
        return
    todo.put("COMPLETED", None)
    if new == "NEEDS-ACTION" or _percent(todo) == 100:
        todo.put("PERCENT-COMPLETE", None)


def _write_priority(todo: Component, new: Any) -> None:
    if new is not None and (isinstance(new, bool) or new not in range(10)):
        raise ItemError(f"priority {new!r} is not a whole number from 1 to 9")
    number = int(new) if new else None
    if number != _priority(todo):
        todo.put("PRIORITY", Property("PRIORITY", (), str(number)) if number else None)


def _write_categories(todo: Component, new: Any) -> None:
    names = list(dict.fromkeys(name for name in (clean(str(name)).strip() for name in new) if name))
    old = _category_list(todo)
    if set(names) == set(old):
        return
    kept = [name for name in old if name in names]
    added = [name for name in names if name not in old]
    first = todo.property("CATEGORIES")
    value = ",".join(escape(name) for name in kept + added)
    todo.put("CATEGORIES", Property("CATEGORIES", first.params if first else (), value) if value else None)


def _write_url(todo: Component, new: Any) -> None:
    url = clean(str(new or "")).replace("\n", "").strip()
    if url != (_url(todo) or ""):
        old = todo.property("URL")
        todo.put("URL", Property("URL", old.params if old else (), url) if url else None)
