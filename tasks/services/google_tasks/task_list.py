"""One task list: what Google says of it, page by page, and what is written to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from tasks.errors import ItemError, SideError
from tasks.services.google_tasks.answers import RefusedError
from tasks.services.google_tasks.client import Effect, GoogleClient, Json
from tasks.services.google_tasks.task import Task, read_moment, read_task

#: The most that Google gives at once: by default it is 20.
PAGE_SIZE = 100
#: Pages of one listing: an account has 100,000 tasks at most.
MOST_PAGES = 2_000


@dataclass(frozen=True)
class ListInfo:
    """What Google says of a task list itself."""

    id: str
    title: str
    etag: str | None
    #: Of the last change of anything in it.
    updated: datetime | None


@dataclass
class Found:
    """What a listing gave."""

    tasks: dict[str, Task]
    unreadable: dict[str, str]
    #: Why some may be missing.
    partial: str | None = None


async def find_lists(client: GoogleClient) -> list[ListInfo]:
    """All task lists of the account.

    Raises:
        SideError: Google cannot be reached, refuses the login, or does not tell all.
    """
    found: dict[str, ListInfo] = {}
    token: str | None = None
    for _ in range(MOST_PAGES):
        params = {"maxResults": "1000", **({} if token is None else {"pageToken": token})}
        page = await _read(client, "users/@me/lists", "the task lists", params)
        for raw in _items(page, "tasks#taskLists"):
            one = _info(raw)
            found[one.id] = one
        token = _next(page, token)
        if token is None:
            return list(found.values())
    raise SideError("Google does not come to an end of the task lists")


async def read_list(client: GoogleClient, list_id: str) -> ListInfo | None:
    """One task list by its id, or `@default`; `None` where it is not there."""
    try:
        raw = await client.request(
            "GET", f"users/@me/lists/{quote(list_id, safe='@')}", subject="the task list"
        )
    except RefusedError as error:
        if error.status in (400, 404, 410):
            return None
        raise SideError(str(error)) from None
    return _info(raw)


class TaskList:
    """The tasks of one list.

    Parameters:
        client: for the requests.
        list_id: of the list.
        name: how messages name it.
    """

    def __init__(self, client: GoogleClient, list_id: str, name: str) -> None:
        self._client = client
        self.id = list_id
        self.name = name
        self._path = f"lists/{quote(list_id, safe='@')}/tasks"

    # -- reading ------------------------------------------------------------------------------------------

    async def read(self, *, since: datetime | None = None) -> Found:
        """All tasks, also the hidden ones, or those edited or deleted since a moment.

        A later page may show one that an earlier page showed, as it is by now.

        Raises:
            SideError: Google cannot be reached, refuses the login, or the list is gone.
        """
        whole = Found({}, {})
        async for page in self.pages(since=since):
            whole.tasks |= page.tasks
            whole.unreadable |= page.unreadable
            whole.partial = whole.partial or page.partial
        return whole

    async def pages(self, *, since: datetime | None = None) -> AsyncIterator[Found]:
        """The same, an answer of Google's at a time; raises as `read` does."""
        asked = {"maxResults": str(PAGE_SIZE), "showCompleted": "true", "showHidden": "true"}
        if since is not None:
            asked |= {"showDeleted": "true", "updatedMin": since.isoformat().replace("+00:00", "Z")}
        token: str | None = None
        for _ in range(MOST_PAGES):
            params = {**asked, **({} if token is None else {"pageToken": token})}
            page, found = await _read(self._client, self._path, self.name, params), Found({}, {})
            for raw in _items(page, "tasks#tasks"):
                self._take(raw, found)
            try:
                token = _next(page, token)
            except SideError as error:
                token, found.partial = None, str(error)
            yield found
            if token is None:
                return
        yield Found({}, {}, f"{self.name} does not come to an end")

    def _take(self, raw: Any, found: Found) -> None:
        """Take in one task."""
        try:
            task = read_task(raw)
        except ValueError as error:
            task_id = raw.get("id")
            if not isinstance(task_id, str) or not task_id:
                found.partial = f"{self.name} shows a task that cannot be told from others: {error}"
            else:
                found.unreadable[task_id] = f"a task in {self.name} cannot be read: {error}"
            return
        found.tasks[task.id] = task

    async def get(self, task_id: str) -> Task | None:
        """One task, also a deleted one; `None` where Google has none of this id here.

        Raises:
            ItemError: it cannot be read.
        """
        subject = f"a task in {self.name}"
        try:
            raw = await self._client.request("GET", self._of(task_id), subject=subject)
        except RefusedError as error:
            if error.status in (400, 404, 410):
                return None
            raise
        return _task(raw, subject)

    async def last_change(self) -> datetime | None:
        """When anything in the list was changed last, by Google's clock.

        Raises:
            SideError: the list is gone.
        """
        found = await read_list(self._client, self.id)
        if found is None:
            raise SideError(f"{self.name} is gone: it was deleted, or belongs to another account")
        return found.updated

    # -- writing ------------------------------------------------------------------------------------------

    async def insert(self, body: Mapping[str, Any], *, subject: str, **place: str) -> Task:
        """Make a task; raises as `GoogleClient.request` does."""
        params = {name: value for name, value in place.items() if value}
        raw = await self._client.request(
            "POST", self._path, subject=subject, effect=Effect.CREATE, body=body, params=params
        )
        return _task(raw, subject)

    async def patch(self, task: Task, body: Mapping[str, Any], *, subject: str) -> Task:
        """Set some fields of a task that is as it was read; raises as `GoogleClient.request` does."""
        raw = await self._client.request(
            "PATCH",
            self._of(task.id),
            subject=subject,
            effect=Effect.SET,
            body=body,
            if_match=task.etag,
        )
        return _task(raw, subject)

    async def move(self, task: Task, *, subject: str, parent: str = "", previous: str = "") -> Task:
        """Put a task that is as it was read below another one; raises as `GoogleClient.request` does."""
        place = {"parent": parent, "previous": previous}
        raw = await self._client.request(
            "POST",
            f"{self._of(task.id)}/move",
            subject=subject,
            effect=Effect.SET,
            params={name: value for name, value in place.items() if value},
            if_match=task.etag,
        )
        return _task(raw, subject)

    async def delete(self, task: Task, *, subject: str) -> None:
        """Delete a task that is as it was read; raises as `GoogleClient.request` does."""
        await self._client.request(
            "DELETE", self._of(task.id), subject=subject, effect=Effect.SET, if_match=task.etag
        )

    def _of(self, task_id: str) -> str:
        return f"{self._path}/{quote(task_id, safe='')}"


