"""The entries of one calendar as a side: what to-dos and events have in common."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import SecretStr

from tasks.errors import TaskDefinitionError
from tasks.services.caldav.collection.calendar import Calendar
from tasks.services.caldav.collection.discovery import find_calendar
from tasks.services.caldav.collection.late_changes import LateChanges
from tasks.services.caldav.entries.codec import Codec, Entry
from tasks.services.caldav.server.client import CalDAVClient
from tasks.services.caldav.server.oauth import TokenFile
from tasks.services.caldav.server.told import Told
from tasks.sides import ID, Attribute, Changes, Listing, Side, title_key


class CalendarSide(Side):
    """The entries of one kind of one calendar.

    Arguments:
        calendar: The calendar's address, or its name as apps show it, together with `url`.
        url: The server's address, or the mail address of its user, where the calendar is given by its name.
        username: Its user; without one, the one in the address, else `CALDAV_USERNAME` at the time of a run.
        password: The user's password; without one, likewise, else `CALDAV_PASSWORD`.
        token: A bearer token instead of both; without any of them, `CALDAV_TOKEN`.
        token_file: A file of an authorised user of OAuth, from which tokens are made.
        floating_zone: The zone of times that name none, such as `Europe/Berlin`.
        label: What people call it; by default after the name that the calendar has, once that is known.

    Raises:
        TaskDefinitionError: the address or the zone does not fit.
    """

    #: What every entry has.
    ATTRIBUTES: ClassVar[Mapping[str, Attribute]]

    def __init__(
        self,
        calendar: str,
        *,
        url: str | None = None,
        username: str | None = None,
        password: SecretStr | str | None = None,
        token: SecretStr | str | None = None,
        token_file: str | Path | None = None,
        floating_zone: str = "UTC",
        label: str | None = None,
    ) -> None:
        self._told = Told.of(calendar, url)
        user_in_url, password_in_url = self._told.username, self._told.password
        self._username = username if username is not None else user_in_url
        given = SecretStr(password) if isinstance(password, str) else password
        self._password = given if given is not None else password_in_url
        self._token = SecretStr(token) if isinstance(token, str) else token
        self._token_file = None if token_file is None else Path(token_file).expanduser()
        if sum(one is not None for one in (self._password, self._token, self._token_file)) > 1:
            raise TaskDefinitionError("give one of password, token and token_file")
        try:
            self._floating = ZoneInfo(floating_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise TaskDefinitionError(
                f"time zone {floating_zone!r} is unknown, use a name such as Europe/Berlin"
            ) from None
        self.label = label or "the calendar"
        self._is_labelled = label is not None
        self._client: CalDAVClient | None = None
        self._calendar: Calendar | None = None

    def make_codec(self) -> Codec:
        """What reads and writes the entries; made when a run begins."""
        raise NotImplementedError

    # -- a run --------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Make the client, with the login of the environment where none was given."""
        username, password, token = self._username, self._password, self._token
        tokens = TokenFile(self._token_file) if self._token_file is not None else None
        if token is None and tokens is None and password is None and os.environ.get("CALDAV_TOKEN"):
            token = SecretStr(os.environ["CALDAV_TOKEN"])
        if username is None:
            username = os.environ.get("CALDAV_USERNAME") or None
        if password is None and os.environ.get("CALDAV_PASSWORD"):
            password = SecretStr(os.environ["CALDAV_PASSWORD"])
        self._client = CalDAVClient(self._told.url, username, password, token=token, tokens=tokens)
        self._client.before_write = self.before_write
        await self._client.__aenter__()
        self._calendar = Calendar(self._client, self.make_codec(), floating=self._floating)

    async def close(self) -> None:
        """Close the client."""
        client, self._client, self._calendar = self._client, None, None
        if client is not None:
            await client.__aexit__(None, None, None)

    def recall(self, remembered: Any, synced: Mapping[ID, Mapping[str, Any]]) -> None:
        """Take over which entries the files held, and what the server made of writes."""
        client = self.calendar.client
        if (
            remembered is not None
            and remembered.get("told") == self._told.words
            and client.is_home(remembered["url"])
        ):
            client.url = remembered["url"]
            client.login.assume(remembered.get("login"))
            self.calendar.known = dict(remembered["files"])
            self.calendar.knows_all = bool(remembered.get("all"))
            self.calendar.untold = set(remembered.get("untold", ()))
            self.calendar.late_changes = LateChanges.from_json(remembered["changes"])

    def remembered(self) -> Any:
        """Which entries the files hold, and what the server made of writes."""
        files = {name: list(uids) for name, uids in self.calendar.known.items()}
        return {
            "told": self._told.words,
            "url": self.calendar.url,
            "login": self.calendar.client.login.kind,
            "files": files,
            "all": self.calendar.knows_all,
            "untold": sorted(self.calendar.untold),
            "changes": self.calendar.late_changes.to_json(),
        }

    def describe(self) -> Mapping[str, Attribute]:
        """The attributes of an entry."""
        return self.ATTRIBUTES

    async def check(self, attributes: Collection[str]) -> None:
        """Make sure that there is a calendar and that it takes such entries.

        Raises:
            TaskDefinitionError: there is none, it takes none, or its entries have no such attribute.
            SideError: the server cannot be reached or refuses the user.
        """
        unknown = sorted(set(attributes) - set(self.ATTRIBUTES))
        if unknown:
            raise TaskDefinitionError(
                f"{self.calendar.codec.one} has no {', '.join(unknown)}, only {', '.join(self.ATTRIBUTES)}"
            )
        await self._find()
        if not self._is_labelled and self.calendar.name:
            self.label = f"the calendar {self.calendar.name}"

    def scope(self) -> str:
        """The calendar's address."""
        return self._told.url if self._calendar is None else self.calendar.url

    async def _find(self) -> None:
        """Look at the calendar, and for it where it is given by its name and not where it was."""
        calendar, told = self.calendar, self._told
        if told.name is None:
            await calendar.check()
            return
        if calendar.url != told.url:
            with suppress(TaskDefinitionError):  # it is no longer there
                await calendar.check()
                return
            calendar.client.url = told.url
        calendar.client.url = await find_calendar(
            calendar.client, told.name, calendar.codec, by_mail=told.by_mail
        )
        await calendar.check()

    @property
    def calendar(self) -> Calendar:
        """The calendar while a run goes on.

        Raises:
            TaskDefinitionError: it was not opened.
        """
        if self._calendar is None:
            raise TaskDefinitionError(f"{self.label} is not open, await open() first")
        return self._calendar

    # -- reading ------------------------------------------------------------------------------------------

    async def list(self) -> Listing:
        """All entries of the calendar."""
        await self.calendar.look()
        return await self.calendar.read_all()

    async def changes(self, cursor: Any) -> Changes:
        """What the server says that changed; an idle calendar is known by the look that `check` took."""
        return await self.calendar.changes(cursor)

    async def get(self, obj_id: ID) -> Entry | None:
        """The entry of this UID."""
        return await self.calendar.get(obj_id)

    async def is_gone(self, obj_id: ID) -> bool:
        """Whether the server says that no entry has this UID."""
        return await self.calendar.is_gone(obj_id)

    # -- one entry ----------------------------------------------------------------------------------------

    def made(self, key: str) -> ID:
        """The UID that an entry gets that is made with this key."""
        return key

    def id(self, obj: Entry) -> ID:
        """The UID, which stays when the entry moves to another address."""
        return obj.uid

    def key(self, obj: Entry) -> str:
        """The summary, without regard to case and space around it."""
        return title_key(obj.values["summary"])

    def edited(self, obj: Entry) -> datetime:
        """When the entry was edited last, in UTC."""
        return obj.timestamp

    def values(self, obj: Entry) -> dict[str, Any]:
        """Its attributes, `Opaque` where a line cannot be read."""
        return dict(obj.values)

    def title(self, obj: Entry) -> str:
        """The summary."""
        return str(obj.values["summary"])

    def address(self, obj: Entry) -> str:
        """Where its file lies on the server."""
        return obj.href

    # -- writing ------------------------------------------------------------------------------------------

    async def create(self, key: str, values: Mapping[str, Any]) -> Entry:
        """Create the entry with UID `key`, or give the one that exists already."""
        return await self.calendar.create(key, values)

    async def update(self, obj: Entry, changes: Mapping[str, Any]) -> Entry:
        """Set attributes in one write."""
        return await self.calendar.update(obj, changes)

    async def delete(self, obj: Entry) -> None:
        """Delete the entry, for good: a calendar has no trash."""
        await self.calendar.delete(obj)
