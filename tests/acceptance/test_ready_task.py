"""The ready task as its users run it: worker, beat, Redis, calendar server, Notion workspace, all real processes.

Only Notion itself is a local stand-in, over HTTP.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil
import pytest
from pydantic import SecretStr

from sandbox.notion import Sandbox
from tasks.services.caldav import (
    TODOS,
    CalDAVClient,
    Calendar,
)
from tasks.services.caldav.radicale_server import RadicaleServer
from tests.harness import Process, Stack, eventually

pytestmark = pytest.mark.processes

T = TypeVar("T")

COLUMNS: dict[str, Any] = {"Name": {"title": {}}, "Due": {"date": {}}, "Done": {"checkbox": {}}}
ATTRIBUTES = {"Name": "summary", "Due": "due", "Done": "completed"}


@dataclass
class Life:
    """Two people, one in Notion and one in a to-do app, and the installation between them."""

    stack: Stack
    notion: httpx.Client
    data_source: str
    radicale: RadicaleServer
    calendar_url: str

    def rows(self) -> list[dict[str, Any]]:
        pages: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            body = {"start_cursor": cursor} if cursor else {}
            answer = self.notion.post(f"data_sources/{self.data_source}/query", json=body).json()
            pages += answer["results"]
            cursor = answer["next_cursor"]
            if cursor is None:
                return pages

    def names(self) -> list[str]:
        return sorted(name(page) for page in self.rows())

    def add_row(self, title: str) -> None:
        body = {"parent": {"data_source_id": self.data_source}, "properties": {"Name": text(title)}}
        assert self.notion.post("pages", json=body).status_code == 200

    def change_row(self, title: str, body: dict[str, Any]) -> None:
        page = next(page for page in self.rows() if name(page) == title)
        assert self.notion.patch(f"pages/{page['id']}", json=body).status_code == 200

    def on_phone(self, act: Callable[[Calendar], Any]) -> Any:
        async def visit() -> Any:
            password = SecretStr(self.radicale.password)
            async with CalDAVClient(self.calendar_url, self.radicale.username, password) as client:
                return await act(Calendar(client, TODOS))

        return asyncio.run(visit())

    def todos(self) -> dict[str, Any]:
        """To-dos by name, each once."""
        listed = self.on_phone(lambda calendar: calendar.read_all())
        twice = [title for title, n in Counter(todo.values["summary"] for todo in listed).items() if n > 1]
        assert twice == []
        return {todo.values["summary"]: todo for todo in listed}

    def add_todo(self, title: str) -> None:
        self.on_phone(lambda calendar: calendar.create(str(uuid.uuid4()), {"summary": title}))

    def runs(self) -> list[tuple[str, str]]:
        """Status and reason of all runs, the oldest first."""
        path = self.stack.state_dir / "lockstep.db"
        if not path.exists():
            return []
        with closing(sqlite3.connect(path, timeout=10)) as db:
            return db.execute("SELECT status, reason FROM run ORDER BY started_at").fetchall()

    def equal(self) -> bool:
        return self.names() == sorted(self.todos())

    def write_task(self, **keys: Any) -> None:
        lines = ["[[sync]]", 'name = "todos"']
        lines += [f'{key} = "{value}"' for key, value in {"every": "1s", **keys}.items()]
        lines += ["[sync.notion]", f'data_source = "{self.data_source}"']
        lines += ["[sync.caldav]", f'calendar = "{self.calendar_url}"']
        lines += ["[sync.map]", *(f'{ours} = "{theirs}"' for ours, theirs in ATTRIBUTES.items())]
        (self.stack.directory / "cwd" / "lockstep.toml").write_text("\n".join(lines) + "\n")


def text(content: str) -> dict[str, Any]:
    return {"title": [{"text": {"content": content}}]}


def name(page: dict[str, Any]) -> str:
    return "".join(run["plain_text"] for run in page["properties"]["Name"]["title"])


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    with Sandbox(tmp_path / "notion.db") as sandbox, RadicaleServer(tmp_path / "calendars") as radicale:
        env = {
            "LOCKSTEP_TASKS": "",
            "NOTION_TOKEN": "secret-of-the-integration",
            "NOTION_BASE_URL": sandbox.url,
            "CALDAV_USERNAME": radicale.username,
            "CALDAV_PASSWORD": radicale.password,
        }
        headers = {"Authorization": "Bearer a-person", "Notion-Version": "2026-03-11"}
        with (
            Stack(tmp_path, env=env) as stack,
            httpx.Client(base_url=f"{sandbox.url}/v1", headers=headers, timeout=30) as notion,
        ):
            body = {
                "parent": {"type": "workspace", "workspace": True},
                "title": text("To-dos")["title"],
                "initial_data_source": {"properties": COLUMNS},
            }
            made = notion.post("databases", json=body).json()
            life = Life(
                stack, notion, made["data_sources"][0]["id"], radicale, radicale.make_calendar("todos")
            )
            life.write_task()
            yield life


def test_edits_and_deletions_cross_both_ways(life: Life) -> None:
    life.add_row("from Notion")
    life.add_row("on both")
    life.add_todo("from the phone")
    life.add_todo("on both")
    worker, beat = life.stack.worker(), life.stack.beat()

    eventually(lambda: life.names() == ["from Notion", "from the phone", "on both"] and life.equal(), 30)

    life.change_row("from the phone", {"properties": {"Done": {"checkbox": True}}})
    todo = life.todos()["from Notion"]
    life.on_phone(lambda calendar: calendar.update(todo, {"summary": "renamed on the phone"}))
    eventually(lambda: life.todos()["from the phone"].values["completed"], 30)
    eventually(lambda: "renamed on the phone" in life.names(), 30)

    life.change_row("on both", {"in_trash": True})
    gone = life.todos()["from the phone"]
    life.on_phone(lambda calendar: calendar.delete(gone))
    eventually(lambda: life.names() == ["renamed on the phone"] and life.equal(), 30)

    assert {status for status, _ in life.runs()} <= {"succeeded", "running", "skipped"}
    assert worker.running
    assert beat.running
    for process in (worker, beat):
        assert "secret-of-the-integration" not in process.output()
        assert life.radicale.password not in process.output()


def test_a_worker_killed_in_the_middle_is_made_up_for(life: Life) -> None:
    titles = [f"to-do {number:02}" for number in range(18)]
    for title in titles:
        life.add_todo(title)
    first = life.stack.worker()
    life.stack.beat()
    # The first ten come at once, then Notion's rate limit slows the run down.
    eventually(lambda: len(life.rows()) > 11, 30)
    first.kill()
    assert len(life.rows()) < len(titles)

    life.stack.worker()
    eventually(lambda: life.names() == titles, 60)
    eventually(lambda: life.runs()[-1][0] == "succeeded", 30)
    assert sorted(life.todos()) == titles
    assert "abandoned" in {status for status, _ in life.runs()}


def test_a_renamed_property_goes_on_and_a_deleted_one_fails_the_run(life: Life) -> None:
    life.add_row("a row")
    life.stack.worker()
    life.stack.beat()
    eventually(lambda: sorted(life.todos()) == ["a row"], 30)

    path = f"data_sources/{life.data_source}"
    assert life.notion.patch(path, json={"properties": {"Due": {"name": "Deadline"}}}).status_code == 200
    life.change_row("a row", {"properties": {"Name": text("another name")}})
    eventually(lambda: sorted(life.todos()) == ["another name"], 30)

    assert life.notion.patch(path, json={"properties": {"Deadline": None}}).status_code == 200
    life.change_row("another name", {"properties": {"Name": text("a third name")}})
    eventually(lambda: life.runs()[-1][0] == "failed", 30)
    assert "'Due'" in life.runs()[-1][1]
    assert sorted(life.todos()) == ["another name"]


def test_services_that_are_away_fail_runs_until_they_are_back(life: Life) -> None:
    life.add_row("a row")
    life.stack.worker()
    life.stack.beat()
    eventually(lambda: sorted(life.todos()) == ["a row"], 30)
    life.radicale.stop()
    life.add_row("meanwhile")
    eventually(lambda: life.runs()[-1][0] == "failed" and "cannot be reached" in life.runs()[-1][1], 30)
    life.radicale.start()
    eventually(lambda: sorted(life.todos()) == ["a row", "meanwhile"], 30)
    assert life.names() == ["a row", "meanwhile"]


def test_the_demo_ends_well_and_leaves_nothing(tmp_path: Path) -> None:
    before = {process.pid for process in psutil.process_iter()}
    code = "from worker.cli import main; main()"
    env = {**os.environ, "COLUMNS": "200"}
    arguments = [sys.executable, "-c", code, "demo"]
    with Process(arguments, log=tmp_path / "demo.log", cwd=tmp_path, env=env) as demo:
        assert demo.wait_exit(110) == 0, demo.tail()
        shown = demo.output()
    for line in ("linked 4, created 12 in Notion, created 14 on the phone", "kept 1 conflict", "skipped"):
        assert line in shown
    assert shown.count(" 28 ") >= 4
    time.sleep(0.5)
    ours = ("redis-server", "radicale", "celery", "lockstep")
    left = [
        process.info
        for process in psutil.process_iter(["pid", "cmdline", "environ"])
        if process.pid not in before
        and any(word in " ".join(process.info["cmdline"] or ()) for word in ours)
        and "lockstep-demo-" in str(process.info["environ"])
    ]
    assert left == []
