"""Which tasks an event of Notion's is for."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from tasks.services.notion.api.webhooks import concerned, read_delivery
from tests.tasks.services.notion.chores import COLUMNS
from tests.tasks.services.notion.person import Person
from tests.tasks.services.notion.plain_service import PlainService, PlainTask

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


def of(source: str, url: str = "http://127.0.0.1:1") -> PlainTask:
    return PlainTask(url, source, {"Name": "key"}, PlainService())


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
        concerned(of(f"https://www.notion.so/{SOURCE.replace('-', '')}"), event(kind, entity, parent))
        is meant
    )


@pytest.fixture
async def task(person: Person) -> AsyncIterator[PlainTask]:
    task = of(await person.make_data_source("Chores", COLUMNS), person.url)
    await task.rows.open()
    try:
        yield task
    finally:
        await task.rows.close()


async def test_an_event_that_names_the_database_only_is_for_its_tasks(
    task: PlainTask, person: Person
) -> None:
    schema = await person.send("GET", f"data_sources/{task.rows.data_source}")
    own = event("page.created", PAGE, {"id": schema["parent"]["database_id"], "type": "database"})
    foreign = event("page.created", PAGE, {"id": OTHER, "type": "database"})
    assert (concerned(task, own), concerned(task, foreign)) == (True, True)  # who knows yet
    await task.rows.learn()
    assert (concerned(task, own), concerned(task, foreign)) == (True, False)
