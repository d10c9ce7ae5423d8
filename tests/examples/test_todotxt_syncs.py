"""The example of a service outside of ours, installed beside Lockstep and used by its commands."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.notion import Sandbox
from tests.examples.conftest import ROOT
from tests.harness import starting

pytestmark = pytest.mark.processes
COMMAND = (sys.executable, "-c", "from worker.cli import main; main()")
COLUMNS: dict[str, Any] = {
    "Name": {"title": {}},
    "Done": {"checkbox": {}},
    "Due": {"date": {}},
    "Tags": {"multi_select": {}},
    "Priority": {"select": {"options": [{"name": "High"}, {"name": "Low"}]}},
}
MAP = """
[sync.map]
Name = "text"
Done = "done"
Due = "due"
Tags = "contexts"
Priority = "priority"
"""


class Desk:
    """A person with rows in Notion and a todo.txt file."""

    def __init__(self, here: Path, sandbox: Sandbox, installed: Path) -> None:
        ours = ("LOCKSTEP_", "REDIS_URL", "DATABASE_URL", "NOTION_", "SENTRY_")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        path = os.pathsep.join([str(ROOT), str(installed)])
        self.env = {**clean, "PYTHONPATH": path, "COLUMNS": "100", "NO_COLOR": "1", "NOTION_TOKEN": "ntn_x"}
        self.env["NOTION_BASE_URL"] = sandbox.url
        self.here, self.file, self.archive = here, here / "todo.txt", here / "done.txt"
        self.archive.touch()
        headers = {"Authorization": "Bearer a-person", "Notion-Version": "2026-03-11"}
        self.notion = httpx.Client(base_url=f"{sandbox.url}/v1", headers=headers, timeout=30)
        parent = {"type": "workspace", "workspace": True}
        title = [{"text": {"content": "Chores"}}]
        body = {"parent": parent, "title": title, "initial_data_source": {"properties": COLUMNS}}
        self.source = self.notion.post("databases", json=body).json()["data_sources"][0]["id"]

    def lockstep(self, *arguments: str) -> str:
        done = starting.run([*COMMAND, *arguments], cwd=self.here, env=self.env, timeout=90)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def write_table(self, rest: str) -> None:
        table = f'[[sync]]\nname = "chores"\nevery = "5m"\n[sync.todotxt]\nfile = "{self.file}"\n'
        table += f'archive = "{self.archive}"\n[sync.notion]\ndata_source = "{self.source}"\n'
        (self.here / "lockstep.toml").write_text(table + rest)

    def add_row(self, name: str, **properties: Any) -> None:
        title = {"Name": {"title": [{"text": {"content": name}}]}}
        body = {"parent": {"data_source_id": self.source}, "properties": {**title, **properties}}
        self.notion.post("pages", json=body).raise_for_status()

    def rows(self) -> dict[str, dict[str, Any]]:
        """The rows by name."""
        found = self.notion.post(f"data_sources/{self.source}/query", json={}).json()["results"]
        return {
            "".join(run["plain_text"] for run in row["properties"]["Name"]["title"]): row for row in found
        }

    def change_row(self, name: str, **body: Any) -> None:
        self.notion.patch(f"pages/{self.rows()[name]['id']}", json=body).raise_for_status()

    def lines(self) -> list[str]:
        """The lines of the file, without ids and the days on which they were made."""
        words = [line.split() for line in self.file.read_text().splitlines()]
        return sorted(" ".join(word for word in line if not word.startswith(("id:", "20"))) for line in words)


@pytest.fixture
def desk(tmp_path: Path, todotxt: Path) -> Iterator[Desk]:
    here = tmp_path / "here"
    here.mkdir()
    with Sandbox(tmp_path / "notion.db") as sandbox:
        desk = Desk(here, sandbox, todotxt)
        yield desk
        desk.notion.close()


def test_it_is_listed_with_its_distribution(desk: Desk) -> None:
    assert {"todotxt", "lockstep-todotxt", "notion"} <= set(desk.lockstep("services").split())
    data = json.loads(desk.lockstep("services", "todotxt", "--json"))
    assert data["distributions"] == ["lockstep-todotxt 1.0"]
    assert [one["option"] for one in data["options"] if one["required"]] == ["file"]
    assert {one["attribute"]: one["meaning"] for one in data["attributes"]}["text"] == "title"


def test_it_is_kept_in_step_with_notion(desk: Desk) -> None:
    desk.file.write_text("(A) Call Ada @phone due:2026-12-01\nWater the plants +garden\n\nx Buy milk\n")
    desk.add_row(
        "Bake bread", Due={"date": {"start": "2026-12-24"}}, Tags={"multi_select": [{"name": "kitchen"}]}
    )
    desk.write_table(MAP)
    before = desk.file.read_text()
    assert "Bake bread" in desk.lockstep("plan", "chores")
    assert desk.file.read_text() == before, "a plan writes nothing"
    desk.lockstep("run", "chores")
    rows = desk.rows()
    assert rows.keys() == {"Call Ada", "Water the plants", "Buy milk", "Bake bread"}
    ada = rows["Call Ada"]["properties"]
    assert ada["Due"]["date"]["start"] == "2026-12-01"
    assert [tag["name"] for tag in ada["Tags"]["multi_select"]] == ["phone"]
    assert ada["Priority"]["select"]["name"] == "High"
    assert rows["Buy milk"]["properties"]["Done"]["checkbox"]
    assert desk.lines() == [
        "", "(A) Call Ada @phone due:2026-12-01", "Bake bread @kitchen due:2026-12-24", "Water the plants +garden",
        "x Buy milk",
    ]  # fmt: skip

    desk.change_row("Call Ada", properties={"Done": {"checkbox": True}})
    desk.change_row("Bake bread", in_trash=True)
    text = desk.file.read_text().replace("Water the plants", "Water all plants")
    kept = [line for line in text.splitlines(keepends=True) if "Buy milk" not in line]
    desk.file.write_text("".join(kept) + "Learn Esperanto\n")
    desk.lockstep("run", "chores")
    assert desk.rows().keys() == {"Call Ada", "Water all plants", "Learn Esperanto"}
    assert desk.lines() == [
        "",
        "Learn Esperanto",
        "Water all plants +garden",
        "x Call Ada @phone due:2026-12-01 pri:A",
    ]

    done = [line for line in desk.file.read_text().splitlines(keepends=True) if line.startswith("x ")]
    desk.archive.write_text("".join(done))
    desk.file.write_text(desk.file.read_text().replace(done[0], ""))
    desk.lockstep("run", "chores")
    assert "Call Ada" in desk.rows(), "what was archived was not deleted"


def test_the_table_of_its_page_is_whole(desk: Desk) -> None:
    page = (ROOT / "examples/lockstep-todotxt/README.md").read_text("utf-8")
    (shown,) = page.split("```toml\n")[1:]
    text = shown.partition("```")[0].replace('"https://www.notion.so/…"', f'"{desk.source}"')
    (desk.here / "lockstep.toml").write_text(text.replace("~/", f"{desk.here}/"))
    desk.file.write_text("Call Ada @phone\n")
    assert "Call Ada" in desk.lockstep("plan", "chores")
