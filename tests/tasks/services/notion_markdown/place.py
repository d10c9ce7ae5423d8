"""One data source, one folder of notes, and the task between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from tasks.engine.report import RunReport
from tasks.journal.file import FileJournal
from tasks.services.markdown import Folder
from tasks.services.notion import DataSource, LocalThrottle
from tasks.two_way import TwoWay
from tests.tasks.services.notion.person import Person

COLUMNS: dict[str, Any] = {
    "Name": {"title": {}},
    "Due": {"date": {}},
    "Effort": {"number": {}},
    "Done": {"checkbox": {}},
    "Tags": {"multi_select": {"options": []}},
    "Status": {"select": {"options": [{"name": "Open"}, {"name": "Closed"}]}},
}
MAPPING = {
    "Name": "title",
    "page body": "content",
    "Due": "due",
    "Effort": "effort",
    "Done": "done",
    "Tags": "tags",
    "Status": "status",
}
FIELDS = {"due": "moment", "effort": "number", "done": "yes/no", "tags": "choices", "status": "choice"}


@dataclass
class Place:
    """One data source, one folder of notes, and the task between them."""

    person: Person
    source: str
    notes: Path
    journal: Path
    options: dict[str, Any] = field(default_factory=dict)

    def rows_side(self) -> DataSource:
        side = DataSource(
            self.source,
            token=SecretStr("ntn_test"),
            base_url=self.person.url,
            throttle=LocalThrottle(1000, 1000),
        )
        side.settling = timedelta(0)  # what was made here is listed at once
        return side

    def folder(self) -> Folder:
        return Folder(self.notes, **{"fields": FIELDS, **self.options})

    def task(self) -> TwoWay:
        return TwoWay("notes", self.rows_side(), self.folder(), MAPPING)

    async def run(self) -> RunReport:
        return await self.task().run(FileJournal(self.journal))

    async def sync(self, *, odd: str = "") -> dict[str, int]:
        """Run twice: the first does the work, the second must find none left but what cannot be read."""
        report = await self.run()
        assert report.status == ("incomplete" if odd else "succeeded"), report.reason
        assert odd in report.reason if odd else not report.reason, report.reason
        again = await self.run()
        assert again.status == report.status, again.reason
        assert not +again.outcome.counts
        return dict(report.outcome.counts)

    async def rows(self) -> dict[str, dict[str, Any]]:
        """What the rows show, by title."""
        side = self.rows_side()
        await side.open()
        try:
            side.recall(None, {})
            await side.describe()
            await side.check(MAPPING)
            return {page.title: {"id": page.id, **page.values} for page in await side.list()}
        finally:
            await side.close()

    async def type(self, page_id: str, text: str) -> None:
        """A person writes the content of a page anew."""
        body = {"type": "replace_content", "replace_content": {"new_str": text}}
        await self.person.send("PATCH", f"pages/{page_id}/markdown", body)

    def write(self, path: str, text: str) -> Path:
        """A person writes a file, in place."""
        file = self.notes / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="")
        return file

    def read(self, path: str) -> str:
        return (self.notes / path).read_bytes().decode()

    def files(self) -> list[str]:
        """The paths of all notes."""
        found = (path.relative_to(self.notes) for path in self.notes.rglob("*.md"))
        return sorted(
            path.as_posix() for path in found if not any(part.startswith(".") for part in path.parts)
        )
