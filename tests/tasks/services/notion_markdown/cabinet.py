"""A files property of Notion and the attachments of a folder, and what moves between them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from sandbox.notion import Sandbox
from tasks.engine.report import RunReport
from tasks.journal.file import FileJournal
from tasks.services.markdown import Folder
from tasks.services.notion import DataSource, LocalThrottle, NotionClient
from tasks.two_way import TwoWay
from tests.tasks.services.notion.conftest import NO_TLS

COLUMNS: dict[str, Any] = {"Name": {"title": {}}, "Files": {"files": {}}, "Effort": {"number": {}}}
MAPPING = {"Name": "title", "Files": "files", "Effort": "effort"}
FIELDS = {"files": "file", "effort": "number"}


class Near(DataSource):
    """A data source of a workspace on this machine, with a network that is tried again at once."""

    url = ""

    def make_client(self) -> NotionClient:
        return NotionClient(
            SecretStr("ntn_test"),
            base_url=self.url,
            throttle=LocalThrottle(10_000, 10_000),
            transport=httpx.AsyncHTTPTransport(verify=NO_TLS),
            first_delay=0.001,
            repeats=3,
        )


@dataclass
class Cabinet:
    """One data source, one folder, and the task between them."""

    sandbox: Sandbox
    source: str
    notes: Path
    journal: Path
    rows_options: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    mapping: dict[str, Any] = field(default_factory=lambda: dict(MAPPING))
    #: Gives the text at an address.
    get: Callable[[str], str] = lambda url: httpx.get(url, verify=NO_TLS).text

    def rows_side(self) -> Near:
        side = Near(self.source, **self.rows_options)
        side.url, side.settling = self.sandbox.url, timedelta(0)
        return side

    def folder(self) -> Folder:
        return Folder(self.notes, **{"fields": FIELDS, **self.options})

    def task(self) -> TwoWay:
        return TwoWay("files", self.rows_side(), self.folder(), self.mapping)

    async def run(self) -> RunReport:
        return await self.task().run(FileJournal(self.journal))

    async def sync(self) -> dict[str, int]:
        """Run twice: the first does the work, the second finds none, and moves no byte."""
        report = await self.run()
        assert report.status == "succeeded", report.reason
        self.sandbox.counters.reset()
        again = await self.run()
        assert (again.status, dict(+again.outcome.counts)) == ("succeeded", {}), again.reason
        assert self.moved() == (0, 0)
        return dict(report.outcome.counts)

    def moved(self) -> tuple[int, int]:
        """How many files were sent to Notion, and how many fetched from there, since the counters began."""
        counters = self.sandbox.counters
        return counters.total("POST /v1/file_uploads/{id}/send"), counters.total("GET /_files/")

    # -- in Notion ------------------------------------------------------------------------------------------

    def add_row(self, title: str, **files: str) -> str:
        """A row with files of these texts, by name with `_` for the dot."""
        ada = self.sandbox.person("Ada")
        page = ada.create_page(self.source, {"Name": {"title": [{"text": {"content": title}}]}})["id"]
        for name, text in files.items():
            ada.add_file(page, "Files", name.replace("_", "."), text)
        return str(page)

    def entries(self, page: str) -> list[dict[str, Any]]:
        """The files of a row, as Notion shows them."""
        shown = self.sandbox.person("Ada").request("GET", f"pages/{page}")["properties"]["Files"]["files"]
        return list(shown)

    def row_files(self, page: str) -> dict[str, str]:
        """The texts of a row's files by name, of links their addresses."""
        found: dict[str, str] = {}
        for entry in self.entries(page):
            assert entry["name"] not in found, f"there twice: {entry['name']}"
            if entry["type"] == "external":
                found[entry["name"]] = entry["external"]["url"]
            else:
                found[entry["name"]] = self.get(entry["file"]["url"])
        return found

    def rows(self) -> dict[str, str]:
        """Ids of rows by title."""
        answer = self.sandbox.person("Ada").request("POST", f"data_sources/{self.source}/query", {})
        titles = [
            (row["properties"]["Name"]["title"][0]["plain_text"], row["id"]) for row in answer["results"]
        ]
        assert len(dict(titles)) == len(titles), f"there twice: {titles}"
        return dict(titles)

    def set_files(self, page: str, entries: list[dict[str, Any]]) -> None:
        """A person leaves these files in a row."""
        self.sandbox.person("Ada").edit_page(page, {"Files": {"files": entries}})

    # -- at the folder --------------------------------------------------------------------------------------

    def write(self, path: str, text: str | bytes) -> Path:
        """A person writes a file, in place."""
        file = self.notes / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        return file

    def note(self, path: str, *links: str) -> Path:
        """A note with these links in its list of files."""
        lines = "".join(f'  - "{link}"\n' for link in links)
        return self.write(path, f"---\nfiles:\n{lines}---\ntext\n" if links else "text\n")

    def read(self, path: str) -> str:
        return (self.notes / path).read_bytes().decode()

    def attachments(self) -> dict[str, str]:
        """Texts of all files that are no notes, by path."""
        return {
            path.relative_to(self.notes).as_posix(): path.read_bytes().decode()
            for path in sorted(self.notes.rglob("*"))
            if path.is_file() and path.suffix != ".md" and ".trash" not in path.parts
        }

    def note_files(self, title: str) -> dict[str, str]:
        """The texts of a note's files by name, of links their addresses."""
        found = self.note_list(title)
        assert len(dict(found)) == len(found), f"there twice: {found}"
        return dict(found)

    def note_list(self, title: str) -> list[tuple[str, str]]:
        """The names and texts of a note's files, as the side shows them."""
        side = self.folder()
        side.open()
        try:
            side.recall(None, {})
            side.describe()
            (note,) = [note for note in side.list() if note.title == title]
        finally:
            side.close()
        found: list[tuple[str, str]] = []
        for file in note.values["files"]:
            if file.address is not None:
                found.append((file.name, file.address))
                continue
            data = (self.notes / file.place).read_bytes()
            assert file.content == f"sha256:{hashlib.sha256(data).hexdigest()}"
            found.append((file.name, data.decode()))
        return found
