"""The example of a vault of Obsidian: its table, as it stands there, keeps a data source and a vault in step."""

from __future__ import annotations

import os
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.notion import Sandbox
from tests.examples.conftest import ROOT
from tests.harness import starting

pytestmark = pytest.mark.processes
EXAMPLE = ROOT / "examples/notion-obsidian"
COMMAND = (sys.executable, "-c", "from worker.cli import main; main()")
COLUMNS: dict[str, Any] = {
    "Name": {"title": {}},
    "Due": {"date": {}},
    "Done": {"checkbox": {}},
    "Tags": {"multi_select": {}},
    "Effort": {"number": {}},
    "Folder": {"rich_text": {}},
}


class Desk:
    """A person with rows in Notion and a vault."""

    def __init__(self, here: Path, sandbox: Sandbox) -> None:
        ours = ("LOCKSTEP_", "REDIS_URL", "DATABASE_URL", "NOTION_", "SENTRY_")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        self.env = {**clean, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "NOTION_BASE_URL": sandbox.url}
        self.here, self.vault = here, here / "Notes"
        headers = {"Authorization": "Bearer a-person", "Notion-Version": "2026-03-11"}
        self.notion = httpx.Client(base_url=f"{sandbox.url}/v1", headers=headers, timeout=30)
        title = [{"text": {"content": "Notes"}}]
        body = {"parent": {"type": "workspace", "workspace": True}, "title": title}
        made = self.notion.post("databases", json={**body, "initial_data_source": {"properties": COLUMNS}})
        self.source = made.json()["data_sources"][0]["id"]

    def lockstep(self, *arguments: str) -> str:
        done = starting.run([*COMMAND, *arguments], cwd=self.here, env=self.env, timeout=90)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def rows(self) -> dict[str, dict[str, Any]]:
        """The rows by name."""
        found = self.notion.post(f"data_sources/{self.source}/query", json={}).json()["results"]
        return {
            "".join(run["plain_text"] for run in row["properties"]["Name"]["title"]): row for row in found
        }

    def content(self, name: str) -> str:
        return str(self.notion.get(f"pages/{self.rows()[name]['id']}/markdown").json()["markdown"])


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    here = tmp_path / "here"
    here.mkdir()
    with Sandbox(tmp_path / "notion.db") as sandbox:
        desk = Desk(here, sandbox)
        yield desk
        desk.notion.close()


def test_a_vault_and_a_data_source_are_kept_in_step(desk: Desk) -> None:
    table = (EXAMPLE / "lockstep.toml").read_text("utf-8")
    table = table.replace('"https://www.notion.so/…"', f'"{desk.source}"').replace("~/", f"{desk.here}/")
    (desk.here / "lockstep.toml").write_text(table)
    (token,) = re.findall(r"^ +(NOTION_TOKEN=\S+)$", (EXAMPLE / "README.md").read_text("utf-8"), re.MULTILINE)
    (desk.here / ".env").write_text(token.replace("…", "x") + "\n")
    (desk.vault / "Work").mkdir(parents=True)
    (desk.vault / ".obsidian").mkdir()
    (desk.vault / ".obsidian/app.json").write_text("{}")
    note = desk.vault / "Work/Plan.md"
    text = '---\ndue: 2026-12-24T18:00:00   # at home\naliases: ["the plan"]\ntags:\n  - home\n---\n- one\n- two\n'
    note.write_text(text)
    body = {"parent": {"data_source_id": desk.source}, "markdown": "Call *Ada*"}
    title = {"Name": {"title": [{"text": {"content": "Ada: call?"}}]}, "Effort": {"number": 2}}
    desk.notion.post("pages", json={**body, "properties": title}).raise_for_status()

    assert "Plan" in desk.lockstep("plan", "notes")
    assert note.read_text() == text, "a plan writes nothing"
    desk.lockstep("run", "notes")
    plan = desk.rows()["Plan"]["properties"]
    assert plan["Due"]["date"]["start"] == "2026-12-24T17:00:00.000+00:00"
    assert [tag["name"] for tag in plan["Tags"]["multi_select"]] == ["home"]
    assert plan["Folder"]["rich_text"][0]["plain_text"] == "Work"
    assert desk.content("Plan") == "- one\n- two"
    made = desk.vault / "From Notion/Ada- call-.md"
    assert "effort: 2\n" in made.read_text()
    assert made.read_text().endswith("---\nCall *Ada*\n")

    note.rename(desk.vault / "Work/Great plan.md")
    made.write_text(made.read_text().replace("effort: 2", "effort: 3 # or so"))
    row = desk.rows()["Plan"]["id"]
    desk.notion.patch(f"pages/{row}", json={"properties": {"Done": {"checkbox": True}}}).raise_for_status()
    desk.lockstep("run", "notes")
    rows = desk.rows()
    assert rows.keys() == {"Great plan", "Ada: call?"}
    assert rows["Great plan"]["id"] == row
    assert rows["Ada: call?"]["properties"]["Effort"]["number"] == 3
    lines = (desk.vault / "Work/Great plan.md").read_text()
    assert lines.startswith(text.partition("---\n-")[0] + "done: true\nlockstep_id: ")


def test_its_readme_names_what_its_map_needs() -> None:
    page = (EXAMPLE / "README.md").read_text("utf-8")
    mapped = tomllib.loads((EXAMPLE / "lockstep.toml").read_text("utf-8"))["sync"][0]["map"]
    assert set(re.findall(r"`([A-Z]\w+)` \(", page)) == mapped.keys() - {"page body"}
