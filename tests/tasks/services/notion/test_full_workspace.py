"""A workspace that is out of blocks takes no new row; all else of a run goes on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tasks.engine.report import Order
from tasks.journal.state import State
from tasks.journal.state_journal import StateJournal
from tasks.services.notion.api.client import NotionClient
from tests.tasks.services.notion.chores import COLUMNS
from tests.tasks.services.notion.person import Person
from tests.tasks.services.notion.plain_service import PlainService, PlainTask

FULL = {
    "object": "error",
    "status": 403,
    "code": "restricted_resource",
    "message": "This workspace has reached its block limit.",
    "additional_data": {"block_limit": {"limit": 1000}},
}


async def test_new_rows_wait_and_the_others_go_on(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    source = await person.make_data_source("Chores", COLUMNS)
    pages = [await person.make_page(source, Name=person.text(f"Row {n}")) for n in range(3)]
    service, journal = PlainService(), StateJournal(State())
    task = PlainTask(person.url, source, {"Name": "key", "Effort": "effort"}, service)
    task.change_share = 1.0
    assert (await task.run(journal)).status == "succeeded"
    first, second, _ = service.items.values()
    service.edit(first.id, {"effort": 5})
    del service.items[second.id]
    added = [service.add({"key": f"New {n}", "effort": n}) for n in range(2)]

    async def full(request: httpx.Request, onwards: Any) -> httpx.Response:
        makes = (request.method, request.url.path) == ("POST", "/v1/pages")
        return httpx.Response(403, json=FULL) if makes else await onwards()

    make = task.rows.make_client

    def wired() -> NotionClient:
        client = make()
        task.wire.happens = full
        return client

    monkeypatch.setattr(task.rows, "make_client", wired)
    report = await task.run(journal)
    assert report.status == "failed"
    assert "out of blocks" in report.reason
    assert "upgrade its plan" in report.reason
    assert report.outcome.counts["left_updated"] == report.outcome.counts["left_deleted"] == 1
    rows = [await person.page(page) for page in pages]
    assert sorted(row["in_trash"] for row in rows) == [False, False, True]
    assert sorted(row["properties"]["Effort"]["number"] or 0 for row in rows) == [0, 0, 5]
    assert {one.id for one in added} <= service.items.keys()
    monkeypatch.setattr(task.rows, "make_client", make)  # the plan was upgraded
    later = datetime.now(UTC) + timedelta(days=1)  # what failed waits a while
    await task.run(journal, order=Order(clock=lambda: later))
    query = await person.send("POST", f"data_sources/{source}/query", {})
    titles = sorted(row["properties"]["Name"]["title"][0]["plain_text"] for row in query["results"])
    assert len(titles) == 4
    assert titles[:2] == ["New 0", "New 1"]
