"""A data source of chores with a column of almost every type, as a side that is open."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tasks.services.notion.pages.page import Page
from tests.tasks.services.notion.person import Person
from tests.tasks.services.notion.wired import Wired

COLUMNS: dict[str, Any] = {
    "Name": {"title": {}},
    "Notes": {"rich_text": {}},
    "Effort": {"number": {"format": "number"}},
    "Done": {"checkbox": {}},
    "Area": {"select": {"options": [{"name": "Home"}]}},
    "Tags": {"multi_select": {"options": []}},
    "State": {"status": {"options": [{"name": "To do"}, {"name": "Doing"}, {"name": "Ready"}]}},
    "Due": {"date": {}},
    "Link": {"url": {}},
    "Mail": {"email": {}},
    "Phone": {"phone_number": {}},
    "Private": {"rich_text": {}},
}
VALUES: dict[str, Any] = {
    "Name": "Paint the fence",
    "Notes": "two coats 🎨" * 400,
    "Effort": 2.5,
    "Done": True,
    "Area": "Garden",
    "Tags": ("outside", "summer"),
    "State": "Doing",
    "Due": datetime(2026, 7, 1, 8, 30, tzinfo=UTC),
    "Link": "https://example.org/fence",
    "Mail": "paint@example.org",
    "Phone": "555-1234",
}


@pytest.fixture
async def source(person: Person) -> str:
    return await person.make_data_source("Chores", COLUMNS)


@pytest.fixture
async def side(person: Person, source: str) -> AsyncIterator[Wired]:
    rows = Wired(person.url, source, VALUES)
    await rows.open()
    try:
        await rows.learn()
        yield rows
    finally:
        await rows.close()


async def listed(side: Wired) -> list[Page]:
    listing = await side.list()
    assert listing.partial is None
    return list(listing)


async def only(side: Wired) -> Page:
    (page,) = await listed(side)
    return page
