"""The to-dos of one calendar on a CalDAV server (RFC 4791), every write conditional on the version read."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, tzinfo
from typing import Any
from urllib.parse import quote, unquote, urljoin, urlsplit
from xml.sax.saxutils import escape as xml_escape

from tasks.errors import ItemError, PreconditionError, SideError, TaskDefinitionError, TaskError, UnfitError
from tasks.listing import Listing
from tasks.services.caldav import multistatus
from tasks.services.caldav.client import CalDAVClient, refuse
from tasks.services.caldav.content_lines import clean
from tasks.services.caldav.multistatus import Resource, read_multistatus
from tasks.services.caldav.todo import Todo, edit_todo, new_todo, read_resource, without_todo

#: Addresses in one calendar-multiget.
BATCH = 100
#: Unread resources that a message names before it only counts.
NAMED = 3

_SEGMENT = re.compile(r"[\w.@~-]+")
_XML = '<?xml version="1.0" encoding="utf-8"?>'
_SPACES = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
_ITEM_PROPS = "<D:prop><D:getetag/><C:calendar-data/></D:prop>"
_CALENDAR_PROPS = (
    f"{_XML}<D:propfind {_SPACES}><D:prop><D:resourcetype/><D:displayname/>"
    "<C:supported-calendar-component-set/></D:prop></D:propfind>"
)
_ICS = {"Content-Type": "text/calendar; charset=utf-8"}


class TodoCalendar:
    """To-dos of the calendar at the client's address."""

    def __init__(self, client: CalDAVClient, *, floating: tzinfo = UTC) -> None:
        self._client = client
        self._floating = floating

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
        found = self._resources(answer) if answer.status == 207 else []
        if answer.status not in (207, 404, 410, 405):
            raise SideError(f"{self._client.server} answered {answer.status} when asked for {self.url}")
        if not any(_is_calendar(resource) for resource in found):
            raise TaskDefinitionError(f"there is no calendar at {self.url}{await self._suggestion()}")
        if not any(_takes_todos(resource) for resource in found):
            raise TaskDefinitionError(f"the calendar at {self.url} takes no to-dos{await self._suggestion()}")

    async def read_all(self) -> Listing:
        """All to-dos, as a `Listing` of `Todo` that says whether some could not be read.

        Raises:
            SideError: the server cannot be reached, refuses the user or does not answer the query.
        """
        query = (
            f"{_XML}<C:calendar-query {_SPACES}>{_ITEM_PROPS}<C:filter><C:comp-filter "
            'name="VCALENDAR"><C:comp-filter name="VTODO"/></C:comp-filter></C:filter></C:calendar-query>'
        )
        resources = await self._report(query)
        whole, unread = await self._completed(resources)
        reasons = [_reason(one, self.url) for one in unread]
        return await asyncio.to_thread(self._listing, whole, reasons)

    async def create(self, key: str, values: Mapping[str, Any]) -> Todo:
        """Create the to-do with UID `key`, or give the one that an earlier attempt created.

        Raises:
            ItemError: a value does not fit, or the server does not take it.
        """
        subject = f"new to-do {key}"
        href = self._href(key)
        text = new_todo(key, values, floating=self._floating)
        answer = await self._client.request(
            "PUT", href, text, {**_ICS, "If-None-Match": "*"}, subject=subject
        )
        if 200 <= answer.status < 300:
            return await self._stored(key, href, text, answer, subject)
        if answer.status in (403, 409, 412):
            for todo in await self._with_uid(key):
                return todo
        raise refuse(answer, subject)

    async def update(self, todo: Todo, changes: Mapping[str, Any]) -> Todo:
        """Change some attributes and give the to-do as it is then.

        Raises:
            PreconditionError: the to-do changed on the server since it was read.
            ItemError: a value does not fit, or the server does not take it.
        """
        subject = f"to-do {todo.uid}"
        try:
            text = edit_todo(todo.text, todo.uid, changes, floating=self._floating)
        except UnfitError as error:
            raise UnfitError(f"{subject}: {error}", error.attributes) from None
        except ItemError as error:
            raise ItemError(f"{subject}: {error}") from None
        except ValueError as error:
            raise ItemError(f"{subject}: it cannot be edited, {error}") from None
        if text is None:
            return todo
        return await self._replace(todo, text, subject)

    async def delete(self, todo: Todo) -> None:
        """Delete a to-do; other to-dos and events in its resource stay.

        Raises:
            PreconditionError: the to-do changed on the server since it was read.
            ItemError: the server does not delete it.
        """
        subject = f"to-do {todo.uid}"
        rest = without_todo(todo.text, todo.uid)
        if rest is not None:
            await self._put(todo.href, rest, todo.etag, subject)
            return
        answer = await self._client.request(
            "DELETE", todo.href, "", _if_match(todo.etag, subject), subject=subject
        )
        if not 200 <= answer.status < 300 and answer.status not in (404, 410):
            raise refuse(answer, subject)

    async def is_gone(self, uid: str) -> bool:
        """Whether the server itself says that no to-do has this UID.

        It is asked twice: for the UID, wherever it may lie, and for the address that such a to-do has.

        Raises:
            SideError: the server cannot be reached or does not answer the query.
        """
        if await self._with_uid(uid):
            return False
        if not _SEGMENT.fullmatch(uid):
            return True  # no address is made of such a UID
        answer = await self._client.request("GET", self._href(uid))
        if answer.status != 200:
            return answer.status in (404, 410)
        try:
            there = read_resource(answer.raw, href="", etag=None, floating=self._floating)
        except ValueError:
            return False
        return uid not in there.unreadable and all(todo.uid != uid for todo in there.todos)

    # -- requests -----------------------------------------------------------------------------------------

    async def _report(self, body: str) -> list[Resource]:
        answer = await self._client.request("REPORT", self.url, body, _depth(1))
        if answer.status == 404:
            raise SideError(f"there is no calendar at {self.url} any more")
        if answer.status != 207:
            raise SideError(f"{self._client.server} answered a calendar query with status {answer.status}")
        return self._resources(answer)

    async def _completed(self, resources: Iterable[Resource]) -> tuple[list[Resource], list[Resource]]:
        """The resources with their content, and those whose content is not to be had."""
        found = [one for one in resources if _plain(one.href) != _plain(self.url) or one.status >= 300]
        whole = [one for one in found if _is_whole(one)]
        # Some servers name a resource in the query's answer and give its content only when asked for it.
        again = await self._fetch(one.href for one in found if one.status < 300 and not _is_whole(one))
        whole += [one for one in again if _is_whole(one)]
        unread = [one for one in found if one.status >= 300] + [one for one in again if not _is_whole(one)]
        # A resource that is said to be missing was deleted a moment ago; it is not unread.
        return whole, [one for one in unread if one.status not in (404, 410)]

    async def _fetch(self, hrefs: Iterable[str]) -> list[Resource]:
        """The resources at these addresses, with content and version."""
        left = list(dict.fromkeys(hrefs))
        fetched: list[Resource] = []
        while left:
            batch, left = left[:BATCH], left[BATCH:]
            names = "".join(f"<D:href>{xml_escape(urlsplit(href).path)}</D:href>" for href in batch)
            answered = await self._report(
                f"{_XML}<C:calendar-multiget {_SPACES}>{_ITEM_PROPS}{names}</C:calendar-multiget>"
            )
            fetched += answered
            silent = {_plain(href): href for href in batch}
            for resource in answered:
                silent.pop(_plain(resource.href), None)
            fetched += [Resource(href) for href in silent.values()]
        return fetched

    async def _with_uid(self, uid: str) -> list[Todo]:
        body = (
            f"{_XML}<C:calendar-query {_SPACES}>{_ITEM_PROPS}<C:filter>"
            '<C:comp-filter name="VCALENDAR"><C:comp-filter name="VTODO"><C:prop-filter name="UID">'
            f'<C:text-match collation="i;octet">{xml_escape(clean(uid))}</C:text-match>'
            "</C:prop-filter></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>"
        )
        resources = await self._report(body)
        whole, unread = await self._completed(resources)
        if unread:
            raise SideError(f"{self._client.server} did not answer completely when asked for to-do {uid}")
        listing = self._listing(whole, [])
        if listing.partial or uid in listing.unreadable:
            why = listing.partial or listing.unreadable[uid]
            raise SideError(f"to-do {uid} cannot be looked up: {why}")
        return [todo for todo in listing if todo.uid == uid]

    async def _replace(self, todo: Todo, text: str, subject: str) -> Todo:
        answer = await self._put(todo.href, text, todo.etag, subject)
        return await self._stored(todo.uid, todo.href, text, answer, subject)

    async def _put(self, href: str, text: str, etag: str | None, subject: str) -> Any:
        headers = {**_ICS, **_if_match(etag, subject)}
        answer = await self._client.request("PUT", href, text, headers, subject=subject)
        if not 200 <= answer.status < 300:
            raise refuse(answer, subject)
        return answer

    async def _stored(self, uid: str, href: str, text: str, answer: Any, subject: str) -> Todo:
        """The to-do as the server keeps it: without a strong ETag in its answer it may have changed it."""
        etag = answer.headers.get("ETag")
        if etag is None or etag.startswith("W/"):
            resources = [one for one in await self._fetch([href]) if _is_whole(one)]
            if not resources:
                raise PreconditionError(f"{subject}: it was deleted on the server right after it was written")
            text, etag = resources[0].text(multistatus.DATA) or "", resources[0].text(multistatus.ETAG)
        try:
            reading = read_resource(text, href=href, etag=etag, floating=self._floating)
        except ValueError as error:
            raise ItemError(
                f"{subject}: the server keeps it in a form that cannot be read, {error}"
            ) from None
        if uid in reading.unreadable:
            raise ItemError(
                f"{subject}: the server keeps it in a form that cannot be read, {reading.unreadable[uid]}"
            )
        for todo in reading.todos:
            if todo.uid == uid:
                return todo
        raise PreconditionError(f"{subject}: the server keeps another to-do at its address")

    def _href(self, uid: str) -> str:
        return urljoin(self.url, quote(uid, safe="") + ".ics")

    # -- reading answers ----------------------------------------------------------------------------------

    def _resources(self, answer: Any) -> list[Resource]:
        try:
            return read_multistatus(answer.tree, self.url)
        except ValueError as error:
            raise SideError(f"{self._client.server} does not answer as a CalDAV server: {error}") from None

    def _listing(self, resources: Iterable[Resource], reasons: list[str]) -> Listing:
        todos: dict[str, Todo] = {}
        unreadable: dict[str, str] = {}
        reasons = list(reasons)
        for resource in resources:
            name = _name(resource.href)
            try:
                reading = read_resource(
                    resource.text(multistatus.DATA) or "",
                    href=resource.href,
                    etag=resource.text(multistatus.ETAG),
                    floating=self._floating,
                )
            except ValueError as error:
                reasons.append(f"{name} cannot be read: {error}")
                continue
            unreadable |= {uid: f"{name}: {why}" for uid, why in reading.unreadable.items()}
            for todo in reading.todos:
                if todo.uid in todos:
                    reasons.append(f"{name} has the UID of {_name(todos[todo.uid].href)}")
                else:
                    todos[todo.uid] = todo
        more = f", and {len(reasons) - NAMED} more" if len(reasons) > NAMED else ""
        partial = "; ".join(reasons[:NAMED]) + more if reasons else None
        return Listing(todos.values(), partial=partial, unreadable=unreadable)

    async def _suggestion(self) -> str:
        """Calendars with to-dos that lie at the address or beside it, for a message."""
        for url in (self.url, urljoin(self.url, "../")):
            try:
                answer = await self._client.request("PROPFIND", url, _CALENDAR_PROPS, _depth(1))
                found = read_multistatus(answer.tree, url) if answer.status == 207 else []
            except (TaskError, ValueError):
                continue  # the first error is told already, this only would have helped with it
            names = [one.href for one in found if _is_calendar(one) and _takes_todos(one)]
            if names:
                return f"; to-do calendars there: {', '.join(names[:5])}"
        return ""


