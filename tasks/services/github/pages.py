"""A listing of issues in pages: whole also where issues are taken away while it is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tasks.errors import SideError
from tasks.services.github.answers import Answer
from tasks.services.github.client import Client

#: Objects of one page, the most that GitHub gives.
PER_PAGE = 100
#: How often a listing of several pages is read until it stays the same.
PASSES = 5


@dataclass(frozen=True, slots=True)
class Pages:
    """What a listing shows."""

    #: The answer with its first page.
    first: Answer
    #: Issues and pull requests, each once.
    objects: Sequence[Any] = ()
    #: Why some may be missing.
    partial: str | None = None


@dataclass(slots=True)
class _Page:
    url: str
    answer: Answer
    objects: list[Any] = field(default_factory=list)

    @property
    def numbers(self) -> list[Any]:
        return [one.get("number") if isinstance(one, Mapping) else None for one in self.objects]


async def read_pages(
    client: Client, path: str, params: Mapping[str, str], etag: str | None, name: str
) -> Pages | None:
    """All pages of a listing; `None` where the ETag of the first one still holds.

    What is taken away from a page that was read moves all others up by one, and the next page begins behind one
    that nobody saw. So more than one page is read again, which costs nothing where it is the same, until all stay.

    Raises:
        SideError: the repository does not show its issues.
    """
    subject = f"the issues of {name}"
    first = await client.get(path, params={**params, "per_page": str(PER_PAGE)}, etag=etag, subject=subject)
    if first.status == 304:
        return None
    pages = await _follow(client, _Page(path, first), {}, subject)
    for _ in range(PASSES):
        if len(pages) == 1:
            return Pages(first, pages[0].objects)
        before, known = pages, {page.url: page for page in pages}
        again = await client.get(
            path,
            params={**params, "per_page": str(PER_PAGE)},
            etag=before[0].answer.headers.get("etag"),
            subject=subject,
        )
        pages = await _follow(
            client, before[0] if again.status == 304 else _Page(path, again), known, subject
        )
        last = min(len(before), len(pages)) - 1
        stayed = [page.numbers for page in before[:last]] == [page.numbers for page in pages[:last]]
        if stayed and last == len(before) - 1:
            return Pages(first, _each_once(pages))
    return Pages(first, _each_once(pages), "its issues changed again and again while they were listed")


async def _follow(client: Client, page: _Page, known: Mapping[str, _Page], subject: str) -> list[_Page]:
    """A page that was asked for, and all that come after it; of those that are known, only what is new."""
    pages: list[_Page] = []
    seen: set[str] = set()
    while True:
        if not page.objects:
            page.objects = _objects(page.answer, subject)
        pages.append(page)
        url = page.answer.next_page
        if url is None:
            return pages
        if url in seen or not client.is_home(url):
            raise SideError(f"{subject}: GitHub's list of pages leads astray, so they cannot be listed")
        seen.add(url)
        old = known.get(url)
        answer = await client.get(url, etag=old.answer.headers.get("etag") if old else None, subject=subject)
        page = old if old is not None and answer.status == 304 else _Page(url, answer)


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


def _each_once(pages: Sequence[_Page]) -> list[Any]:
    """Each object as it was read last."""
    found: dict[Any, Any] = {}
    for page in pages:
        for number, one in zip(page.numbers, page.objects, strict=True):
            found[number if number is not None else id(one)] = one
    return list(found.values())
