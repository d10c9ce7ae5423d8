"""A wiki as the Notion side: databases lie among its rows, and rows can be verified."""

from __future__ import annotations

import pytest

from tasks.journal.state import State
from tasks.journal.state_journal import StateJournal
from tests.tasks.services.notion.person import Person
from tests.tasks.services.notion.plain_service import PlainService, PlainTask
from tests.tasks.services.notion.wired import Wired

COLUMNS = {"Name": {"title": {}}, "Effort": {"number": {}}}


@pytest.fixture
async def wiki(person: Person) -> str:
    source = await person.make_data_source("Handbook", COLUMNS)
    other = await person.make_data_source("Machines", {"Name": {"title": {}}})
    await person.make_page(other, Name=Person.text("Lathe"))
    await person.arrange("POST", "person/make_wiki", {"data_source": source})
    await person.arrange("POST", "person/put_into_wiki", {"data_source": other, "wiki": source})
    for number in range(3):
        await person.make_page(source, Name=Person.text(f"page {number}"))
    return source


@pytest.mark.parametrize("rows_per_answer", [1, 2, 100])
async def test_pages_of_a_wiki_are_synced_and_its_databases_left_alone(
    person: Person, wiki: str, rows_per_answer: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.services.notion.rows.listing.PAGE_SIZE", rows_per_answer)
    monkeypatch.setattr("tasks.services.notion.api.queries.PAGE_SIZE", rows_per_answer)
    results = (await person.send("POST", f"data_sources/{wiki}/query", {}))["results"]
    assert [each["object"] for each in results] == ["page", "page", "page", "data_source"]
    service, journal = PlainService(), StateJournal(State())
    service.add({"key": "page 3", "effort": 3})
    for _ in range(2):
        task = PlainTask(person.url, wiki, {"Name": "key", "Effort": "effort"}, service)
        assert (await task.run(journal)).status == "succeeded"
        names = sorted(item.values["key"] for item in service.items.values())
        assert names == ["page 0", "page 1", "page 2", "page 3"]
        results = (await person.send("POST", f"data_sources/{wiki}/query", {}))["results"]
        assert [each["object"] for each in results].count("page") == 4
        assert results[-1]["title"][0]["plain_text"] == "Machines"


async def test_pages_of_a_wiki_are_verified(person: Person, wiki: str) -> None:
    side = Wired(person.url, wiki, ["Name", "Verification", "Owner"])
    await side.open()
    try:
        await side.learn()
        page = next(iter(await side.list()))
        assert (page.values["Verification"], page.values["Owner"]) == (None, ())
        written = await side.update(page, {"Verification": "verified"})
        assert written.values["Verification"] == "verified"
        assert (await side.update(written, {"Verification": None})).values["Verification"] is None
    finally:
        await side.close()
