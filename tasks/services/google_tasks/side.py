"""The Google Tasks side: the tasks of one list."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Collection, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from config import get_settings
from tasks.errors import SideError, TaskDefinitionError
from tasks.services.google_tasks.answers import RefusedError
from tasks.services.google_tasks.attributes import ATTRIBUTES, PLACES, recalled, values_of
from tasks.services.google_tasks.client import BASE_URL, GoogleClient, Login
from tasks.services.google_tasks.cursor import cursor_of, read_cursor
from tasks.services.google_tasks.login import service_login, user_login
from tasks.services.google_tasks.task import Task
from tasks.services.google_tasks.task_list import Found, ListInfo, TaskList, find_lists, read_list
from tasks.services.google_tasks.writing import Writer
from tasks.sides import ID, Attribute, Changes, Listing, Side, gathered, title_key


class Tasks(Side):
    """The tasks of one task list.

    Arguments:
        list: Title or id of the list; by default the account's first one.
        token_file: The login that `python -m tasks.services.google_tasks` keeps; without one,
            `GOOGLE_TASKS_TOKEN_FILE` at the time of a run, or `google-tasks.json` in the state directory.
        service_account: The key of a service account instead; without one, `GOOGLE_TASKS_SERVICE_ACCOUNT`.
        subject: Mail address of the user for whom the service account stands by delegation.
        base_url: Where the API is; without one, `GOOGLE_TASKS_BASE_URL`, or Google.
        label: What people call it; by default after the title of the list, once that is known.

    Raises:
        TaskDefinitionError: two logins are given.
    """

    settling = timedelta(seconds=30)
    #: One after the other: each one that is made moves all others, and so changes their versions.
    concurrency = 1

    def __init__(
        self,
        list: str | None = None,
        *,
        token_file: Path | str | None = None,
        service_account: Path | str | None = None,
        subject: str | None = None,
        base_url: str | None = None,
        label: str | None = None,
    ) -> None:
        if token_file is not None and service_account is not None:
            raise TaskDefinitionError("give Google Tasks one login: a token_file or a service_account")
        self._wanted = list
        self._token_file = Path(token_file).expanduser() if token_file is not None else None
        self._key_file = Path(service_account).expanduser() if service_account is not None else None
        self._subject = subject
        self._base_url = base_url
        self.label = label or "Google Tasks"
        self._is_labelled = label is not None
        self._client: GoogleClient | None = None
        self._tasks: TaskList | None = None
        self._writer: Writer | None = None
        #: What Google said of the list last, and whether nothing was asked since.
        self._info: ListInfo | None = None
        #: The list that had this title in an earlier run, by its id.
        self._known_as: tuple[str, str] | None = None
        self._shows_places = True

    # -- a run --------------------------------------------------------------------------------------------

    def login(self) -> Login:
        """Who asks; the files are read when a run begins.

        Raises:
            SideError: there is no login.
        """
        key_file = self._key_file
        if key_file is None and self._token_file is None and os.environ.get("GOOGLE_TASKS_SERVICE_ACCOUNT"):
            key_file = Path(os.environ["GOOGLE_TASKS_SERVICE_ACCOUNT"]).expanduser()
        if key_file is not None:
            return service_login(key_file, self._subject)
        return user_login(self._token_file or usual_token_file())

    def make_client(self) -> GoogleClient:
        """The connection for one run; raises as `login` does."""
        base_url = self._base_url or os.environ.get("GOOGLE_TASKS_BASE_URL") or BASE_URL
        return GoogleClient(self.login(), base_url=base_url)

    def open(self) -> None:
        """Make the connection."""
        self._client = client = self.make_client()
        client.before_write = self.before_write

    async def close(self) -> None:
        """Close the connection."""
        client, self._client, self._tasks, self._info = self._client, None, None, None
        if client is not None:
            await client.close()

    def recall(self, remembered: Any, synced: Mapping[ID, Mapping[str, Any]]) -> None:
        """Take over which list had the title, so that it is found when it has another one."""
        if isinstance(remembered, dict) and isinstance(remembered.get("id"), str):
            self._known_as = str(remembered.get("title")), remembered["id"]

    def remembered(self) -> Any:
        """Which list it was."""
        return None if self._tasks is None else {"title": self._wanted, "id": self._tasks.id}

    def describe(self) -> Mapping[str, Attribute]:
        """The attributes of a task."""
        return ATTRIBUTES

    async def check(self, attributes: Collection[str]) -> None:
        """Find the list.

        Raises:
            TaskDefinitionError: tasks have no such attribute, or several lists have the title.
            SideError: Google cannot be reached or refuses the login, or there is no such list.
        """
        unknown = sorted(set(attributes) - set(ATTRIBUTES))
        if unknown:
            raise TaskDefinitionError(f"a task has no {', '.join(unknown)}, only {', '.join(ATTRIBUTES)}")
        self._shows_places = not PLACES.isdisjoint(attributes)
        await self._choose()

    async def _choose(self) -> TaskList:
        self._info = found = await self._find()
        if not self._is_labelled and found.title:
            self.label = f"the task list {found.title}"
        self._tasks = chosen = TaskList(self._open_client, found.id, self.label)
        return chosen

    async def _find(self) -> ListInfo:
        if self._wanted is None:
            found = await read_list(self._open_client, "@default")
            if found is None:
                raise SideError("Google shows no default task list: name one with `list`")
            return found
        lists = await find_lists(self._open_client)
        by_id = [one for one in lists if one.id == self._wanted]
        by_title = [one for one in lists if one.title == self._wanted]
        if not by_id and len(by_title) > 1:
            ids = ", ".join(one.id for one in by_title)
            raise TaskDefinitionError(
                f"{len(by_title)} task lists are called {self._wanted!r}: give an id ({ids})"
            )
        if not by_id and not by_title and self._known_as is not None and self._known_as[0] == self._wanted:
            by_id = [one for one in lists if one.id == self._known_as[1]]
        chosen = by_id or by_title
        if not chosen:
            titles = ", ".join(repr(one.title) for one in lists[:10]) or "none"
            raise SideError(f"there is no task list {self._wanted!r} in this account, only {titles}")
        return chosen[0]

    def scope(self) -> str:
        """The list, which `check` found."""
        return "" if self._tasks is None else self._tasks.id

    @property
    def _open_client(self) -> GoogleClient:
        if self._client is None:
            raise TaskDefinitionError("Google Tasks is not open, call open() first")
        return self._client

    async def _list(self) -> TaskList:
        return self._tasks or await self._choose()

    async def _writes(self) -> Writer:
        """What writes in this run, and knows what was written in it."""
        tasks = await self._list()
        if self._writer is None or self._writer.tasks is not tasks:
            self._writer = Writer(tasks)
        return self._writer

    # -- reading ------------------------------------------------------------------------------------------

    async def list(self) -> Listing:
        """All tasks that are not deleted."""
        return await gathered(self.pages())

    async def pages(self) -> AsyncIterator[Listing]:
        """The same, a hundred at a time.

        One that comes again was edited meanwhile at the most, and then it is among the changes.
        """
        tasks = await self._list()
        before = await self._state(tasks)
        seen: set[ID] = set()
        async for found in tasks.pages():
            live = [task for task in found.tasks.values() if not task.deleted and task.id not in seen]
            unreadable = {task_id: why for task_id, why in found.unreadable.items() if task_id not in seen}
            seen |= found.tasks.keys() | unreadable.keys()
            yield Listing(live, partial=found.partial, unreadable=unreadable)
        yield Listing(cursor=cursor_of(before))

    async def changes(self, cursor: Any) -> Changes:
        """What was edited or deleted since a cursor.

        A move leaves no trace in a task's own time. Where parents or positions are synced, all tasks are read as soon
        as the list has another version.

        Raises:
            CursorExpiredError: the cursor is of another list.
        """
        tasks = await self._list()
        since, version = read_cursor(cursor, tasks.id)
        now = await self._state(tasks)
        if self._shows_places and version is not None and version == now.etag:
            return Changes((), cursor=cursor)
        found = await tasks.read() if self._shows_places else Found({}, {})
        edited = await tasks.read(since=since)
        live = {**found.tasks, **edited.tasks}
        partial = edited.partial or found.partial
        return Changes(
            [task for task in live.values() if not task.deleted],
            [task.id for task in live.values() if task.deleted],
            cursor=cursor if partial else cursor_of(now),
            partial=partial,
            unreadable={**found.unreadable, **edited.unreadable},
        )

    async def _state(self, tasks: TaskList) -> ListInfo:
        """What Google says of the list before anything in it is read."""
        known, self._info = self._info, None
        if known is not None and not self._shows_places:
            return known
        now = await read_list(self._open_client, tasks.id)
        if now is None:
            raise SideError(f"{self.label} is gone: it was deleted, or belongs to another account")
        return now

    async def get(self, obj_id: ID) -> Task | None:
        """A task by its id; `None` where it is deleted, or not in this list."""
        found = await (await self._list()).get(obj_id)
        return None if found is None or found.deleted else found

    def known(self, obj_id: ID, values: Mapping[str, Any]) -> Any:
        """A task that was not edited since its values were synced; a write looks at it again by itself."""
        return recalled(obj_id, values) or NotImplemented

    async def is_gone(self, obj_id: ID) -> bool:
        """Whether Google shows the task as deleted; one that is not found may have been moved to another list."""
        found = await (await self._list()).get(obj_id)
        return found is not None and found.deleted

    # -- one task -----------------------------------------------------------------------------------------

    def id(self, obj: Task) -> ID:
        """Google's id."""
        return obj.id

    def key(self, obj: Task) -> str:
        """The title, without regard to case and space around it."""
        return title_key(obj.title)

    def edited(self, obj: Task) -> datetime | None:
        """When the task was edited last, in UTC; a move is no edit."""
        return obj.updated

    def values(self, obj: Task) -> dict[str, Any]:
        """Its attributes, `Opaque` where one cannot be read."""
        return values_of(obj)

    def title(self, obj: Task) -> str:
        """The title, in one line."""
        return " ".join(obj.title.split())

    def address(self, obj: Task) -> str | None:
        """Where it is shown in Google's own app."""
        return obj.web_view_link

    # -- writing ------------------------------------------------------------------------------------------

    async def create(self, key: str, values: Mapping[str, Any]) -> Task:
        """Make a task: the first of its siblings, or after the one that was made before in this run.

        Raises:
            ItemError: Google does not take a value.
            OutcomeUnknownError: it may have been made.
        """
        return await (await self._writes()).create(values)

    async def update(self, obj: Task, changes: Mapping[str, Any]) -> Task:
        """Set attributes and give the task as Google shows it then.

        Raises:
            PreconditionError: the task changed since it was read.
            UnfitError: Google does not take some of the values; nothing was sent.
            OutcomeUnknownError: it may have been written.
        """
        return await (await self._writes()).update(obj, changes)

    async def delete(self, obj: Task) -> None:
        """Delete the task, and keep its subtasks.

        Raises:
            PreconditionError: the task changed since it was read.
        """
        await (await self._writes()).delete(obj)

    async def restore(self, obj_id: ID) -> Task | None:
        """Take back a deletion; `None` where Google does not do that any more."""
        try:
            return await (await self._writes()).restore(obj_id)
        except RefusedError:
            return None


def usual_token_file() -> Path:
    """Where a login is kept that is given no other place."""
    said = os.environ.get("GOOGLE_TASKS_TOKEN_FILE")
    return Path(said).expanduser() if said else get_settings().state_dir / "google-tasks.json"
