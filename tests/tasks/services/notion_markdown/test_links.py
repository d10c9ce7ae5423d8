"""Links between notes and a relation between rows, where both ends of a link are made or renamed in one run."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from sandbox.notion import Sandbox
from tasks.engine.report import RunReport
from tasks.journal.file import FileJournal
from tasks.services.markdown import Folder
from tasks.services.notion import DataSource, LocalThrottle
from tasks.two_way import TwoWay
from tests.tasks.services.notion.person import Person


@dataclass
class Links:
    """Notes with a key that links to notes, and rows with a relation to rows of their own."""

    person: Person
    source: str
    notes: Path
    journal: Path

    async def sync(self) -> dict[str, int]:
        """A run that does the work, and one that finds none."""
        counts = [dict(+(await self._run()).outcome.counts) for _ in range(3)]
        assert counts[-1] == {}, counts
        return counts[0]

    async def _run(self) -> RunReport:
        rows = DataSource(
            self.source,
            token=SecretStr("ntn_test"),
            base_url=self.person.url,
            throttle=LocalThrottle(1000, 1000),
        )
        rows.settling = timedelta(0)
        mapping = {"Name": "title", "Parent item": "parent"}
        task = TwoWay("notes", rows, Folder(self.notes, fields={"parent": "reference"}), mapping)
        report = await task.run(FileJournal(self.journal))
        assert report.status == "succeeded", report.reason
        return report

    def write(self, title: str, parent: str = "") -> None:
        link = f'parent: "[[{parent}]]"\n' if parent else ""
        (self.notes / f"{title}.md").write_text(f"---\n{link}---\ntext of {title}\n")

    def linked(self) -> dict[str, list[str]]:
        """By title of each note, those to which it links."""
        return {
            path.stem: re.findall(r"\[\[(.+?)\]\]", path.read_text().split("---\n")[1])
            for path in self.notes.glob("*.md")
        }

    async def rows(self) -> dict[str, dict[str, str | list[str]]]:
        found = await self.person.send("POST", f"data_sources/{self.source}/query", {})
        titles = {row["id"]: row["properties"]["Name"]["title"][0]["plain_text"] for row in found["results"]}
        return {
            titles[row["id"]]: {
                "id": row["id"],
                "parents": [titles[one["id"]] for one in row["properties"]["Parent item"]["relation"]],
            }
            for row in found["results"]
        }


@pytest.fixture
async def links(tmp_path: Path) -> AsyncIterator[Links]:
    notes = tmp_path / "Notes"
    notes.mkdir()
    with Sandbox(tmp_path / "notion.db") as sandbox:
        async with httpx.AsyncClient() as client:
            person = Person(sandbox.url, client)
            source = await person.make_data_source("Notes", {"Name": {"title": {}}})
            relation = {"data_source_id": source, "type": "single_property", "single_property": {}}
            await person.patch_columns(source, {"Parent item": {"relation": relation}})
            yield Links(person, source, notes, tmp_path / "journal.json")


async def test_both_ends_of_a_link_are_made_in_one_run(links: Links) -> None:
    links.write("leaf", "twig")
    links.write("twig")
    root = await links.person.make_page(links.source, Name=Person.text("root"))
    relation = {"relation": [{"id": root}]}
    await links.person.make_page(links.source, Name=Person.text("branch"), **{"Parent item": relation})
    await links.sync()
    parents = {title: row["parents"] for title, row in (await links.rows()).items()}
    assert parents == {"leaf": ["twig"], "twig": [], "root": [], "branch": ["root"]}
    assert links.linked() == parents


async def test_both_ends_of_a_link_are_renamed_in_one_run(links: Links) -> None:
    links.write("leaf", "twig")
    links.write("twig")
    links.write("bud", "twig")
    await links.sync()
    rows = await links.rows()
    # One end in Notion, the other one on disk, where a program sets the links to it.
    await links.person.edit(str(rows["leaf"]["id"]), Name=Person.text("new leaf"))
    (links.notes / "twig.md").rename(links.notes / "new twig.md")
    for name in ("leaf", "bud"):
        file = links.notes / f"{name}.md"
        file.write_text(file.read_text().replace("[[twig]]", "[[new twig]]"))
    await links.sync()
    parents = {title: row["parents"] for title, row in (await links.rows()).items()}
    assert parents == {"new leaf": ["new twig"], "new twig": [], "bud": ["new twig"]}
    assert links.linked() == parents
    # Both in Notion.
    rows = await links.rows()
    for title in ("new leaf", "new twig"):
        await links.person.edit(str(rows[title]["id"]), Name=Person.text(title.replace("new", "old")))
    await links.sync()
    parents = {title: row["parents"] for title, row in (await links.rows()).items()}
    assert parents == {"old leaf": ["old twig"], "old twig": [], "bud": ["old twig"]}
    # The files are as they were, and what leads to the old name leads there on, until somebody has that name.
    assert links.linked() == {"old leaf": ["new twig"], "bud": ["new twig"], "old twig": []}
    links.write("new twig")
    await links.sync()
    parents = {title: row["parents"] for title, row in (await links.rows()).items()}
    assert parents["bud"] == parents["old leaf"] == ["new twig"]
