"""The attributes of an event, and the lines that say them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

from tasks.errors import ItemError
from tasks.services.caldav.entries.codec import Codec
from tasks.services.caldav.entries.occurrences import shown_occurrence
from tasks.services.caldav.entries.when import read_when, repeats, wanted, with_end, write_when
from tasks.services.caldav.lines.content_lines import Component, Property, clean
from tasks.services.caldav.lines.reading import read_categories, read_text, read_url
from tasks.services.caldav.lines.writing import Writing
from tasks.values.date_range import DateRange

STATUSES = ("confirmed", "tentative", "cancelled")
#: What the calendar's app alone sets, and what follows from other attributes.
READ_ONLY = ("all_day", "recurs", "organizer", "attendees")
_TIMES = ("when", "start", "end")


class EventCodec(Codec):
    """Events: one that recurs shows its first occurrence, or the next one.

    Arguments:
        next_occurrence: Whether it is the next one.
        now: Gives the present moment.
    """

    component = "VEVENT"
    noun = "event"
    one = "an event"
    nouns = "events"
    attributes = (
        "summary",
        "description",
        "location",
        *_TIMES,
        "all_day",
        "recurs",
        "status",
        "categories",
        "url",
        "organizer",
        "attendees",
    )

    def __init__(
        self, *, next_occurrence: bool = False, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._next_occurrence = next_occurrence
        self._now = now
        if next_occurrence:
            self.passing = (*_TIMES, "all_day")

    def value(self, entry: Component, calendar: Component, floating: tzinfo, name: str) -> Any:
        """An attribute by its name."""
        if name in (*_TIMES, "all_day"):
            when = self._when(entry, calendar, floating)
            return _PART_OF_WHEN[name](when) if when is not None else None
        return _READERS[name](entry)

    def write(self, writing: Writing, stamp: str) -> None:
        """Write the changes."""
        event, changes = writing.entry, writing.changes
        if writing.is_new and not {"when", "start"} & changes.keys():
            raise ItemError("an event needs a date")
        writing.write(_TIMES, lambda: self._write_times(writing))
        for name in ("summary", "description", "location"):
            writing.write_text(name)
        writing.write(("status",), lambda: _write_status(event, changes["status"]))
        writing.write_categories()
        writing.write_url()
        for name in READ_ONLY:
            writing.write((name,), lambda name=name: self._demand_same(writing, name))  # type: ignore[misc]

    def _when(self, event: Component, calendar: Component, floating: tzinfo) -> DateRange | None:
        first = read_when(event, calendar, floating)
        if first is None or not self._next_occurrence or not repeats(event):
            return first
        return shown_occurrence(event, calendar, floating, self._now()) or first

    def _write_times(self, writing: Writing) -> None:
        event, calendar, floating, changes = (
            writing.entry,
            writing.calendar,
            writing.floating,
            writing.changes,
        )
        old = self._when(event, calendar, floating)
        new = wanted(old, changes["when"]) if "when" in changes else old
        if "start" in changes and "end" in changes:
            new = with_end(wanted(None, changes["start"]), changes["end"])
        elif "start" in changes:
            new = wanted(new, changes["start"])
        elif "end" in changes:
            new = with_end(new, changes["end"])
        if new is None or new == old:
            return
        if repeats(event):
            raise ItemError(
                "it recurs, so that another time would move all of the series; move it in the calendar's app"
            )
        write_when(event, calendar, floating, new)

    def _demand_same(self, writing: Writing, name: str) -> None:
        if writing.changes[name] != self.shown(writing.entry, writing.calendar, writing.floating, name):
            raise ItemError(f"{name} is set in the calendar's app only")


EVENTS = EventCodec()

_PART_OF_WHEN: Mapping[str, Callable[[DateRange], Any]] = {
    "when": lambda when: when,
    "start": lambda when: when.start,
    "end": lambda when: when.end,
    "all_day": lambda when: not when.has_time,
}


def _read_status(event: Component) -> str | None:
    """The status.

    Raises:
        ValueError: it is none of `STATUSES`.
    """
    prop = event.filled("STATUS")
    if prop is None:
        return None
    status = prop.value.strip().lower()
    if status not in STATUSES:
        raise ValueError(f"STATUS is none of {', '.join(STATUSES)}")
    return status


def _write_status(event: Component, new: Any) -> None:
    if new is not None and new not in STATUSES:
        raise ItemError(f"status {new!r} is unknown: there are {', '.join(STATUSES)}")
    if new != _read_status(event):
        event.put("STATUS", Property("STATUS", (), new.upper()) if new else None)


def _read_organizer(event: Component) -> str | None:
    prop = event.property("ORGANIZER")
    return _mail(prop) if prop is not None else None


def _read_attendees(event: Component) -> tuple[str, ...]:
    return tuple(sorted({mail for mail in map(_mail, event.properties("ATTENDEE")) if mail}))


def _mail(person: Property) -> str | None:
    """The mail address of a person, in lower case; `None` where none is known."""
    address = clean(person.value).strip()
    if address[:7].lower() == "mailto:":
        address = address[7:]
    elif "@" not in address or ":" in address or "/" in address:
        address = (person.param("EMAIL") or "").strip()
    return address.lower() or None


#: How the attributes are read that need no more than the event itself.
_READERS: Mapping[str, Callable[[Component], Any]] = {
    "summary": lambda event: read_text(event, "SUMMARY"),
    "description": lambda event: read_text(event, "DESCRIPTION"),
    "location": lambda event: read_text(event, "LOCATION"),
    "recurs": repeats,
    "status": _read_status,
    "categories": read_categories,
    "url": read_url,
    "organizer": _read_organizer,
    "attendees": _read_attendees,
}