def _depth(depth: int) -> dict[str, str]:
    return {"Depth": str(depth), "Content-Type": 'application/xml; charset="utf-8"'}


def _if_match(etag: str | None, subject: str) -> dict[str, str]:
    if not etag:
        raise ItemError(f"{subject}: the server gives no ETag, so it cannot be changed safely")
    return {"If-Match": etag}


def _is_whole(resource: Resource) -> bool:
    return bool(resource.text(multistatus.DATA)) and bool(resource.text(multistatus.ETAG))


def _is_calendar(resource: Resource) -> bool:
    return any(element.tag == multistatus.CALENDAR for element in resource.inside(multistatus.RESOURCE_TYPE))


def _takes_todos(resource: Resource) -> bool:
    kinds = [element.get("name") for element in resource.inside(multistatus.COMPONENT_SET)]
    return not kinds or "VTODO" in kinds


def _reason(resource: Resource, calendar_url: str) -> str:
    status = resource.refused.get(multistatus.DATA, resource.status)
    if resource.href.rstrip("/") == calendar_url.rstrip("/"):
        return f"the server cut its answer short (status {status})"
    return f"{_name(resource.href)} came without content" + (f" (status {status})" if status >= 300 else "")


def _name(href: str) -> str:
    return unquote(urlsplit(href).path.rstrip("/").rpartition("/")[2])


def _plain(href: str) -> str:
    return unquote(urlsplit(href).path)
