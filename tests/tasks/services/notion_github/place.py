"""One data source, one repository, and the task between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from sandbox.github import GitHub, Repository
from sandbox.notion import Person, Sandbox
from tasks.engine.report import Order, RunReport
from tasks.journal.file import FileJournal
from tasks.services.github import Client, Issues, Pace
from tasks.services.github.login import Login
from tasks.services.notion import DataSource, LocalThrottle, NotionClient
from tasks.two_way import TwoWay
from tests.sandbox.github.description import Described

COLUMNS: dict[str, Any] = {
    "Name": {"title": {}},
    "Status": {"status": {}},
    "Tags": {"multi_select": {"options": []}},
    "Milestone": {"select": {"options": []}},
    "Assignees": {"multi_select": {"options": []}},
    "Link": {"url": {}},
    "Number": {"number": {}},
}
MAPPING: dict[str, Any] = {
    "Name": "title",
    "page body": "body",
    "Status": "state",
    "Tags": "labels",
    "Milestone": "milestone",
    "Assignees": "assignees",
    "Link": {"to": "url", "only_to": "notion"},
    "Number": {"to": "number", "only_to": "notion"},
}


class FastRows(DataSource):
    """Rows as fast as the machine is."""

    settling = timedelta(0)
    at = ""

    def make_client(self) -> NotionClient:
        return NotionClient(
            SecretStr("ntn_test"),
            base_url=self.at,
            throttle=LocalThrottle(1000, 1000),
            first_delay=0.01,
            default_pause=0.01,
            transport=httpx.AsyncHTTPTransport(verify=False),  # no TLS, so no certificates to load
        )


class FastIssues(Issues):
    """Issues as fast as the machine is."""

    settling = timedelta(0)

    def make_client(self, login: Login) -> Client:
        return Client(self._url, login, pace=Pace(0), patience=10.0, first_delay=0.01, transport=Described())


@dataclass
class Place:
    """One data source, one repository, and the task between them."""

    sandbox: Sandbox
    github: GitHub
    person: Person
    source: str
    repository: Repository
    folder: Path
    #: How far the runs are ahead of the machine's time.
    ahead: timedelta = field(default_factory=timedelta)

    def task(self, **options: Any) -> TwoWay:
        rows = FastRows(self.source)
        rows.at = self.sandbox.url
        issues = FastIssues(self.repository.name, token="t0ken", url=self.github.url, **options)
        return TwoWay("issues", rows, issues, MAPPING)

    async def run(self, **options: Any) -> RunReport:
        order = Order(clock=lambda: datetime.now(UTC) + self.ahead)
        journal = FileJournal(self.folder / "issues.json")
        return await self.task(**options).run(journal, order=order)

    async def sync(self, *, note: str = "", **options: Any) -> dict[str, int]:
        """Run until nothing is left to do: number and link of a new issue reach Notion with the next run."""
        report = await self.run(**options)
        assert report.status == "succeeded", report.reason
        assert note in report.reason if note else not report.reason, report.reason
        await self.run(**options)
        again = await self.run(**options)
        assert (again.status, +again.outcome.counts) == ("succeeded", {}), again.plan.actions
        return dict(report.outcome.counts)

    def later(self, **time: float) -> None:
        """Let time pass for all."""
        self.ahead += timedelta(**time)
        self.github.clock.advance(timedelta(**time))

    # -- people -------------------------------------------------------------------------------------------

    def add_row(self, name: str, text: str | None = None, **cells: Any) -> str:
        made = self.person.create_page(self.source, {"Name": title(name), **cells}, text)
        return str(made["id"])

    def rows(self) -> dict[str, dict[str, Any]]:
        """What Notion shows, by title; `id` among it."""
        found = self.person.request("POST", f"data_sources/{self.source}/query", {"page_size": 100})
        return {row["Name"]: row for row in map(self._row, found["results"])}

    def _row(self, page: dict[str, Any]) -> dict[str, Any]:
        cells = page["properties"]
        body = self.person.request("GET", f"pages/{page['id']}/markdown")
        status, milestone = cells["Status"]["status"], cells["Milestone"]["select"]
        return {
            "id": page["id"],
            "Name": "".join(part["plain_text"] for part in cells["Name"]["title"]),
            "page body": body["markdown"].strip(),
            "Status": status["name"] if status else None,
            "Milestone": milestone["name"] if milestone else None,
            "Tags": sorted(option["name"] for option in cells["Tags"]["multi_select"]),
            "Assignees": sorted(option["name"] for option in cells["Assignees"]["multi_select"]),
            "Link": cells["Link"]["url"],
            "Number": cells["Number"]["number"],
        }

    def issues(self) -> dict[str, dict[str, Any]]:
        """What GitHub shows of issues, by title, closed ones as well."""
        found = {}
        for one in self.repository.here():
            marks = {mark.number: mark.title for mark in self.repository.milestones}
            found[one.title] = {
                "number": one.number,
                "body": (one.body or "").partition("<!-- lockstep:")[0].strip(),
                "state": one.state,
                "reason": one.reason,
                "labels": self.repository.label_names(one),
                "milestone": marks.get(one.milestone or 0),
                "assignees": sorted(one.assignees),
            }
        return found


def title(text: str) -> dict[str, Any]:
    return {"title": [{"text": {"content": text}}]}


def status(name: str) -> dict[str, Any]:
    return {"status": {"name": name}}


def tags(*names: str) -> dict[str, Any]:
    return {"multi_select": [{"name": name} for name in names]}
