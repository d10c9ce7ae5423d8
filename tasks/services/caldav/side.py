"""The CalDAV side of a sync task: the to-dos of one calendar."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import SecretStr

from tasks.errors import TaskDefinitionError
from tasks.services.caldav.calendar import TodoCalendar
from tasks.services.caldav.client import CalDAVClient, split_credentials
from tasks.services.caldav.contents import text_hash
from tasks.services.caldav.late_changes import LateChanges
from tasks.services.caldav.todo import ATTRIBUTES, Todo, done_occurrence
from tasks.sides import ID
from tasks.sides.listing import Listing
from tasks.sync_task.task import SyncTask


class CalDAVSide(SyncTask):
    """Reads and writes to-dos as the other side of a task.

    To be combined with a Notion side; `__init__` of the combining class calls `set_calendar`. Its attributes
    are `summary`, `description`, `due`, `status`, `completed`, `priority`, `categories` and `url`; see
    `tasks.services.caldav` for their values.
    """

    _calendar_url: str
    _floating: tzinfo
    _calendar: TodoCalendar | None = None
    _caldav_client: CalDAVClient | None = None

    def set_calendar(
        self,
        calendar_url: str,
        username: str | None = None,
        password: SecretStr | str | None = None,
        floating_zone: str = "UTC",
    ) -> None:
        """Say which calendar is meant.

        Arguments:
            calendar_url: The calendar's address.
            username: Its user; without one, `CALDAV_USERNAME` at the time of a run.
            password: The user's password; without one, `CALDAV_PASSWORD` at the time of a run.
            floating_zone: The zone of times that name none, such as `Europe/Berlin`.

        Raises:
            TaskDefinitionError: the address, the zone or an attribute in `attr_map` does not fit.
        """
        self._calendar_url, (user_in_url, password_in_url) = split_credentials(calendar_url)
        self._username = username if username is not None else user_in_url
        given = SecretStr(password) if isinstance(password, str) else password
        self._password = given if given is not None else password_in_url
        try:
            self._floating = ZoneInfo(floating_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise TaskDefinitionError(
                f"task {self.name!r}: time zone {floating_zone!r} is unknown, use a name such as Europe/Berlin"
            ) from None
        unknown = sorted(set(self.attr_map.values()) - set(ATTRIBUTES))
        if unknown:
            raise TaskDefinitionError(
                f"task {self.name!r}: attr_map names {', '.join(unknown)}, "
                f"but a to-do has only {', '.join(ATTRIBUTES)}"
            )

    async def open_calendar(self) -> None:
        """Make the client; called in `open`.

        Raises:
            TaskDefinitionError: the address is not one of HTTP.
        """
        username, password = self._username, self._password
        if username is None:
            username = os.environ.get("CALDAV_USERNAME") or None
        if password is None and os.environ.get("CALDAV_PASSWORD"):
            password = SecretStr(os.environ["CALDAV_PASSWORD"])
        self._caldav_client = CalDAVClient(self._calendar_url, username, password)
        self._caldav_client.before_write = self.before_write
        await self._caldav_client.__aenter__()
        self._calendar = TodoCalendar(self._caldav_client, floating=self._floating)

    def recall_calendar(self, remembered: Any) -> None:
        """Take over what an earlier run knew of the calendar; called in `recall`."""
        if remembered is not None and remembered["url"] == self.calendar.url:
            self.calendar.known = dict(remembered["files"])
            self.calendar.late_changes = LateChanges.from_json(remembered["changes"])

    def remembered_calendar(self) -> Any:
        """What the next run is to know of the calendar; to be in `remembered`."""
        files = {name: list(uids) for name, uids in self.calendar.known.items()}
        changes = self.calendar.late_changes.to_json()
        return {"url": self.calendar.url, "files": files, "changes": changes}

    async def close_calendar(self) -> None:
        """Close the client; called in `close`, also where `open` failed."""
        client, self._caldav_client, self._calendar = self._caldav_client, None, None
        if client is not None:
            await client.__aexit__(None, None, None)

    @property
    def calendar(self) -> TodoCalendar:
        """The calendar while a run goes on.

        Raises:
            TaskDefinitionError: it was not opened.
        """
        if self._calendar is None:
            raise TaskDefinitionError(f"task {self.name!r}: its calendar is not open, await open() first")
        return self._calendar

    async def get_other_objects(self) -> Listing:
        """All to-dos of the calendar."""
        return await self.calendar.read_all()

    def other_id(self, obj: Todo) -> ID:
        """The UID, which stays when the to-do moves to another address."""
        return obj.uid

    def other_hash(self, obj: Todo) -> str:
        """The summary, without regard to case and space around it."""
        return text_hash(obj.values["summary"])

    def other_obj_title(self, obj: Todo) -> str:
        """The summary, where it can be read."""
        summary = obj.values["summary"]
        return summary if isinstance(summary, str) else ""

    def other_obj_address(self, obj: Todo) -> str:
        """Where its file lies on the server."""
        return obj.href

    def other_timestamp(self, obj: Todo) -> datetime:
        """When the to-do was edited last, in UTC."""
        return obj.timestamp

    def other_to_dict(self, obj: Todo) -> dict[str, Any]:
        """The to-do's attributes."""
        return dict(obj.values)

    async def other_create_obj(self, **kwargs: Any) -> Todo:
        """Create a to-do."""
        return await self.other_create_keyed(str(uuid4()), kwargs)

    async def other_create_keyed(self, key: str, values: Mapping[str, Any]) -> Todo:
        """Create the to-do with UID `key`, or give the one that exists already."""
        return await self.calendar.create(key, values)

    async def other_update_obj(self, obj: Todo, attr: str, value: Any) -> None:
        """Set one attribute."""
        await self.other_update_attrs(obj, {attr: value})

    async def other_update_attrs(self, obj: Todo, changes: Mapping[str, Any]) -> Todo:
        """Set attributes in one write; of a recurring to-do that is done, give the occurrence that was."""
        return done_occurrence(obj, changes, await self.calendar.update(obj, changes))

    async def other_delete_obj(self, obj: Todo) -> None:
        """Delete a to-do."""
        await self.calendar.delete(obj)

    async def other_is_gone(self, obj_id: ID) -> bool:
        """Whether the server says that no to-do has this UID."""
        return await self.calendar.is_gone(obj_id)
