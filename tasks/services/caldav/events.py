"""Events as a side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from tasks.errors import TaskDefinitionError
from tasks.services.caldav.entries.codec import Codec
from tasks.services.caldav.entries.event import STATUSES, EventCodec
from tasks.services.caldav.side import CalendarSide
from tasks.sides import Attribute, Kind, Option

#: What every event has.
EVENT: Mapping[str, Attribute] = {
    "summary": Attribute(Kind.TEXT, meaning="title"),
    "description": Attribute(Kind.TEXT, meaning="notes"),
    "location": Attribute(Kind.TEXT, meaning="location"),
    "when": Attribute(Kind.SPAN, meaning="when", whole_minutes=True),
    "start": Attribute(Kind.MOMENT, meaning="start", whole_minutes=True),
    "end": Attribute(Kind.MOMENT, meaning="end", whole_minutes=True),
    "all_day": Attribute(Kind.YES_NO, writable=False),
    "recurs": Attribute(Kind.YES_NO, writable=False),
    "status": Attribute(Kind.CHOICE, options=tuple(map(Option, STATUSES))),
    "categories": Attribute(Kind.CHOICES, meaning="tags", new_options=True),
    "url": Attribute(Kind.ADDRESS, meaning="link"),
    "organizer": Attribute(Kind.ADDRESS, writable=False),
    "attendees": Attribute(Kind.PERSON, writable=False, by_mail=True),
}

#: Which occurrence an event that recurs shows.
Shows = Literal["first", "next"]


class Events(CalendarSide):
    """The events of one calendar.

    One that recurs is one object: what is edited is edited for all of the series, and when it takes place is only read.

    Arguments:
        calendar: The calendar's address, or its name.
        series: Whether an event that recurs shows its `first` occurrence or the `next` one.
        others: Those of `CalendarSide`.
    """

    ATTRIBUTES = EVENT

    def __init__(self, calendar: str, *, series: Shows = "first", **others: Any) -> None:
        super().__init__(calendar, **others)
        if series not in ("first", "next"):
            raise TaskDefinitionError(f'series is "first" or "next", not {series!r}')
        self._next_occurrence = series == "next"

    def make_codec(self) -> Codec:
        """That of events."""
        return EventCodec(next_occurrence=self._next_occurrence)