async def _read(client: GoogleClient, path: str, name: str, params: Mapping[str, str]) -> Json:
    try:
        return await client.request("GET", path, subject=name, params=params)
    except RefusedError as error:
        gone = ": it was deleted, or belongs to another account" if error.status in (404, 410) else ""
        raise SideError(f"{error}{gone}") from None


def _items(page: Json, kind: str) -> list[Any]:
    items = page.get("items", [])
    if (
        page.get("kind") != kind
        or not isinstance(items, list)
        or not all(isinstance(one, dict) for one in items)
    ):
        raise SideError("Google answers with something else than a listing; the next run tries again")
    return items


def _next(page: Json, before: str | None) -> str | None:
    """Where the listing goes on; `None` at its end."""
    token = page.get("nextPageToken")
    if token is None or token == "":
        return None
    if not isinstance(token, str) or token == before:
        raise SideError("Google shows the same page of a listing again and again")
    return token


def _info(raw: Mapping[str, Any]) -> ListInfo:
    list_id, title, version = raw.get("id"), raw.get("title"), raw.get("etag")
    if not isinstance(list_id, str) or not list_id:
        raise SideError("Google shows a task list without an id; the next run tries again")
    return ListInfo(
        list_id,
        title if isinstance(title, str) else "",
        version if isinstance(version, str) else None,
        read_moment(raw.get("updated")),
    )


def _task(raw: Json, subject: str) -> Task:
    try:
        return read_task(raw)
    except ValueError as error:
        raise ItemError(f"{subject}: Google shows it in a form that cannot be read, {error}") from None
