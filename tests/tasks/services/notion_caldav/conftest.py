"""A local Notion workspace and a real radicale."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tasks.services.caldav.radicale_server import RadicaleServer
from tests.tasks.services.notion.person import Person
from tests.tasks.services.notion_caldav.place import COLUMNS, Place


@pytest.fixture(scope="module")
def radicale() -> Iterator[RadicaleServer]:
    with RadicaleServer() as server:
        yield server


@pytest.fixture
async def person(tmp_path: Path) -> AsyncIterator[Person]:
    from sandbox.notion import Sandbox

    with Sandbox(tmp_path / "notion.db") as sandbox:
        async with httpx.AsyncClient() as client:
            yield Person(sandbox.url, client)


@pytest.fixture
async def place(person: Person, radicale: RadicaleServer, tmp_path: Path) -> Place:
    source = await person.make_data_source("To-dos", COLUMNS)
    calendar_url = radicale.make_calendar(f"todos-{uuid4().hex[:8]}")
    return Place(person, radicale, source, calendar_url, tmp_path)
