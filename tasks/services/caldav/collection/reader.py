"""Reading the entries of one calendar on a CalDAV server (RFC 4791).

What the server says is held against what it shows: an entry is gone only where nothing that the server names may be it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from datetime import UTC, tzinfo
from typing import Any
from urllib.parse import quote, urljoin
from xml.sax.saxutils import escape as xml_escape

from tasks.errors import CursorExpiredError, ItemError
from tasks.services.caldav.collection.contents import Contents, Unread, name_of, read_contents
from tasks.services.caldav.collection.discovery import check_calendar
from tasks.services.caldav.collection.late_changes import LateChanges
from tasks.services.caldav.collection.resources import Resources
from tasks.services.caldav.collection.sync import Version, read_delta
from tasks.services.caldav.entries.codec import Codec, Entry
from tasks.services.caldav.lines.content_lines import clean
from tasks.services.caldav.server.client import CalDAVClient
from tasks.services.caldav.server.multistatus import Resource
from tasks.sides.listing import Changes, Listing

_SEGMENT = re.compile(r"[\w.@~-]+")


class CalendarReader:
    """How the entries of one kind are read, of the calendar at the client's address."""

    def __init__(self, client: CalDAVClient, codec: Codec, *, floating: tzinfo = UTC) -> None:
        self.client = client
        self.codec = codec
        self._floating = floating
        self._resources = Resources(client, codec.component)
        self._listed: Contents | None = None
        self._version: Version | None = None
        #: What people call it, where the server says so.
        self.name = ""
        #: The UIDs that each resource had when it was read last, perhaps in an earlier run, by its name.
        self.known: dict[str, Sequence[str]] = {}
        #: Whether these are all that there were, when a full listing was made or changes were read.
        self.knows_all = False
        #: The UIDs of entries of which the next changes tell in any case: they were shown otherwise than they are, or
        #: were made here, and a server need not tell of what came and went since a cursor.
        self.untold: set[str] = set()
        #: What resources had that are gone by now.
        self._seen: dict[str, Sequence[str]] = {}
        self.late_changes = LateChanges()

    @property
    def url(self) -> str:
        """The calendar's address, ending in a slash."""
        return self.client.url

    async def check(self) -> None:
        """Make sure that there is a calendar and that it takes such entries.

        Raises:
            TaskDefinitionError: there is none, or it takes none.
            SideError: the server cannot be reached or refuses the user.
        """
        self.name, self._version = await check_calendar(self.client, self.codec)

    async def look(self) -> None:
        """Ask how far the calendar is, unless `check` did and nothing was read since.

        Raises:
            TaskDefinitionError: there is no such calendar any more.
            SideError: the server cannot be reached or refuses the user.
        """
        if self._version is None:
            await self.check()

    async def read_all(self) -> Listing:
        """All entries, as a `Listing` of `Entry` that says which ones are there but cannot be read.

        It has a cursor where the calendar was checked before it, and nothing in it is odd: changes are told of what
        is known only.

        Raises:
            SideError: the server cannot be reached, refuses the user or does not answer the query.
        """
        version, self._version = self._version, None
        resources = await self._resources.query()
        self._listed = listed = await asyncio.to_thread(self._contents, resources)
        self.untold.clear()
        self._seen |= self.known
        self.known = {**(self.known if listed.partial else {}), **listed.known}
        self.knows_all = not listed.partial
        entries = (
            listed.entries if listed.partial else self.late_changes.undone(listed.entries, listed.unreadable)
        )
        is_plain = not (listed.partial or listed.unread or listed.unreadable)
        cursor = version.to_json() if version is not None and is_plain else None
        return Listing(entries, partial=listed.partial, unreadable=listed.unreadable, cursor=cursor)

    async def changes(self, cursor: Any) -> Changes:
        """What changed since a cursor: nothing, by one look at the calendar, or what the server names.

        Raises:
            CursorExpiredError: the server does not say, or what it says is odd in any way.
            SideError: the server cannot be reached or refuses the user.
        """
        since = Version.from_json(cursor)
        await self.look()
        version, self._version = self._version or Version(), None
        if version.is_same(since):
            found, missing = await self._told_now()
            return Changes(found, deleted=missing, cursor=cursor)
        if since.token is None:
            raise CursorExpiredError("the server has no word for what changed")
        delta = await read_delta(self._resources, since.token)
        contents = self._contents(await self._resources.fetch(delta.changed))
        removed = [name_of(href, self.url) for href in delta.removed]
        told = {*contents.known, *removed}
        self._seen |= self.known
        elsewhere = {uid for name, uids in self.known.items() if name not in told for uid in uids}
        uids = {entry.uid for entry in contents.entries}
        if contents.partial or contents.unread or contents.unreadable:
            raise CursorExpiredError("some of what changed cannot be read")
        if uids & elsewhere:
            raise CursorExpiredError("what changed has the UID of another")
        # One that nobody saw came and went since, if all that there were are known.
        if not self.knows_all and not self._seen.keys() >= set(removed):
            raise CursorExpiredError("it is not known what was in those that are gone")
        rest = {name: held for name, held in self.known.items() if name not in told}
        self.known = rest | {name: held for name, held in contents.known.items() if held}
        self.untold -= uids
        found, missing = await self._told_now()
        gone = {uid for held in self._seen.values() for uid in held} - {
            uid for held in self.known.values() for uid in held
        }
        return Changes(
            [*self.late_changes.undone_of(contents.entries), *found],
            deleted=sorted({*gone, *missing}),
            cursor=Version(delta.token, version.tag).to_json(),
        )

    async def _told_now(self) -> tuple[list[Entry], tuple[str, ...]]:
        """The entries of which the server need not tell, and the UIDs of those among them that are not there.

        Raises:
            CursorExpiredError: one cannot be read.
        """
        found, missing = [], []
        for uid in sorted(self.untold):
            try:
                entry = await self.get(uid)
            except ItemError as error:
                raise CursorExpiredError(str(error)) from None
            if entry is not None:
                found.append(entry)
            else:
                missing.append(uid)
        self.untold.clear()
        self.known = {name: held for name, held in self.known.items() if not set(missing) & set(held)}
        return found, tuple(missing)

    async def get(self, uid: str) -> Entry | None:
        """The entry of this UID, `None` where none is found.

        Raises:
            ItemError: it is there, but cannot be read.
            SideError: the server cannot be reached or does not answer the query.
        """
        there = await self._with_uid(uid)
        if uid in there.unreadable:
            raise ItemError(f"{self.codec.noun} {uid}: {there.unreadable[uid]}")
        found = [entry for entry in there.entries if entry.uid == uid]
        return self.late_changes.undone_of(found)[0] if found else None

    async def is_gone(self, uid: str) -> bool:
        """Whether it is sure that the calendar has no entry of this UID.

        That one is not listed, not found by its UID and not at the address that such an entry has, proves it
        together only: each of these alone is what a server also says of a file that it names and does not give,
        and that need not be called after its UID. So it is gone only if, besides, every resource that the last
        listing named was read, or is known to hold others.

        Raises:
            SideError: the server cannot be reached or does not answer the query.
        """
        if self._listed is None:
            await self.read_all()
        if self._listed is None or self._listed.open_about(uid) is not None:
            return False
        there = await self._with_uid(uid)
        if there.open_about(uid) is not None or any(entry.uid == uid for entry in there.entries):
            return False
        if not _SEGMENT.fullmatch(uid):
            return True  # no address is made of such a UID
        answer = await self.client.request("GET", self._href(uid), of_one=True)
        if answer.status != 200:
            return answer.status in (404, 410)
        try:
            at_its_address = self.codec.read(answer.text, href="", etag=None, floating=self._floating)
        except ValueError:
            return False
        return uid not in at_its_address.unreadable and all(
            entry.uid != uid for entry in at_its_address.entries
        )

    def doubt_about(self, title: str) -> Unread | None:
        """A resource that may be an entry of this title, though nobody saw it."""
        unread = self._listed.unread if self._listed is not None else ()
        return next((one for one in unread if one.may_show(title)), None)

    def demand_one(self, uid: str, subject: str) -> None:
        """Make sure that a UID stands for one entry.

        Raises:
            ItemError: it stands for several, or for one that cannot be read.
        """
        why = self._listed.unreadable.get(uid) if self._listed is not None else None
        if why is not None:
            raise ItemError(f"{subject}: {why}")

    async def _with_uid(self, uid: str) -> Contents:
        """What the server gives when it is asked for a UID; it may give others too."""
        return self._contents(
            await self._resources.query(
                '<C:prop-filter name="UID">'
                f'<C:text-match collation="i;octet">{xml_escape(clean(uid))}</C:text-match></C:prop-filter>'
            )
        )

    def _contents(self, resources: Sequence[Resource]) -> Contents:
        return read_contents(
            resources, codec=self.codec, calendar_url=self.url, floating=self._floating, known=self.known
        )

    def _href(self, uid: str) -> str:
        return urljoin(self.url, quote(uid, safe="") + ".ics")
