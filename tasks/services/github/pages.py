"""A listing of issues in pages: whole also where issues are taken away while it is read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from tasks.errors import SideError
from tasks.services.github.answers import Answer
from tasks.services.github.client import Client
from tasks.services.github.issue import read_moment

#: Objects of one page, the most that GitHub gives.
PER_PAGE = 100
#: How often a listing of several pages is read until it stays the same.
PASSES = 5


@dataclass(slots=True)
class Pages:
    """A listing while it is read: of what was given away only the numbers are kept.

    What is taken away from a page that was read moves all others up by one, and the next page begins behind one
    that nobody saw. So more than one page is read again, which costs nothing where it is the same, until all stay.
    """

    client: Client
    path: str
    params: Mapping[str, str]
    #: What it is about, for messages.
    subject: str
    #: The answer with its first page, the first time.
    first: Answer = field(init=False)
    #: The numbers of all that were seen.
    seen: set[Any] = field(default_factory=set, init=False)
    #: When any of them was changed last.
    newest: datetime | None = field(default=None, init=False)
    #: Why some may be missing.
    partial: str | None = field(default=None, init=False)
    #: Whether some were taken away again while it was read.
    some_left: bool = field(default=False, init=False)
    _unread: list[Any] = field(default_factory=list, init=False)

    async def begin(self, etag: str | None) -> bool:
        """Ask for the first page; whether that is another than the one of this ETag.

        Raises:
            SideError: the repository does not show its issues.
        """
        answer = await self._ask_for_first(etag)
        if answer.status != 304:
            self._unread = _objects(answer, self.subject)
        self.first = replace(answer, body=None)
        return answer.status != 304

    async def objects(self) -> AsyncIterator[list[Any]]:
        """Issues and pull requests after `begin`, page by page, each once.

        One that comes again was edited meanwhile at the most, and then it is among the next changes.

        Raises:
            SideError: the repository does not show its issues.
        """
        pages: list[_Page] = []
        unread, self._unread = self._unread, []
        async for page, objects in self._follow(_Page.of(self.path, self.first, unread), unread, {}):
            pages.append(page)
            yield self._new(objects)
        for _ in range(PASSES):
            if len(pages) == 1:
                return
            before, known = pages, {page.url: page for page in pages}
            pages = []
            again = await self._ask_for_first(before[0].etag)
            start, unread = _now(self.path, again, before[0], self.subject)
            async for page, objects in self._follow(start, unread, known):
                pages.append(page)
                if new := self._new(objects):
                    yield new
            self.some_left = not self.seen <= {number for page in pages for number in page.numbers}
            last = min(len(before), len(pages)) - 1
            stayed = [page.numbers for page in before[:last]] == [page.numbers for page in pages[:last]]
            if stayed and last == len(before) - 1:
                return
        self.partial = "its issues changed again and again while they were listed"

    async def _ask_for_first(self, etag: str | None) -> Answer:
        params = {**self.params, "per_page": str(PER_PAGE)}
        return await self.client.get(self.path, params=params, etag=etag, subject=self.subject)

    async def _follow(
        self, page: _Page, objects: list[Any], known: Mapping[str, _Page]
    ) -> AsyncIterator[tuple[_Page, list[Any]]]:
        """A page that was asked for, and all that come after it, with what is new on those that are known."""
        seen: set[str] = set()
        while True:
            yield page, objects
            url = page.following
            if url is None:
                return
            if url in seen or not self.client.is_home(url):
                raise SideError(
                    f"{self.subject}: GitHub's list of pages leads astray, so they cannot be listed"
                )
            seen.add(url)
            old = known.get(url)
            answer = await self.client.get(url, etag=old.etag if old else None, subject=self.subject)
            page, objects = _now(url, answer, old, self.subject)

    def _new(self, objects: Sequence[Any]) -> list[Any]:
        """Those of a page that were not seen before."""
        found = []
        for one in objects:
            number = _field(one, "number")
            if number is None or number not in self.seen:
                found.append(one)
            self.seen.add(number)
            moment = _moment(_field(one, "updated_at"))
            if moment is not None and (self.newest is None or moment > self.newest):
                self.newest = moment
        return found


@dataclass(frozen=True, slots=True)
class _Page:
    """What is kept of a page."""

    url: str
    etag: str | None
    #: Where the listing goes on.
    following: str | None
    numbers: Sequence[Any]

    @classmethod
    def of(cls, url: str, answer: Answer, objects: Sequence[Any]) -> _Page:
        numbers = [_field(one, "number") for one in objects]
        return cls(url, answer.headers.get("etag"), answer.next_page, numbers)


def _now(url: str, answer: Answer, old: _Page | None, subject: str) -> tuple[_Page, list[Any]]:
    """A page as it is now, and what it shows where that is not what it was."""
    if old is not None and answer.status == 304:
        return old, []
    objects = _objects(answer, subject)
    return _Page.of(url, answer, objects), objects


def _objects(answer: Answer, subject: str) -> list[Any]:
    if answer.taken and isinstance(answer.body, list):
        return answer.body
    why = f"{answer.status}, {answer.message}" if answer.message else str(answer.status)
    if answer.status == 410:
        raise SideError(f"{subject}: they are switched off in the repository ({why}): switch them on")
    if answer.status == 404 or answer.moved:
        raise SideError(
            f"{subject}: GitHub does not show this login the repository any more ({why}): was it deleted, or may "
            "the login no longer read it?"
        )
    raise SideError(f"{subject}: GitHub does not list them ({why})")


def _field(listed: Any, name: str) -> Any:
    """A field of what is listed, which may be anything."""
    return listed.get(name) if isinstance(listed, Mapping) else None


def _moment(stamp: Any) -> datetime | None:
    try:
        return read_moment(stamp)
    except ValueError:
        return None
