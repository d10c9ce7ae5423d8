"""The entries of one calendar on a CalDAV server (RFC 4791).

Every write is conditional on the version that was read, and is read back.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urljoin

from tasks.errors import ItemError, OutcomeUnknownError, PreconditionError, UnfitError
from tasks.services.caldav.collection.contents import name_of
from tasks.services.caldav.collection.reader import CalendarReader
from tasks.services.caldav.collection.resources import is_whole
from tasks.services.caldav.collection.versions import made_by_server, same_content, strong
from tasks.services.caldav.entries.codec import Entry, Reading
from tasks.services.caldav.server import multistatus
from tasks.services.caldav.server.answer import Answer
from tasks.services.caldav.server.client import refuse
from tasks.services.caldav.server.multistatus import Resource

_ICS = {"Content-Type": "text/calendar; charset=utf-8"}


class Calendar(CalendarReader):
    """The entries of one kind, to-dos or events, of the calendar at the client's address."""

    async def create(self, key: str, values: Mapping[str, Any]) -> Entry:
        """Create the entry with UID `key`, or give the one that an earlier attempt created.

        Raises:
            PreconditionError: a resource that cannot be read may be this entry.
            ItemError: a value does not fit, or the server does not take it.
        """
        subject = f"new {self.codec.noun} {key}"
        doubt = self.doubt_about(str(values.get("summary") or ""))
        if doubt is not None:
            raise PreconditionError(
                f"{subject}: it is not made as long as it may be there already, in {doubt.name}, which {doubt.why}"
            )
        href = self._href(key)
        text = self.codec.new(key, values, floating=self._floating)
        answer = await self.client.request("PUT", href, text, {**_ICS, "If-None-Match": "*"}, subject=subject)
        if 200 <= answer.status < 300:
            made = await self._stored(key, href, text, answer, subject, self.codec.attributes)
            self.untold.add(key)
            return made
        if answer.status in (403, 409, 412):
            there = await self._with_uid(key)
            for entry in there.entries:
                if entry.uid == key:
                    return entry
            if key in there.unreadable:
                raise ItemError(f"{subject}: it is there already, but {there.unreadable[key]}")
        raise refuse(answer, subject)

    async def update(self, entry: Entry, changes: Mapping[str, Any]) -> Entry:
        """Change some attributes and give the entry as the server keeps it then.

        Where somebody edited it right after the write, it is given as it was written: the edit is a new one.

        Raises:
            PreconditionError: the entry changed on the server since it was read.
            ItemError: a value does not fit, or the server does not take it.
        """
        subject = f"{self.codec.noun} {entry.uid}"
        self.demand_one(entry.uid, subject)
        try:
            text = self.codec.edit(entry.text, entry.uid, changes, floating=self._floating)
        except UnfitError as error:
            raise UnfitError(f"{subject}: {error}", error.attributes) from None
        except ItemError as error:
            raise ItemError(f"{subject}: {error}") from None
        except ValueError as error:
            raise ItemError(f"{subject}: it cannot be edited, {error}") from None
        if text is None:
            return self._plain(entry) if self.late_changes.forget(entry.uid, changes) else entry
        answer = await self._change(entry, "PUT", text, subject)
        self.late_changes.forget(entry.uid, changes)
        return await self._stored(entry.uid, entry.href, text, answer, subject, changes)

    async def delete(self, entry: Entry) -> None:
        """Delete an entry; others in its resource stay.

        Raises:
            PreconditionError: the entry changed on the server since it was read.
            ItemError: the server does not delete it.
        """
        subject = f"{self.codec.noun} {entry.uid}"
        self.demand_one(entry.uid, subject)
        try:
            rest = self.codec.without(entry.text, entry.uid)
        except ValueError as error:
            raise ItemError(f"{subject}: it cannot be taken out of its file, {error}") from None
        if rest is not None:
            await self._change(entry, "PUT", rest, subject)
            return
        await self._change(entry, "DELETE", "", subject)
        left = await self.client.request("GET", entry.href, of_one=True)
        if left.status == 200 and same_content(left.body.decode(errors="replace"), entry.text):
            raise ItemError(f"{subject}: the server says that it deleted it, but shows it still")

    # -- writes -------------------------------------------------------------------------------------------

    async def _change(self, entry: Entry, method: str, text: str, subject: str) -> Answer:
        """Send a write that is to meet the entry as it was read, or not to happen.

        The server sees to that by a strong ETag. Without one it is read again right before.
        """
        etag = strong(entry.etag)
        if etag is None and not await self._is_as_read(entry):
            raise PreconditionError(f"{subject}: it changed on the server meanwhile; the next run sees how")
        headers = {"If-Match": etag} if etag is not None else {}
        headers |= _ICS if text else {}
        answer = await self.client.request(method, entry.href, text, headers, subject=subject)
        if 200 <= answer.status < 300:
            return answer
        if answer.status in (404, 410, 412) and await self._is_as_read(entry):
            raise ItemError(
                f"{subject}: the server refuses to change it (status {answer.status}), though it still shows it as "
                "it was read" + (f" ({answer.reason})" if answer.reason else "")
            )
        if method == "DELETE" and answer.status in (404, 410):
            return answer
        raise refuse(answer, subject)

    async def _is_as_read(self, entry: Entry) -> bool:
        now = await self._resources.read(entry.href)
        return is_whole(now) and same_content(now.text(multistatus.DATA) or "", entry.text)

    async def _stored(
        self, uid: str, href: str, text: str, answer: Answer, subject: str, names: Container[str]
    ) -> Entry:
        """The entry after a write of these attributes, as the server keeps it."""
        stored = await self._resources.read(href)
        location = answer.headers.get("Location")
        if not is_whole(stored) and location and self.client.is_home(urljoin(href, location)):
            stored = await self._resources.read(urljoin(href, location))
        if is_whole(stored):
            found = self._read(stored, stored.text(multistatus.DATA) or "", stored.text(multistatus.ETAG))
        else:
            there = await self._with_uid(uid)
            found = Reading([entry for entry in there.entries if entry.uid == uid], there.unreadable)
        if isinstance(found, str) or uid in found.unreadable:
            why = found if isinstance(found, str) else found.unreadable[uid]
            raise ItemError(f"{subject}: the server keeps it in a form that cannot be read, {why}")
        for entry in found.entries:
            if entry.uid == uid:
                self.known.setdefault(name_of(entry.href, self.url), (uid,))
                return self._as_meant(uid, entry, text, strong(answer.headers.get("ETag")), names)
        if is_whole(stored):
            raise PreconditionError(f"{subject}: the server keeps another {self.codec.noun} at its address")
        raise OutcomeUnknownError(
            f"{subject}: the server took it, but does not show it, neither by address nor by UID"
        )

    def _as_meant(self, uid: str, stored: Entry, text: str, etag: str | None, names: Container[str]) -> Entry:
        """The entry for the base: what the server made of the write, and not what somebody made of it since."""
        sent = self._plain(replace(stored, text=text, etag=etag))
        if not made_by_server(uid, text, stored.text, etag, stored.etag):
            return sent
        self.late_changes.wrote(stored, sent, names, self.codec.passing if stored.recurs else ())
        return stored

    def _plain(self, entry: Entry) -> Entry:
        """An entry as its text says."""
        reading = self.codec.read(entry.text, href=entry.href, etag=entry.etag, floating=self._floating)
        return next((one for one in reading.entries if one.uid == entry.uid), entry)

    def _read(self, resource: Resource, text: str, etag: str | None) -> Reading | str:
        try:
            return self.codec.read(text, href=resource.href, etag=etag, floating=self._floating)
        except ValueError as error:
            return str(error)
