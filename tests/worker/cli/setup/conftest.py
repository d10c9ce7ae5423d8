"""A newcomer's two services: a local Notion workspace with a database of to-dos, and a real calendar server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from config import get_settings
from sandbox.notion import Sandbox
from tasks import all_tasks, registry
from tasks.services.caldav.radicale_server import RadicaleServer

#: Columns of the database, as a person makes them.
COLUMNS = {
    "Name": {"title": {}},
    "Due": {"date": {}},
    "Status": {"status": {}},
    "Place": {"rich_text": {}},
    "Made": {"created_time": {}},
}
TOKEN = "ntn_a-secret-of-notion"


class Notion:
    """A workspace, as a person uses it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"Authorization": "Bearer a-person", "Notion-Version": "2026-03-11"}
        answer = httpx.post(f"{self.url}/v1/{path}", json=body, headers=headers, timeout=30)
        answer.raise_for_status()
        made: dict[str, Any] = answer.json()
        return made

    def database(self, title: str, *rows: str, columns: dict[str, Any] = COLUMNS) -> str:
        """Make a database with rows of these names; the id of its data source."""
        body = {
            "parent": {"type": "workspace", "workspace": True},
            "title": [{"text": {"content": title}}],
            "initial_data_source": {"properties": columns},
        }
        source = str(self.post("databases", body)["data_sources"][0]["id"])
        for name in rows:
            values = {
                "Name": {"title": [{"text": {"content": name}}]},
                "Due": {"date": {"start": "2031-05-04"}},
            }
            self.post("pages", {"parent": {"data_source_id": source}, "properties": values})
        return source


@pytest.fixture(scope="module")
def notion(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notion]:
    with Sandbox(tmp_path_factory.mktemp("notion") / "notion.db") as sandbox:
        workspace = Notion(sandbox.url)
        workspace.source = workspace.database("To-dos", "Water the plants", "Call Ada")  # type: ignore[attr-defined]
        workspace.database("Books")
        yield workspace


@pytest.fixture(scope="module")
def radicale(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RadicaleServer]:
    with RadicaleServer(tmp_path_factory.mktemp("calendars")) as server:
        server.make_calendar("errands")
        server.make_calendar("todos")
        yield server


@pytest.fixture
def here(notion: Notion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty directory, in an environment without any setting of ours, and no task left behind."""
    for name in list(os.environ):
        if name.startswith(
            ("LOCKSTEP_", "NOTION_", "CALDAV_", "GITHUB_", "GH_", "GOOGLE_", "SQL_", "REDIS_", "SENTRY_")
        ):
            monkeypatch.delenv(name)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("NOTION_BASE_URL", notion.url)
    monkeypatch.setenv("COLUMNS", "120")
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    get_settings.cache_clear()
    before, declared = set(all_tasks), set(registry._declared)
    all_tasks.clear()
    registry._declared.clear()
    yield folder
    all_tasks.clear()
    all_tasks.update(before)
    registry._declared.clear()
    registry._declared.update(declared)
    get_settings.cache_clear()
