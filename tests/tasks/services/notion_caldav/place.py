"""One data source, one calendar, and the task between them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from pydantic import SecretStr

from tasks.engine.report import RunReport
from tasks.journal.file import FileJournal
from tasks.policies import Said
from tasks.services.caldav import (
    TODOS,
    CalDAVClient,
    Calendar,
    Entry,
    Todos,
)
from tasks.services.caldav.radicale_server import RadicaleServer
from tasks.services.notion import DataSource, LocalThrottle
from tasks.two_way import TwoWay
from tests.tasks.services.notion.person import Person

COLUMNS: dict[str, Any] = {
    "Task": {"title": {}},
    "Notes": {"rich_text": {}},
    "Due": {"date": {}},
    "Status": {"status": {}},
    "Priority": {"select": {"options": [{"name": "High"}, {"name": "Medium"}, {"name": "Low"}]}},
    "Tags": {"multi_select": {"options": []}},
    "Link": {"url": {}},
}


ATTR_MAP = {
    "Task": "summary",
    "Notes": "description",
    "Due": "due",
    "Status": "status",
    "Priority": "priority",
    "Tags": "categories",
    "Link": "url",
}


@dataclass
class Place:
    """One data source, one calendar, and the task between them."""

    person: Person
    radicale: RadicaleServer
    source: str
    calendar_url: str
    folder: Path

    def rows_side(self) -> DataSource:
        return DataSource(
            self.source,
            token=SecretStr("ntn_test"),
            base_url=self.person.url,
            throttle=LocalThrottle(1000, 1000),
        )

    def task(
        self, mapping: dict[str, Any] | None = None, said: Said | None = None, **calendar: Any
    ) -> TwoWay:
        login = {"username": self.radicale.username, "password": self.radicale.password}
        todos = Todos(self.calendar_url, **{**login, **calendar})
        return TwoWay("todos", self.rows_side(), todos, mapping, **(said or {}))

    async def run(self, mapping: dict[str, Any] | None = None, **calendar: Any) -> RunReport:
        return await self.task(mapping, **calendar).run(FileJournal(self.folder / "todos.json"))

    async def sync(self, mapping: dict[str, Any] | None = None, *, odd: str = "") -> dict[str, int]:
        """Run twice: the first does the work, the second must find none left but what cannot be read."""
        for_both = "incomplete" if odd else "succeeded"
        report = await self.run(mapping)
        assert report.status == for_both
        assert odd in report.reason if odd else report.reason == ""
        again = await self.run(mapping)
        assert again.status == for_both
        assert not +again.outcome.counts
        return dict(report.outcome.counts)

    async def todos(self) -> dict[str, Entry]:
        async with self.client() as client:
            listing = await Calendar(client, TODOS).read_all()
        return {todo.values["summary"]: todo for todo in listing}

    @property
    def calendar_label(self) -> str:
        """As messages name the calendar: radicale calls it after its place."""
        return f"the calendar {self.calendar_url.removeprefix(self.radicale.url).strip('/')}"

    def client(self) -> CalDAVClient:
        return CalDAVClient(self.calendar_url, self.radicale.username, SecretStr(self.radicale.password))

    def put(self, href: str, text: str) -> None:
        """What another app does."""
        with self.radicale.http() as http:
            http.put(
                href, content=text.encode(), headers={"Content-Type": "text/calendar"}
            ).raise_for_status()

    async def add_lines(self, summary: str, *lines: str) -> Entry:
        """Lines of another app in a to-do."""
        todo = (await self.todos())[summary]
        self.put(todo.href, todo.text.replace("END:VTODO", "\r\n".join([*lines, "END:VTODO"])))
        return (await self.todos())[summary]

    async def make_todo(self, **values: Any) -> Entry:
        async with self.client() as client:
            return await Calendar(client, TODOS).create(str(uuid4()), values)

    async def edit_todo(self, summary: str, /, **changes: Any) -> None:
        todo = (await self.todos())[summary]
        async with self.client() as client:
            await Calendar(client, TODOS).update(todo, changes)

    async def delete_todo(self, summary: str) -> None:
        todo = (await self.todos())[summary]
        async with self.client() as client:
            await Calendar(client, TODOS).delete(todo)

    async def rows(self) -> dict[str, dict[str, Any]]:
        side = self.rows_side()
        await side.open()
        try:
            side.recall(None, {})
            await side.describe()
            await side.check(ATTR_MAP)
            return {page.title: {"id": page.id, **page.values} for page in await side.list()}
        finally:
            await side.close()


def page(title: str, **others: Any) -> dict[str, Any]:
    return {"Task": Person.text(title), **others}
