"""To-dos as a side."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from tasks.services.caldav.entries.codec import Codec, Entry
from tasks.services.caldav.entries.todo import OF_AN_OCCURRENCE, TODOS, done_occurrence, is_done
from tasks.services.caldav.side import CalendarSide
from tasks.sides import ID, Attribute, Kind, Option, State

#: What a calendar calls the states.
STATUS_OF: Mapping[str, str] = {
    State.OPEN: "NEEDS-ACTION",
    State.ACTIVE: "IN-PROCESS",
    State.DONE: "COMPLETED",
    State.CANCELLED: "CANCELLED",
}
_STATE_OF: Mapping[Any, State] = {status: State(state) for state, status in STATUS_OF.items()}

#: What every to-do has.
TODO: Mapping[str, Attribute] = {
    "summary": Attribute(Kind.TEXT, meaning="title"),
    "description": Attribute(Kind.TEXT, meaning="notes"),
    "start": Attribute(Kind.MOMENT, meaning="start", whole_minutes=True),
    "due": Attribute(Kind.MOMENT, meaning="due", whole_minutes=True),
    "status": Attribute(
        Kind.STATE, meaning="status", options=tuple(Option(state.value, state) for state in State)
    ),
    "completed": Attribute(Kind.YES_NO, meaning="done"),
    "percent_complete": Attribute(Kind.WHOLE),
    "priority": Attribute(Kind.PRIORITY, meaning="priority"),
    "categories": Attribute(Kind.CHOICES, meaning="tags", new_options=True),
    "url": Attribute(Kind.ADDRESS, meaning="link"),
    "parent": Attribute(Kind.REFERENCE, meaning="parent"),
}


class Todos(CalendarSide):
    """The to-dos of one calendar.

    A to-do that recurs stands for its first open occurrence: to set it to done does that one, and it opens again for
    the next. A write shows the occurrence that was done; the next one shows in the next listing.

    Arguments and errors are those of `CalendarSide`.
    """

    ATTRIBUTES = TODO

    #: What each to-do showed when it was synced last, by UID.
    _synced: Mapping[ID, Mapping[str, Any]] = {}

    def make_codec(self) -> Codec:
        """That of to-dos."""
        return TODOS

    def recall(self, remembered: Any, synced: Mapping[ID, Mapping[str, Any]]) -> None:
        """Take over what an earlier run left, and when each to-do was due."""
        super().recall(remembered, synced)
        self._synced = synced

    def values(self, obj: Entry) -> dict[str, Any]:
        """Its attributes, `Opaque` where a line cannot be read."""
        status = obj.values["status"]
        return {**obj.values, "status": _STATE_OF.get(status, status)}

    async def create(self, key: str, values: Mapping[str, Any]) -> Entry:
        """Create the to-do with UID `key`, or give the one that exists already."""
        return await self.calendar.create(key, _in_calendar_words(values))

    async def update(self, obj: Entry, changes: Mapping[str, Any]) -> Entry:
        """Set attributes in one write; of a recurring to-do that is done, give the occurrence that was.

        Done means the occurrence that was synced last. A to-do that has moved on since is done already, and is not
        done a second time: an app did it, or an earlier run that was cut off.
        """
        wanted = _in_calendar_words(changes)
        if is_done(wanted) and self._has_moved_on(obj):
            rest = {name: value for name, value in wanted.items() if name not in OF_AN_OCCURRENCE}
            after = await self.calendar.update(obj, rest) if rest else obj
        else:
            after = await self.calendar.update(obj, wanted)
        shown = done_occurrence(obj, wanted, after)
        if shown is not after:
            self.calendar.untold.add(obj.uid)  # also where nothing was written that the server could tell of
        return shown

    def _has_moved_on(self, obj: Entry) -> bool:
        """Whether a recurring to-do is due later, or begins later, than it did when it was synced last."""
        return obj.recurs and any(
            _is_later(obj.values[name], self._synced.get(obj.uid, {}).get(name)) for name in ("due", "start")
        )


def _is_later(now: Any, shown: Any) -> bool:
    if not isinstance(shown, date) or not isinstance(now, date):
        return False
    return isinstance(shown, datetime) == isinstance(now, datetime) and now > shown


def _in_calendar_words(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as an `Entry` has them; what is no state is refused where it is written."""
    given = dict(values)
    if "status" in given:
        given["status"] = STATUS_OF.get(given["status"], given["status"])
    return given
