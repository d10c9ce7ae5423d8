"""The CalDAV side: the to-dos of one calendar."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import SecretStr

from tasks.errors import TaskDefinitionError
from tasks.services.caldav.calendar import TodoCalendar
from tasks.services.caldav.client import CalDAVClient, split_credentials
from tasks.services.caldav.late_changes import LateChanges
from tasks.services.caldav.todo import Todo, done_occurrence, is_done
from tasks.sides import ID, Attribute, Kind, Listing, Option, Side, State, title_key

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
    "due": Attribute(Kind.MOMENT, meaning="due", whole_minutes=True),
    "status": Attribute(
        Kind.STATE, meaning="status", options=tuple(Option(state.value, state) for state in State)
    ),
    "completed": Attribute(Kind.YES_NO, meaning="done"),
    "priority": Attribute(Kind.PRIORITY, meaning="priority"),
    "categories": Attribute(Kind.CHOICES, meaning="tags", new_options=True),
    "url": Attribute(Kind.ADDRESS, meaning="link"),
}


class Todos(Side):
    """The to-dos of one calendar.

    A to-do that recurs stands for its first open occurrence: to set it to done does that one, and it opens again for
    the next. A write shows the occurrence that was done; the next one shows in the next listing.

    Arguments:
        calendar_url: The calendar's address.
        username: Its user; without one, the one in the address, else `CALDAV_USERNAME` at the time of a run.
        password: The user's password; without one, likewise, else `CALDAV_PASSWORD`.
        floating_zone: The zone of times that name none, such as `Europe/Berlin`.
        label: What people call it; by default after the name that the calendar has, once that is known.

    Raises:
        TaskDefinitionError: the address or the zone does not fit.
    """

    def __init__(
        self,
        calendar_url: str,
        *,
        username: str | None = None,
        password: SecretStr | str | None = None,
        floating_zone: str = "UTC",
        label: str | None = None,
    ) -> None:
        self._url, (user_in_url, password_in_url) = split_credentials(calendar_url)
        self._username = username if username is not None else user_in_url
        given = SecretStr(password) if isinstance(password, str) else password
        self._password = given if given is not None else password_in_url
        try:
            self._floating = ZoneInfo(floating_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise TaskDefinitionError(
                f"time zone {floating_zone!r} is unknown, use a name such as Europe/Berlin"
            ) from None
        self.label = label or "the calendar"
        self._is_labelled = label is not None
        self._client: CalDAVClient | None = None
        self._calendar: TodoCalendar | None = None
        #: What each to-do showed when it was synced last, by UID.
        self._synced: Mapping[ID, Mapping[str, Any]] = {}

    # -- a run --------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Make the client, with the login of the environment where none was given."""
        username, password = self._username, self._password
        if username is None:
            username = os.environ.get("CALDAV_USERNAME") or None
        if password is None and os.environ.get("CALDAV_PASSWORD"):
            password = SecretStr(os.environ["CALDAV_PASSWORD"])
        self._client = CalDAVClient(self._url, username, password)
        self._client.before_write = self.before_write
        await self._client.__aenter__()
        self._calendar = TodoCalendar(self._client, floating=self._floating)

    async def close(self) -> None:
        """Close the client."""
        client, self._client, self._calendar = self._client, None, None
        if client is not None:
            await client.__aexit__(None, None, None)

    def recall(self, remembered: Any, synced: Mapping[ID, Mapping[str, Any]]) -> None:
        """Take over which to-dos the files held, what the server made of writes, and when each one was due."""
        self._synced = synced
        if remembered is not None and remembered["url"] == self._url:
            self.calendar.known = dict(remembered["files"])
            self.calendar.late_changes = LateChanges.from_json(remembered["changes"])

    def remembered(self) -> Any:
        """Which to-dos the files hold, and what the server made of writes."""
        files = {name: list(uids) for name, uids in self.calendar.known.items()}
        return {"url": self._url, "files": files, "changes": self.calendar.late_changes.to_json()}

    def describe(self) -> Mapping[str, Attribute]:
        """The attributes of a to-do."""
        return TODO

    async def check(self, attributes: Collection[str]) -> None:
        """Make sure that there is a calendar and that it takes to-dos.

        Raises:
            TaskDefinitionError: there is none, it takes none, or to-dos have no such attribute.
            SideError: the server cannot be reached or refuses the user.
        """
        unknown = sorted(set(attributes) - set(TODO))
        if unknown:
            raise TaskDefinitionError(f"a to-do has no {', '.join(unknown)}, only {', '.join(TODO)}")
        await self.calendar.check()
        if not self._is_labelled and self.calendar.name:
            self.label = f"the calendar {self.calendar.name}"

    def scope(self) -> str:
        """The calendar."""
        return self._url

    @property
    def calendar(self) -> TodoCalendar:
        """The calendar while a run goes on.

        Raises:
            TaskDefinitionError: it was not opened.
        """
        if self._calendar is None:
            raise TaskDefinitionError(f"{self.label} is not open, await open() first")
        return self._calendar

    # -- reading ------------------------------------------------------------------------------------------

    async def list(self) -> Listing:
        """All to-dos of the calendar."""
        return await self.calendar.read_all()

    async def is_gone(self, obj_id: ID) -> bool:
        """Whether the server says that no to-do has this UID."""
        return await self.calendar.is_gone(obj_id)

    # -- one to-do ----------------------------------------------------------------------------------------

    def id(self, obj: Todo) -> ID:
        """The UID, which stays when the to-do moves to another address."""
        return obj.uid

    def key(self, obj: Todo) -> str:
        """The summary, without regard to case and space around it."""
        return title_key(obj.values["summary"])

    def edited(self, obj: Todo) -> datetime:
        """When the to-do was edited last, in UTC."""
        return obj.timestamp

    def values(self, obj: Todo) -> dict[str, Any]:
        """Its attributes, `Opaque` where a line cannot be read."""
        status = obj.values["status"]
        return {**obj.values, "status": _STATE_OF.get(status, status)}

    def title(self, obj: Todo) -> str:
        """The summary."""
        return str(obj.values["summary"])

    def address(self, obj: Todo) -> str:
        """Where its file lies on the server."""
        return obj.href

    # -- writing ------------------------------------------------------------------------------------------

    async def create(self, key: str, values: Mapping[str, Any]) -> Todo:
        """Create the to-do with UID `key`, or give the one that exists already."""
        return await self.calendar.create(key, _in_calendar_words(values))

    async def update(self, obj: Todo, changes: Mapping[str, Any]) -> Todo:
        """Set attributes in one write; of a recurring to-do that is done, give the occurrence that was.

        Done means the occurrence that was synced last. A to-do that has moved on since is done already, and is not
        done a second time: an app did it, or an earlier run that was cut off.
        """
        wanted = _in_calendar_words(changes)
        if is_done(wanted) and self._has_moved_on(obj):
            rest = {name: value for name, value in wanted.items() if name not in _OF_AN_OCCURRENCE}
            after = await self.calendar.update(obj, rest) if rest else obj
        else:
            after = await self.calendar.update(obj, wanted)
        return done_occurrence(obj, wanted, after)

    async def delete(self, obj: Todo) -> None:
        """Delete the to-do, for good: a calendar has no trash."""
        await self.calendar.delete(obj)

    def _has_moved_on(self, obj: Todo) -> bool:
        """Whether a recurring to-do is due later than it was when it was synced last."""
        shown, now = self._synced.get(obj.uid, {}).get("due"), obj.values["due"]
        if not obj.recurs or not isinstance(shown, date) or not isinstance(now, date):
            return False
        return isinstance(shown, datetime) == isinstance(now, datetime) and now > shown


#: What another occurrence has for itself.
_OF_AN_OCCURRENCE = ("status", "completed", "due")


def _in_calendar_words(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as a `Todo` has them; what is no state is refused where it is written."""
    given = dict(values)
    if "status" in given:
        given["status"] = STATUS_OF.get(given["status"], given["status"])
    return given
