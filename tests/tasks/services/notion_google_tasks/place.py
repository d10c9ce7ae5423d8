"""One data source, one task list, the task between them, and people at both."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from sandbox.google_tasks import GoogleTasks
from sandbox.notion import Person, Sandbox
from tasks import TwoWay
from tasks.engine.report import Order, RunReport
from tasks.errors import SideError
from tasks.journal.file import FileJournal
from tasks.services.notion import DataSource, LocalThrottle, NotionClient
from tests.tasks.services.google_tasks.near import NO_TLS, Near

COLUMNS: dict[str, Any] = {
    "Task": {"title": {}},
    "Notes": {"rich_text": {}},
    "Due": {"date": {}},
    "Status": {"status": {}},
}
MAPPING = {"Task": "title", "Notes": "notes", "Due": "due", "Status": "status"}

#: So many runs, and hours, lie between two full listings.
FULL_EVERY = 5
PACE = LocalThrottle(10_000, 10_000)


class NearRows(DataSource):
    """A data source of a workspace on this machine, which needs no patience."""

    url = ""
    settling = timedelta(0)

    def make_client(self) -> NotionClient:
        transport = httpx.AsyncHTTPTransport(verify=NO_TLS)
        return NotionClient(
            SecretStr("ntn_x"), base_url=self.url, throttle=PACE, transport=transport, first_delay=0.01,
            default_pause=0.01,
        )  # fmt: skip


@dataclass
class Place:
    """One data source, one task list, the task between them, and people at both."""

    notion: Sandbox
    google: GoogleTasks
    person: Person
    source: str
    token_file: Path
    #: By which the runs' clock is ahead of the real one.
    ahead: timedelta = field(default=timedelta(0))

    def task(self, mapping: dict[str, Any] | None = None) -> TwoWay:
        rows = NearRows(self.source)
        rows.url = self.notion.url
        tasks = Near(token_file=self.token_file, base_url=self.google.url)
        tasks.patience = 0.2
        tasks.settling = timedelta(0)  # type: ignore[misc]
        task = TwoWay("todos", rows, tasks, mapping)
        task.full_listing_every = timedelta(hours=FULL_EVERY)
        return task

    async def run(self, mapping: dict[str, Any] | None = None) -> RunReport:
        """One run; an hour later than the one before, so that what failed is tried again."""
        self.ahead += timedelta(hours=1)
        order = Order(clock=lambda: datetime.now(UTC) + self.ahead)
        return await self.task(mapping).run(FileJournal(self.token_file.parent / "todos.json"), order=order)

    async def sync(self, mapping: dict[str, Any] | None = None, *, note: str = "") -> dict[str, int]:
        """Run twice: the first does the work, the second must find none left."""
        report = await self.run(mapping)
        assert report.status == "succeeded"
        assert note in report.reason if note else report.reason == ""
        again = await self.run(mapping)
        assert again.status == "succeeded"
        assert not +again.outcome.counts
        return dict(report.outcome.counts)

    async def tried(self) -> bool:
        """Whether a run in bad times came to a good end."""
        try:
            return (await self.run()).status == "succeeded"
        except SideError:
            return False

    def pass_time(self, by: timedelta) -> None:
        """Let time pass at both services."""
        for clock in (self.google.clock, self.notion.clock):
            clock.advance(by)

    # -- people -------------------------------------------------------------------------------------------

    def add_row(self, title: str, **values: Any) -> str:
        return str(self.person.create_page(self.source, properties(Task=title, **values))["id"])

    def edit_row(self, row: str, **values: Any) -> None:
        self.person.edit_page(row, properties(**values))

    def rows(self) -> list[dict[str, Any]]:
        """The id and the plain values of each row."""
        found: list[Any] = []
        body: dict[str, Any] = {"page_size": 100}
        while True:
            page = self.person.request("POST", f"data_sources/{self.source}/query", body)
            found += page["results"]
            if not page["has_more"]:
                return [{"id": row["id"], **plain(row["properties"])} for row in found]
            body["start_cursor"] = page["next_cursor"]

    def row(self, title: str) -> dict[str, Any]:
        (found,) = (one for one in self.rows() if one["Task"] == title)
        return found

    def add_task(self, title: str, **fields: Any) -> str:
        return str(self.google.account.insert({"title": title, **fields})["id"])

    def edit_task(self, task_id: str, **fields: Any) -> None:
        self.google.account.patch(task_id, fields)

    def tasks(self) -> list[dict[str, Any]]:
        return self.google.account.listed("@default", {"showHidden": "true"})

    def other_list(self) -> str:
        return str(self.google.account.insert_list("Other")["id"])

    def listed_task(self, title: str) -> dict[str, Any]:
        (found,) = (one for one in self.tasks() if one["title"] == title)
        return found


def properties(**values: Any) -> dict[str, Any]:
    make: dict[str, Any] = {
        "Task": lambda value: {"title": [{"text": {"content": value}}]},
        "Notes": lambda value: {"rich_text": [{"text": {"content": value}}] if value else []},
        "Due": lambda value: {"date": {"start": value} if value else None},
        "Status": lambda value: {"status": {"name": value}},
    }
    return {name: make[name](value) for name, value in values.items()}


def plain(shown: dict[str, Any]) -> dict[str, Any]:
    def text(runs: list[Any]) -> str:
        return "".join(run["plain_text"] for run in runs)

    return {
        "Task": text(shown["Task"]["title"]),
        "Notes": text(shown["Notes"]["rich_text"]),
        "Due": shown["Due"]["date"]["start"] if shown["Due"]["date"] else None,
        "Status": shown["Status"]["status"]["name"] if shown["Status"]["status"] else None,
    }
