"""The to-dos of one calendar on a CalDAV server (RFC 4791).

What the server says is held against what it shows. Every write is conditional on the version that was read, and
is read back; a to-do is gone only where nothing that the server names may be it.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, tzinfo
from typing import Any
from urllib.parse import quote, urljoin
from xml.sax.saxutils import escape as xml_escape

from tasks.errors import (
    ItemError,
    OutcomeUnknownError,
    PreconditionError,
    SideError,
    TaskDefinitionError,
    TaskError,
    UnfitError,
)
from tasks.services.caldav import multistatus
from tasks.services.caldav.answer import Answer
from tasks.services.caldav.client import CalDAVClient, refuse
from tasks.services.caldav.content_lines import clean
from tasks.services.caldav.contents import Contents, Unread, name_of, read_contents
from tasks.services.caldav.late_changes import LateChanges
from tasks.services.caldav.multistatus import Resource
from tasks.services.caldav.resources import SPACES, XML, Resources, is_whole
from tasks.services.caldav.todo import (
    ATTRIBUTES,
    Reading,
    Todo,
    edit_todo,
    new_todo,
    read_resource,
    without_todo,
)
from tasks.services.caldav.versions import made_by_server, same_content, strong
from tasks.sides.listing import Listing

_SEGMENT = re.compile(r"[\w.@~-]+")
_CALENDAR_PROPS = (
    f"{XML}<D:propfind {SPACES}><D:prop><D:resourcetype/><D:displayname/>"
    "<C:supported-calendar-component-set/></D:prop></D:propfind>"
)
_ICS = {"Content-Type": "text/calendar; charset=utf-8"}


class TodoCalendar:
    """To-dos of the calendar at the client's address."""

    def __init__(self, client: CalDAVClient, *, floating: tzinfo = UTC) -> None:
        self._client = client
        self._floating = floating
        self._resources = Resources(client)
        self._listed: Contents | None = None
        #: What people call it, where the server says so.
        self.name = ""
        #: The UIDs that each resource had when it was read last, perhaps in an earlier run, by its name.
        self.known: dict[str, Sequence[str]] = {}
        self.late_changes = LateChanges()

    @property
    def url(self) -> str:
        """The calendar's address, ending in a slash."""
        return self._client.url

    async def check(self) -> None:
        """Make sure that there is a calendar and that it takes to-dos.

        Raises:
            TaskDefinitionError: there is none, or it takes none.
            SideError: the server cannot be reached or refuses the user.
        """
        answer = await self._client.request("PROPFIND", self.url, _CALENDAR_PROPS, _depth(0))
        found = await self._resources.parse(answer.body, self.url) if answer.status == 207 else []
        if answer.status not in (207, 404, 410, 405):
            raise SideError(f"{self._client.server} answered {answer.status} when asked for {self.url}")
        if not any(_is_calendar(resource) for resource in found):
            raise TaskDefinitionError(f"there is no calendar at {self.url}{await self._suggestion()}")
        if not any(_takes_todos(resource) for resource in found):
            raise TaskDefinitionError(f"the calendar at {self.url} takes no to-dos{await self._suggestion()}")
        names = [
            resource.text(multistatus.DISPLAY_NAME) or "" for resource in found if _is_calendar(resource)
        ]
        self.name = " ".join(names[0].split())

    async def read_all(self) -> Listing:
        """All to-dos, as a `Listing` of `Todo` that says which ones are there but cannot be read.

        Raises:
            SideError: the server cannot be reached, refuses the user or does not answer the query.
        """
        self._listed = listed = self._contents(await self._resources.query())
        self.known = {**(self.known if listed.partial else {}), **listed.known}
        todos = listed.todos if listed.partial else self.late_changes.undone(listed.todos, listed.unreadable)
        return Listing(todos, partial=listed.partial, unreadable=listed.unreadable)

    async def create(self, key: str, values: Mapping[str, Any]) -> Todo:
        """Create the to-do with UID `key`, or give the one that an earlier attempt created.

        Raises:
            PreconditionError: a resource that cannot be read may be this to-do.
            ItemError: a value does not fit, or the server does not take it.
        """
        subject = f"new to-do {key}"
        doubt = self._doubt_about(str(values.get("summary") or ""))
        if doubt is not None:
            raise PreconditionError(
                f"{subject}: it is not made as long as it may be there already, in {doubt.name}, which {doubt.why}"
            )
        href = self._href(key)
        text = new_todo(key, values, floating=self._floating)
        answer = await self._client.request(
            "PUT", href, text, {**_ICS, "If-None-Match": "*"}, subject=subject
        )
        if 200 <= answer.status < 300:
            return await self._stored(key, href, text, answer, subject, ATTRIBUTES)
        if answer.status in (403, 409, 412):
            there = await self._with_uid(key)
            for todo in there.todos:
                if todo.uid == key:
                    return todo
            if key in there.unreadable:
                raise ItemError(f"{subject}: it is there already, but {there.unreadable[key]}")
        raise refuse(answer, subject)

    async def update(self, todo: Todo, changes: Mapping[str, Any]) -> Todo:
        """Change some attributes and give the to-do as the server keeps it then.

        Where somebody edited it right after the write, it is given as it was written: the edit is a new one.

        Raises:
            PreconditionError: the to-do changed on the server since it was read.
            ItemError: a value does not fit, or the server does not take it.
        """
        subject = f"to-do {todo.uid}"
        self._demand_one(todo.uid, subject)
        try:
            text = edit_todo(todo.text, todo.uid, changes, floating=self._floating)
        except UnfitError as error:
            raise UnfitError(f"{subject}: {error}", error.attributes) from None
        except ItemError as error:
            raise ItemError(f"{subject}: {error}") from None
        except ValueError as error:
            raise ItemError(f"{subject}: it cannot be edited, {error}") from None
        if text is None:
            return self._plain(todo) if self.late_changes.forget(todo.uid, changes) else todo
        answer = await self._change(todo, "PUT", text, subject)
        self.late_changes.forget(todo.uid, changes)
        return await self._stored(todo.uid, todo.href, text, answer, subject, changes)

    async def delete(self, todo: Todo) -> None:
        """Delete a to-do; other to-dos and events in its resource stay.

        Raises:
            PreconditionError: the to-do changed on the server since it was read.
            ItemError: the server does not delete it.
        """
        subject = f"to-do {todo.uid}"
        self._demand_one(todo.uid, subject)
        try:
            rest = without_todo(todo.text, todo.uid)
        except ValueError as error:
            raise ItemError(f"{subject}: it cannot be taken out of its file, {error}") from None
        if rest is not None:
            await self._change(todo, "PUT", rest, subject)
            return
        await self._change(todo, "DELETE", "", subject)
        left = await self._client.request("GET", todo.href, of_one=True)
        if left.status == 200 and same_content(left.body.decode(errors="replace"), todo.text):
            raise ItemError(f"{subject}: the server says that it deleted it, but shows it still")

    async def is_gone(self, uid: str) -> bool:
        """Whether it is sure that the calendar has no to-do of this UID.

        That one is not listed, not found by its UID and not at the address that such a to-do has, proves it
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
        if there.open_about(uid) is not None or any(todo.uid == uid for todo in there.todos):
            return False
        if not _SEGMENT.fullmatch(uid):
            return True  # no address is made of such a UID
        answer = await self._client.request("GET", self._href(uid), of_one=True)
        if answer.status != 200:
            return answer.status in (404, 410)
        try:
            at_its_address = read_resource(answer.text, href="", etag=None, floating=self._floating)
        except ValueError:
            return False
        return uid not in at_its_address.unreadable and all(todo.uid != uid for todo in at_its_address.todos)

    # -- doubt --------------------------------------------------------------------------------------------

    def _doubt_about(self, title: str) -> Unread | None:
        """A resource that may be a to-do of this title, though nobody saw it."""
        unread = self._listed.unread if self._listed is not None else ()
        return next((one for one in unread if one.may_show(title)), None)

    def _demand_one(self, uid: str, subject: str) -> None:
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
        return read_contents(resources, calendar_url=self.url, floating=self._floating, known=self.known)

    # -- writes -------------------------------------------------------------------------------------------

    async def _change(self, todo: Todo, method: str, text: str, subject: str) -> Answer:
        """Send a write that is to meet the to-do as it was read, or not to happen.

        The server sees to that by a strong ETag. Without one it is read again right before.
        """
        etag = strong(todo.etag)
        if etag is None and not await self._is_as_read(todo):
            raise PreconditionError(f"{subject}: it changed on the server meanwhile; the next run sees how")
        headers = {"If-Match": etag} if etag is not None else {}
        headers |= _ICS if text else {}
        answer = await self._client.request(method, todo.href, text, headers, subject=subject)
        if 200 <= answer.status < 300:
            return answer
        if answer.status in (404, 410, 412) and await self._is_as_read(todo):
            raise ItemError(
                f"{subject}: the server refuses to change it (status {answer.status}), though it still shows it as "
                "it was read" + (f" ({answer.reason})" if answer.reason else "")
            )
        if method == "DELETE" and answer.status in (404, 410):
            return answer
        raise refuse(answer, subject)

    async def _is_as_read(self, todo: Todo) -> bool:
        now = await self._resources.read(todo.href)
        return is_whole(now) and same_content(now.text(multistatus.DATA) or "", todo.text)

    async def _stored(
        self, uid: str, href: str, text: str, answer: Answer, subject: str, names: Container[str]
    ) -> Todo:
        """The to-do after a write of these attributes, as the server keeps it."""
        stored = await self._resources.read(href)
        location = answer.headers.get("Location")
        if not is_whole(stored) and location and self._client.is_home(urljoin(href, location)):
            stored = await self._resources.read(urljoin(href, location))
        if is_whole(stored):
            found = self._read(stored, stored.text(multistatus.DATA) or "", stored.text(multistatus.ETAG))
        else:
            there = await self._with_uid(uid)
            found = Reading([todo for todo in there.todos if todo.uid == uid], there.unreadable)
        if isinstance(found, str) or uid in found.unreadable:
            why = found if isinstance(found, str) else found.unreadable[uid]
            raise ItemError(f"{subject}: the server keeps it in a form that cannot be read, {why}")
        for todo in found.todos:
            if todo.uid == uid:
                self.known.setdefault(name_of(todo.href, self.url), (uid,))
                return self._as_meant(uid, todo, text, strong(answer.headers.get("ETag")), names)
        if is_whole(stored):
            raise PreconditionError(f"{subject}: the server keeps another to-do at its address")
        raise OutcomeUnknownError(
            f"{subject}: the server took it, but does not show it, neither by address nor by UID"
        )

    def _as_meant(self, uid: str, stored: Todo, text: str, etag: str | None, names: Container[str]) -> Todo:
        """The to-do for the base: what the server made of the write, and not what somebody made of it since."""
        sent = self._plain(replace(stored, text=text, etag=etag))
        if not made_by_server(uid, text, stored.text, etag, stored.etag):
            return sent
        self.late_changes.wrote(stored, sent, names)
        return stored

    def _plain(self, todo: Todo) -> Todo:
        """A to-do as its text says."""
        reading = read_resource(todo.text, href=todo.href, etag=todo.etag, floating=self._floating)
        return next((one for one in reading.todos if one.uid == todo.uid), todo)

    def _read(self, resource: Resource, text: str, etag: str | None) -> Reading | str:
        try:
            return read_resource(text, href=resource.href, etag=etag, floating=self._floating)
        except ValueError as error:
            return str(error)

    def _href(self, uid: str) -> str:
        return urljoin(self.url, quote(uid, safe="") + ".ics")

    # -- messages -----------------------------------------------------------------------------------------

    async def _suggestion(self) -> str:
        """Calendars with to-dos that lie at the address or beside it, for a message."""
        for url in (self.url, urljoin(self.url, "../")):
            try:
                answer = await self._client.request("PROPFIND", url, _CALENDAR_PROPS, _depth(1))
                found = await self._resources.parse(answer.body, url) if answer.status == 207 else []
            except TaskError:
                continue  # the first error is told already, this only would have helped with it
            names = [one.href for one in found if _is_calendar(one) and _takes_todos(one)]
            if names:
                return f"; to-do calendars there: {', '.join(names[:5])}"
        return ""


def _depth(depth: int) -> dict[str, str]:
    return {"Depth": str(depth), "Content-Type": 'application/xml; charset="utf-8"'}


def _is_calendar(resource: Resource) -> bool:
    return any(element.tag == multistatus.CALENDAR for element in resource.inside(multistatus.RESOURCE_TYPE))


def _takes_todos(resource: Resource) -> bool:
    kinds = [element.get("name") for element in resource.inside(multistatus.COMPONENT_SET)]
    return not kinds or "VTODO" in kinds
