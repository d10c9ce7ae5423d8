"""A local Notion workspace, and a folder of notes beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from sandbox.notion import Sandbox
from tests.tasks.services.notion.person import Person
from tests.tasks.services.notion_markdown.place import COLUMNS, Place


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    notes = tmp_path / "Notes"
    notes.mkdir()
    with Sandbox(tmp_path / "notion.db") as sandbox:
        async with httpx.AsyncClient() as client:
            person = Person(sandbox.url, client)
            source = await person.make_data_source("Notes", COLUMNS)
            yield Place(person, source, notes, tmp_path / "journal.json")
