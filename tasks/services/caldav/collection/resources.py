"""The resources of a calendar, as a server answers when it is asked for them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from tasks.errors import CursorExpiredError, SideError
from tasks.services.caldav.collection.contents import path_of
from tasks.services.caldav.server.client import CalDAVClient
from tasks.services.caldav.server.multistatus import DATA, ETAG, Resource, read_multistatus, read_sync_token

#: Addresses in one calendar-multiget.
BATCH = 100
#: Resources that are asked for one by one at a time.
AT_ONCE = 4

XML = '<?xml version="1.0" encoding="utf-8"?>'
SPACES = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
_ITEM_PROPS = "<D:prop><D:getetag/><C:calendar-data/></D:prop>"


class Resources:
    """Those of the calendar at the client's address.

    Three kinds of request name them or give their content: the calendar query, the multiget and a plain GET.
    A server may answer one of them and not another; what one of them names is there until all have been asked,
    and an address on another server is never asked.
    """

    def __init__(self, client: CalDAVClient, component: str) -> None:
        self._client = client
        self._component = component

    @property
    def url(self) -> str:
        """The calendar's address, ending in a slash."""
        return self._client.url

    async def query(self, within: str = "") -> list[Resource]:
        """The resources that hold such components, with content where any kind of request gives it.

        Arguments:
            within: Further conditions of the query, as XML.

        Raises:
            SideError: the server cannot be reached, refuses the user or does not answer the query.
        """
        named = await self._report(
            f"{XML}<C:calendar-query {SPACES}>{_ITEM_PROPS}<C:filter><C:comp-filter "
            f'name="VCALENDAR"><C:comp-filter name="{self._component}">{within}</C:comp-filter></C:comp-filter>'
            "</C:filter></C:calendar-query>"
        )
        found: dict[str, Resource] = {}
        for one in named:
            if one.href not in found or not is_whole(found[one.href]):
                found[one.href] = one
        calendar = path_of(self.url)
        missing = [
            one
            for one in found.values()
            if not is_whole(one) and self._is_home(one) and path_of(one.href) != calendar
        ]
        for one in await self.fetch(missing):
            found[one.href] = one
        return list(found.values())

    async def read(self, href: str) -> Resource:
        """One resource, with content where there is any."""
        (resource,) = await self.fetch([Resource(href)])
        return resource

    async def fetch(self, named: Iterable[Resource]) -> list[Resource]:
        """These resources with content and version, as far as the server gives them."""
        left = list(named)
        fetched: list[Resource] = []
        while left:
            batch, left = left[:BATCH], left[BATCH:]
            names = "".join(f"<D:href>{escape(urlsplit(one.href).path)}</D:href>" for one in batch)
            try:
                answered = await self._report(
                    f"{XML}<C:calendar-multiget {SPACES}>{_ITEM_PROPS}{names}</C:calendar-multiget>"
                )
            except (
                SideError
            ):  # one of them may be too much for the server; if it is away, the next request says so
                answered = []
            by_path = {path_of(one.href): one for one in answered if self._is_home(one)}
            fetched += [_more_of(one, by_path.get(path_of(one.href))) for one in batch]
        slots = asyncio.Semaphore(AT_ONCE)

        async def complete(one: Resource) -> Resource:
            async with slots:
                return one if is_whole(one) else await self._get(one)

        return list(await asyncio.gather(*(complete(one) for one in fetched)))

    async def sync(self, body: str) -> tuple[list[Resource], str | None]:
        """What changed, as the server answers a report about it, and the token with which the next one starts.

        Raises:
            CursorExpiredError: the server does not answer it, perhaps because it does not know the token any more.
            SideError: the server cannot be reached or refuses the user.
        """
        headers = {"Depth": "0", "Content-Type": 'application/xml; charset="utf-8"'}
        answer = await self._client.request("REPORT", self.url, body, headers, of_one=True)
        if answer.status != 207:
            raise CursorExpiredError(f"{self._client.server} answered {answer.status} when asked for changes")
        token = read_sync_token(answer.body)
        return [self._at_home(one) for one in await parse(self._client, answer.body, self.url)], token

    async def _get(self, resource: Resource) -> Resource:
        """A resource as a plain request shows it, or as it was named where that shows nothing."""
        answer = await self._client.request("GET", resource.href, of_one=True)
        if answer.status != 200:
            return resource if resource.status >= 300 else replace(resource, status=answer.status)
        try:
            text = answer.text
        except UnicodeDecodeError:
            return replace(resource, broken="it holds bytes that are not UTF-8")
        if not text.lstrip("\ufeff \r\n").upper().startswith("BEGIN:VCALENDAR"):
            return resource
        found = {DATA: _element(DATA, text.lstrip("\ufeff"))}
        # Where it was named with a version, that one is taken: a plain answer may have one of its packed form.
        etag = resource.text(ETAG) or answer.headers.get("ETag")
        return Resource(resource.href, found=found | ({ETAG: _element(ETAG, etag)} if etag else {}))

    async def _report(self, body: str) -> list[Resource]:
        headers = {"Depth": "1", "Content-Type": 'application/xml; charset="utf-8"'}
        answer = await self._client.request("REPORT", self.url, body, headers)
        if answer.status == 404:
            raise SideError(f"there is no calendar at {self.url} any more")
        if answer.status != 207:
            raise SideError(f"{self._client.server} answered a calendar query with status {answer.status}")
        return [self._at_home(one) for one in await parse(self._client, answer.body, self.url)]

    def _is_home(self, resource: Resource) -> bool:
        return self._client.is_home(resource.href)

    def _at_home(self, resource: Resource) -> Resource:
        if self._is_home(resource):
            return resource
        parts = urlsplit(resource.href)
        place = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"  # a password may stand before it
        return replace(
            resource,
            broken=f"the server says that it lies at {place}, which is not the calendar's "
            "own address; nothing is sent there",
        )


async def parse(client: CalDAVClient, body: bytes, url: str) -> list[Resource]:
    """The resources of an answer.

    Raises:
        SideError: it is not an answer of CalDAV.
    """
    try:
        return await asyncio.to_thread(read_multistatus, body, url)
    except ValueError as error:
        raise SideError(f"{client.server} does not answer as a CalDAV server: {error}") from None


def _more_of(resource: Resource, now: Resource | None) -> Resource:
    """A resource that was named, with what is said of it by now."""
    if now is None:
        return resource
    return replace(now, href=resource.href, found={**resource.found, **now.found})


def is_whole(resource: Resource) -> bool:
    """Whether content came with it, in a form that can be used."""
    return resource.broken is None and bool((resource.text(DATA) or "").strip())


def _element(tag: str, text: str) -> Element:
    element = Element(tag)
    element.text = text
    return element
