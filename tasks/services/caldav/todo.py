"""A to-do as attributes in common form, and edits of it that leave everything else as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from types import MappingProxyType
from typing import Any

from tasks.services.caldav.attributes import (
    ATTRIBUTES,
    DONE,
    STATUSES,
    may_recur,
    read_text,
    read_timestamp,
    shown,
)
from tasks.services.caldav.content_lines import Component, Property, escape, uids_in, unescape
from tasks.services.caldav.writing import count_edit, write_attributes

__all__ = [
    "ATTRIBUTES",
    "DONE",
    "STATUSES",
    "Reading",
    "Todo",
    "done_occurrence",
    "edit_todo",
    "is_done",
    "new_todo",
    "read_resource",
    "without_todo",
]

_PRODUCT = "-//Lockstep//CalDAV to-dos//EN"


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
    #: By name of `ATTRIBUTES`; `Opaque` where a line cannot be read.
    values: Mapping[str, Any] = field(repr=False)
    #: Last edit, in UTC.
    timestamp: datetime
    #: Whether it stands for the first of several occurrences.
    recurs: bool = False


@dataclass(frozen=True)
class Reading:
    """What a calendar resource holds."""

    todos: list[Todo]
    #: To-dos that cannot be read: by UID, why; one without a UID by the address of the resource.
    unreadable: Mapping[str, str] = field(default_factory=dict)


def read_resource(text: str, *, href: str, etag: str | None, floating: tzinfo = UTC) -> Reading:
    """The to-dos of a calendar resource; of one that recurs, the rule's own and not its exceptions.

    Arguments:
        text: The resource.
        href: Where it lies.
        etag: Its version.
        floating: The zone of times that name none.

    Raises:
        ValueError: it cannot be read, and names no UID.
    """
    try:
        calendar = Component.parse(text)
    except ValueError as error:
        uids = uids_in(text)
        if not uids:
            raise
        return Reading([], dict.fromkeys(uids, str(error)))
    todos: list[Todo] = []
    unreadable: dict[str, str] = {}
    uids = []
    for component in calendar.components("VTODO"):
        try:
            uids.append(_uid(component))
        except ValueError as error:
            unreadable[href] = str(error)
    if unreadable and not uids:
        raise ValueError(unreadable[href])
    for uid in dict.fromkeys(uids):
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
    write_attributes(todo, calendar, values, floating, stamp)
    todo.put("LAST-MODIFIED", Property("LAST-MODIFIED", (), stamp))
    return calendar.to_text()


def edit_todo(
    text: str, uid: str, changes: Mapping[str, Any], *, floating: tzinfo = UTC, now: datetime | None = None
) -> str | None:
    """The resource with some attributes of one to-do changed, or `None` where it has these values already.

    To set one that recurs to done moves it on to its next occurrence.

    Raises:
        UnfitError: a value does not fit its attribute or the to-do; without it the others can be written.
        ValueError: the resource cannot be read.
    """
    stamp = _stamp(now)
    calendar = Component.parse(text)
    todo = _master(calendar, uid)
    before = calendar.to_text()
    write_attributes(todo, calendar, changes, floating, stamp)
    if calendar.to_text() == before:
        return None
    count_edit(todo)
    todo.put("LAST-MODIFIED", Property("LAST-MODIFIED", (), stamp))
    todo.put("DTSTAMP", Property("DTSTAMP", (), stamp))
    return calendar.to_text()


def done_occurrence(before: Todo, changes: Mapping[str, Any], after: Todo) -> Todo:
    """What a write to a to-do shows: of one that recurs and was done, the occurrence that was.

    The next one, which the to-do stands for by then, shows as an edit in the next listing.
    """
    if not (is_done(changes) and before.recurs and after.values["completed"] is False):
        return after
    status = changes["status"] if changes.get("status") in DONE else "COMPLETED"
    shown = {"due": before.values["due"]} | dict(changes) | {"status": status, "completed": True}
    return replace(after, values=MappingProxyType({**after.values, **shown}))


def is_done(changes: Mapping[str, Any]) -> bool:
    """Whether changes set a to-do to done."""
    return changes.get("status") in DONE or bool(changes.get("completed"))


def without_todo(text: str, uid: str) -> str | None:
    """The resource without one to-do and its exceptions, or `None` where nothing else is in it.

    Raises:
        ValueError: the resource cannot be read.
    """
    calendar = Component.parse(text)
    calendar.parts = [
        part
        for part in calendar.parts
        if not (isinstance(part, Component) and part.name == "VTODO" and _is_of(part, uid))
    ]
    rest = [component for component in calendar.components() if component.name != "VTIMEZONE"]
    return calendar.to_text() if rest else None


def _uid(component: Component) -> str:
    uid = component.filled("UID")
    if uid is None:
        raise ValueError("a to-do has no UID")
    return unescape(uid.value.strip())


def _is_of(component: Component, uid: str) -> bool:
    try:
        return _uid(component) == uid
    except ValueError:
        return False


def _master(calendar: Component, uid: str) -> Component:
    """The to-do itself; its exceptions carry a `RECURRENCE-ID`."""
    same = [component for component in calendar.components("VTODO") if _is_of(component, uid)]
    if not same:
        raise ValueError(f"it holds no to-do with UID {uid}")
    masters = [component for component in same if not component.properties("RECURRENCE-ID")]
    if len(masters) > 1:
        raise ValueError("two to-dos have this UID")
    return masters[0] if masters else same[0]


def _read(calendar: Component, uid: str, text: str, href: str, etag: str | None, floating: tzinfo) -> Todo:
    todo = _master(calendar, uid)
    values: dict[str, Any] = {
        "summary": read_text(todo, "SUMMARY")
    }  # without it, it cannot be told from others
    for name in ATTRIBUTES[1:]:
        values[name] = shown(todo, calendar, floating, name)
    timestamp = read_timestamp(todo, calendar, floating)
    return Todo(uid, href, etag, text, MappingProxyType(values), timestamp, may_recur(todo))


def _stamp(now: datetime | None) -> str:
    return f"{(now or datetime.now(UTC)).astimezone(UTC):%Y%m%dT%H%M%SZ}"
