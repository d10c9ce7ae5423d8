"""The examples of two data sources, and of three systems around one: their tables as they stand there."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.examples.conftest import ROOT
from tests.examples.test_notion_obsidian import Desk
from tests.examples.test_notion_obsidian import desk as desk

pytestmark = pytest.mark.processes
LINK = '"https://www.notion.so/…"'


def set_up(desk: Desk, example: str, *sources: str) -> str:
    """The table with the places of a test in it, and the login that the README tells of; the README."""
    page = (ROOT / "examples" / example / "README.md").read_text("utf-8")
    table = (ROOT / "examples" / example / "lockstep.toml").read_text("utf-8").replace("~/", f"{desk.here}/")
    assert table.count(LINK) == len(sources)
    for source in sources:
        table = table.replace(LINK, f'"{source}"', 1)
    (desk.here / "lockstep.toml").write_text(table)
    (token,) = re.findall(r"^ +(NOTION_TOKEN=\S+)$", page, re.MULTILINE)
    (desk.here / ".env").write_text(token.replace("…", "x") + "\n")
    return page


def add(desk: Desk, source: str, title: str, name: str, **properties: Any) -> None:
    body = {"parent": {"data_source_id": source}}
    named = {title: {"title": [{"text": {"content": name}}]}, **properties}
    desk.notion.post("pages", json={**body, "properties": named}).raise_for_status()


def rows_of(desk: Desk, source: str, title: str) -> dict[str, dict[str, Any]]:
    found = desk.notion.post(f"data_sources/{source}/query", json={}).json()["results"]
    return {row["properties"][title]["title"][0]["plain_text"]: row for row in found}


def data_source(desk: Desk, **columns: Any) -> str:
    body = {"parent": {"type": "workspace", "workspace": True}, "title": [{"text": {"content": "Board"}}]}
    made = desk.notion.post("databases", json={**body, "initial_data_source": {"properties": columns}})
    return str(made.json()["data_sources"][0]["id"])


def test_two_data_sources_are_kept_in_step(desk: Desk) -> None:
    options = [{"name": name} for name in ("To do", "Doing", "Finished")]
    first = data_source(desk, Task={"title": {}}, Due={"date": {}}, State={"select": {"options": options}})
    second = data_source(desk, Name={"title": {}}, Deadline={"date": {}}, Done={"checkbox": {}})
    set_up(desk, "notion-notion", first, second)
    add(
        desk,
        first,
        "Task",
        "paint",
        State={"select": {"name": "Doing"}},
        Due={"date": {"start": "2026-12-24"}},
    )
    add(desk, second, "Name", "sweep", Done={"checkbox": True})

    plan = desk.lockstep("plan", "two boards")
    assert {"paint", "sweep"} <= set(plan.split())
    desk.lockstep("run", "two boards")
    theirs, ours = rows_of(desk, second, "Name"), rows_of(desk, first, "Task")
    assert theirs.keys() == ours.keys() == {"paint", "sweep"}
    assert theirs["paint"]["properties"]["Deadline"]["date"]["start"] == "2026-12-24"
    assert ours["sweep"]["properties"]["State"]["select"]["name"] == "Finished"

    page = theirs["paint"]["id"]
    desk.notion.patch(f"pages/{page}", json={"properties": {"Deadline": {"date": None}}}).raise_for_status()
    desk.lockstep("run", "two boards")
    paint = rows_of(desk, first, "Task")["paint"]["properties"]
    assert (paint["Due"]["date"], paint["State"]["select"]["name"]) == (None, "Doing")


def test_three_systems_are_kept_in_step(desk: Desk) -> None:
    source = data_source(desk, Name={"title": {}}, Due={"date": {}}, Done={"checkbox": {}})
    page = set_up(desk, "three-systems", source, source)
    tasks = re.findall(r'^ +lockstep plan "(.+)"$', page, re.MULTILINE)
    (create,) = re.findall(r"^ +(CREATE TABLE .+;)$", page, re.MULTILINE)
    path = desk.here / "tasks.db"
    with closing(sqlite3.connect(path)) as table, table:
        table.execute(create)
        table.execute("INSERT INTO task (id, name, due) VALUES ('1', 'sweep', '2026-12-01')")
    desk.vault.mkdir()
    (desk.vault / "paint.md").write_text("---\ndue: 2026-12-24\n---\nIn green.\n")

    def in_all(*runs: str) -> list[tuple[str, str | None, bool]]:
        for run in runs:
            desk.lockstep("run", run)
        rows = [
            (
                name,
                (row["properties"]["Due"]["date"] or {}).get("start"),
                row["properties"]["Done"]["checkbox"],
            )
            for name, row in rows_of(desk, source, "Name").items()
        ]
        with closing(sqlite3.connect(path)) as table:
            kept = [
                (name, due, bool(done))
                for name, due, done in table.execute("SELECT name, due, done FROM task")
            ]
        notes = [(note.stem, *_shown(note)) for note in desk.vault.glob("*.md")]
        assert sorted(rows) == sorted(kept) == sorted(notes)
        return sorted(rows)

    both = [("paint", "2026-12-24", False), ("sweep", "2026-12-01", False)]
    assert in_all(*tasks, *tasks) == both
    with closing(sqlite3.connect(path)) as table, table:
        table.execute("UPDATE task SET due = '2027-01-01' WHERE name = 'paint'")
    note = desk.vault / "sweep.md"
    note.write_text(note.read_text().replace("done: false", "done: true"))
    assert in_all(*tasks, *tasks) == [("paint", "2027-01-01", False), ("sweep", "2026-12-01", True)]
    assert "In green." in (desk.vault / "paint.md").read_text()


def _shown(note: Path) -> tuple[str | None, bool]:
    """What the front matter of a note says, read by nobody's code but this."""
    text = note.read_text()
    due = re.search(r"^due: (\S+)$", text, re.MULTILINE)
    return (due[1] if due else None), "done: true" in text
