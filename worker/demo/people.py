"""The two people of the demo: one works in Notion, the other in a to-do app that speaks CalDAV."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tasks.errors import PreconditionError
from tasks.services.caldav.collection.calendar import Calendar
from tasks.services.caldav.entries.codec import Entry
from tasks.services.caldav.entries.todo import TODOS
from tasks.services.caldav.server.client import CalDAVClient
from tasks.services.notion.api.client import NotionClient
from tasks.services.notion.api.throttle import LocalThrottle
from tasks.services.notion.columns.rich_text import plain
from tasks.services.notion.rows.rows import Rows
from worker.demo.content import Item
from worker.demo.stage import Stage


class Board:
    """The Notion data source, as the person sees it who works there."""

    def __init__(self, source: Rows) -> None:
        self._source = source

    async def add(self, item: Item) -> None:
        """Make a row."""
        await self._source.create(item.as_row())

    async def edit(self, name: str, properties: dict[str, Any]) -> None:
        """Change properties of the row with this name."""
        await self._source.update((await self.find(name))["id"], {"properties": properties})

    async def delete(self, name: str) -> None:
        """Move a row to the trash."""
        await self._source.trash((await self.find(name))["id"])

    async def find(self, name: str) -> dict[str, Any]:
        """The row with this name."""
        return next(page for page in await self._source.rows() if title(page) == name)

    async def names(self) -> set[str]:
        """The names of all rows."""
        return {title(page) for page in await self._source.rows()}


class Phone:
    """The calendar, as the person sees it who uses the to-do app."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar

    async def add(self, item: Item) -> None:
        """Make a to-do."""
        await self._calendar.create(str(uuid.uuid4()), item.as_todo())

    async def edit(self, name: str, changes: dict[str, Any]) -> None:
        """Change attributes of the to-do with this name; what the sync wrote meanwhile is kept."""
        for _ in range(10):
            try:
                await self._calendar.update(await self.find(name), changes)
            except PreconditionError:
                continue
            return

    async def delete(self, name: str) -> None:
        """Delete a to-do."""
        await self._calendar.delete(await self.find(name))

    async def find(self, name: str) -> Entry:
        """The to-do with this name."""
        todos: list[Entry] = await self._calendar.read_all()
        return next(todo for todo in todos if todo.values["summary"] == name)

    async def names(self) -> set[str]:
        """The names of all to-dos."""
        return {todo.values["summary"] for todo in await self._calendar.read_all()}


def title(page: dict[str, Any]) -> str:
    """The name of a row."""
    return plain(page["properties"]["Name"]["title"])


@asynccontextmanager
async def people(stage: Stage) -> AsyncIterator[tuple[Board, Phone]]:
    """Both people at work."""
    async with (
        NotionClient(
            stage.notion_token, base_url=stage.notion_url, throttle=LocalThrottle(rate=100, burst=100)
        ) as client,
        CalDAVClient(stage.calendar_url, stage.calendar_user, stage.calendar_password) as caldav,
    ):
        source = Rows(client, stage.data_source)
        await source.schema()
        yield Board(source), Phone(Calendar(caldav, TODOS))
