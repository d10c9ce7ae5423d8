"""Which tasks an event of Notion's is for."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from tasks.services.notion.webhooks import concerned, read_delivery
from tests.tasks.services.notion.person import Person
from tests.tasks.services.notion.test_side import COLUMNS
from tests.tasks.services.notion.wired import Wired

SOURCE, DATABASE, PAGE, OTHER = (f"00000000-0000-4000-8000-{number:012}" for number in range(1, 5))


def event(kind: str, entity: str, parent: dict[str, Any] | None) -> Any:

    body = {
        "id": str(uuid4()),
        "timestamp": "2026-07-01T12:00:00.000Z",
        "type": kind,
        "entity": {"id": entity, "type": kind.partition(".")[0]},
        "data": {"parent": parent},
    }
    return read_delivery(json.dumps(body).encode())


def of(source: str) -> Wired:
    return Wired("http://127.0.0.1:1", source, ["Name"])


@pytest.mark.parametrize(
    ("kind", "entity", "parent", "meant"),
    [
        (
            "page.properties_updated",
            PAGE,
            {"id": DATABASE, "type": "database", "data_source_id": SOURCE},
            True,
        ),
        (
            "page.properties_updated",
            PAGE,
            {"id": DATABASE, "type": "database", "data_source_id": OTHER},
            False,
        ),
        ("page.content_updated", PAGE, {"id": SOURCE.replace("-", ""), "type": "data_source"}, True),
        ("page.created", PAGE, {"id": OTHER, "type": "page"}, False),
        ("page.created", PAGE, None, False),
        ("data_source.schema_updated", SOURCE, {"id": DATABASE, "type": "database"}, True),
        ("data_source.content_updated", OTHER, {"id": DATABASE, "data_source_id": OTHER}, False),
        ("comment.created", SOURCE, {"id": SOURCE, "type": "page"}, False),
    ],
)
def test_events_are_for_the_data_source_and_its_rows(
    kind: str, entity: str, parent: dict[str, Any] | None, meant: bool
) -> None:
    assert (
        concerned(of(f"https://www.notion.so/{SOURCE.replace('-', '')}"), "rows", event(kind, entity, parent))
        is meant
    )


@pytest.fixture
async def side(person: Person) -> AsyncIterator[Wired]:
    rows = Wired(person.url, await person.make_data_source("Chores", COLUMNS), ["Name"])
    await rows.open()
    try:
        yield rows
    finally:
        await rows.close()


async def test_an_event_that_names_the_database_only_is_for_its_tasks(side: Wired, person: Person) -> None:
    schema = await person.send("GET", f"data_sources/{side.data_source}")
    own = event("page.created", PAGE, {"id": schema["parent"]["database_id"], "type": "database"})
    foreign = event("page.created", PAGE, {"id": OTHER, "type": "database"})
    assert (concerned(side, "rows", own), concerned(side, "rows", foreign)) == (True, True)  # who knows yet
    await side.learn()
    assert (concerned(side, "rows", own), concerned(side, "rows", foreign)) == (True, False)
