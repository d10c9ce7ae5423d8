"""A row that Notion shows in a form that is not known is held by its id; the others of the listing are read."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from tasks.errors import ItemError, UnfitError
from tasks.services.notion.pages.page import Page
from tests.tasks.services.notion.chores import COLUMNS
from tests.tasks.services.notion.person import Person
from tests.tasks.services.notion.wired import Wired

ATTRS = ["Name", "Notes", "Effort", "Due"]


@pytest.fixture
async def side(person: Person) -> AsyncIterator[Wired]:
    rows = Wired(person.url, await person.make_data_source("Chores", COLUMNS), ATTRS)
    await rows.open()
    try:
        await rows.learn()
        yield rows
    finally:
        await rows.close()


def damage(side: Wired, title: str, change: Callable[[dict[str, Any]], Any]) -> None:
    """From now on Notion shows one row damaged."""

    async def happens(
        request: httpx.Request, onwards: Callable[[], Awaitable[httpx.Response]]
    ) -> httpx.Response:
        response = await onwards()
        body = response.json()
        for row in body.get("results", [body]):
            titles = row.get("properties", {}).get("Name", {}).get("title") or [{}]
            if isinstance(titles, list) and titles[0].get("plain_text") == title:
                change(row)
        return httpx.Response(response.status_code, content=json.dumps(body).encode())

    side.wire.happens = happens


@pytest.mark.parametrize(
    "change",
    [
        lambda row: row.update(last_edited_time="soon"),
        lambda row: row.update(created_time=None),
        lambda row: row.update(parent=None),
        lambda row: row["properties"].update(Name=None),
        lambda row: row["properties"]["Notes"].pop("id"),
    ],
)
async def test_an_odd_row_is_held_alone(side: Wired, change: Callable[[dict[str, Any]], Any]) -> None:
    made: dict[str, Page] = {}
    for title in ("Paint", "Mend", "Sow"):
        made[title] = await side.make(Name=title)
    damage(side, "Mend", change)
    listing = await side.list()
    assert listing.partial is None
    assert {page.title for page in listing} == {"Paint", "Sow"}
    assert list(listing.unreadable) == [made["Mend"].id]
    with pytest.raises(ItemError, match=made["Mend"].id):
        await side.get(made["Mend"].id)
    await side.update(made["Sow"], {"Effort": 3})


async def test_a_row_without_an_id_makes_the_listing_partial(side: Wired) -> None:
    await side.make(Name="Paint")
    await side.make(Name="Mend")
    damage(side, "Mend", lambda row: row.update(id=7))
    listing = await side.list()
    assert [page.title for page in listing] == ["Paint"]
    assert listing.partial is not None
    assert "rows without an id" in listing.partial


async def test_values_that_notion_does_not_take_are_named_before_anything_is_sent(side: Wired) -> None:
    page = await side.make(Name="Paint")
    side.wire.sent.clear()
    with pytest.raises(UnfitError, match=page.id) as caught:
        await side.update(page, {"Name": "Paint all", "Effort": "much", "Notes": "x" * 200_001})
    assert caught.value.attributes == {"Effort", "Notes"}
    assert side.wire.sent == []
