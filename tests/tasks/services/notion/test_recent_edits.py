"""How many requests writing takes, and that no edit of a person is written over for having saved some."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from sandbox.notion import Sandbox
from tasks.errors import ItemError, PreconditionError
from tasks.journal.state import State
from tasks.journal.state_journal import StateJournal
from tasks.services.notion.pages import recent_edits
from tasks.services.notion.pages.page import Page, known_page
from tests.tasks.services.notion.chores import COLUMNS, listed
from tests.tasks.services.notion.person import Person
from tests.tasks.services.notion.plain_service import PlainService, PlainTask
from tests.tasks.services.notion.wired import Wired

ROWS = 12
ATTRS = ["Name", "Effort", "Notes"]


@pytest.fixture
async def source(person: Person) -> str:
    return await person.make_data_source("Chores", COLUMNS)


@pytest.fixture
async def rows(person: Person, source: str) -> AsyncIterator[Wired]:
    for n in range(ROWS):
        await person.make_page(source, Name=person.text(f"Row {n}"), Effort={"number": n})
    found = Wired(person.url, source, ATTRS, filter={"property": "Effort", "number": {"less_than": 100}})
    await found.open()
    try:
        await found.learn()
        yield found
    finally:
        await found.close()


async def write(rows: Wired, pages: list[Page], effort: int = 50) -> list[Any]:
    """Write rows, four at a time as a run does; what came of each."""
    slots = asyncio.Semaphore(4)

    async def one(page: Page) -> Any:
        async with slots:
            return await rows.update(page, {"Effort": effort})

    return await asyncio.gather(*map(one, pages), return_exceptions=True)


def sent(rows: Wired) -> Counter[str]:
    return Counter(
        "query" if path.endswith("/query") else f"{method} page"
        for method, path in rows.wire.sent
        if "/pages/" in path or path.endswith("/query")
    )


async def test_many_writes_take_one_look_at_all_and_one_at_the_first(rows: Wired) -> None:
    pages = await listed(rows)
    rows.wire.sent.clear()
    assert all(isinstance(done, Page) for done in await write(rows, pages))
    assert sent(rows) == {"GET page": 1, "query": 1, "PATCH page": ROWS}


async def test_without_looks_at_all_each_row_is_read(person: Person, source: str, rows: Wired) -> None:
    careful = Wired(person.url, source, ATTRS)
    careful.look_counts_for = timedelta(0)
    await careful.open()
    try:
        await careful.learn()
        pages = await listed(careful)
        careful.wire.sent.clear()
        await write(careful, pages)
        assert sent(careful) == {"GET page": ROWS, "PATCH page": ROWS}
    finally:
        await careful.close()


async def test_one_write_reads_its_row(rows: Wired) -> None:
    pages = await listed(rows)
    rows.wire.sent.clear()
    await write(rows, pages[:1])
    assert sent(rows) == {"GET page": 1, "PATCH page": 1}


async def test_a_row_that_is_known_by_some_of_its_values_is_written(rows: Wired, person: Person) -> None:
    page = (await listed(rows))[3]
    values = {name: page.values[name] for name in ("Name", "Effort")}
    known = known_page(page.id, values, str(page.data_source))
    assert (await rows.update(known, {"Effort": 50})).values["Effort"] == 50
    await person.edit(page.id, Name=person.text("typed meanwhile"))
    with pytest.raises(PreconditionError, match="Name"):
        await rows.update(known, {"Effort": 51})


@pytest.mark.parametrize("effort", [7777, 50], ids=["out of the filter", "to the same value"])
async def test_an_edit_since_the_listing_is_seen(rows: Wired, person: Person, effort: int) -> None:
    pages = await listed(rows)
    hit = pages[5]
    await person.edit(hit.id, Effort={"number": effort}, Name=person.text("Mine"))
    done = await write(rows, pages)
    assert [type(result) for result in done].count(PreconditionError) == 1
    assert isinstance(done[5], PreconditionError)
    held = (await person.page(hit.id))["properties"]
    assert (held["Effort"]["number"], held["Name"]["title"][0]["plain_text"]) == (effort, "Mine")


@pytest.mark.parametrize("moment", ["before the first write", "after the first write", "before the query"])
async def test_an_edit_at_the_worst_moments_is_seen(rows: Wired, person: Person, moment: str) -> None:
    pages = await listed(rows)
    hit, edited = pages[-1], asyncio.Event()

    async def happens(request: httpx.Request, onwards: Callable[[], Awaitable[httpx.Response]]) -> Any:
        is_query = request.url.path.endswith("/query")
        before = {"before the first write": request.method == "PATCH", "before the query": is_query}
        if before.get(moment) and not edited.is_set():
            edited.set()
            await person.edit(hit.id, Notes={"rich_text": person.text("mine")["title"]})
        response = await onwards()
        if moment == "after the first write" and request.method == "PATCH" and not edited.is_set():
            edited.set()
            await person.edit(hit.id, Notes={"rich_text": person.text("mine")["title"]})
        return response

    rows.wire.happens = happens
    done = await write(rows, pages)
    assert edited.is_set()
    assert isinstance(done[-1], PreconditionError)


async def test_a_look_counts_for_a_short_time_only(
    rows: Wired, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = await listed(rows)
    await write(rows, pages[:4])
    monkeypatch.setattr(rows._opened.reader.edits, "_fresh", -1.0)  # as if it was long ago
    await person.edit(pages[6].id, Name=person.text("Mine"))
    rows.wire.sent.clear()
    done = await write(rows, pages[4:8])
    assert [type(result) for result in done].count(PreconditionError) == 1
    assert sent(rows) == {"GET page": 4, "PATCH page": 3}


@pytest.mark.parametrize("changes", [{"Name": "New"}, {"Effort": 7}])
async def test_a_row_that_was_moved_since_the_look_is_told(
    rows: Wired, person: Person, workspace: Sandbox, changes: dict[str, Any]
) -> None:
    elsewhere = await person.make_data_source("Elsewhere", {"Name": {"title": {}}})
    pages = await listed(rows)
    await write(rows, pages[:6])
    workspace.person().move(pages[7].id, elsewhere)
    with pytest.raises(
        (PreconditionError, ItemError), match=r"moved out of the data source|is not a property"
    ):
        await rows.update(pages[7], changes)
    assert await rows.is_gone(pages[7].id) is False


async def test_a_query_that_lags_proves_nothing(rows: Wired, person: Person, workspace: Sandbox) -> None:
    workspace.index.seconds = 30
    await asyncio.sleep(0)
    pages = await listed(rows)
    pages = pages or [await rows._opened.reader.page(raw) for raw in await everything(person, rows)]
    await person.edit(pages[-1].id, Name=person.text("Mine"))
    rows.wire.sent.clear()
    done = await write(rows, pages)
    assert [type(result) for result in done].count(PreconditionError) == 1
    assert sent(rows) == {"GET page": ROWS, "query": 1, "PATCH page": ROWS - 1}


async def everything(person: Person, rows: Wired) -> list[dict[str, Any]]:
    answer = await person.send("POST", f"data_sources/{rows._listed_id}/query", {})
    rows: list[dict[str, Any]] = answer["results"]
    return rows


async def test_too_many_edits_for_a_query_are_looked_at_row_by_row(
    rows: Wired, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = await listed(rows)
    monkeypatch.setattr("tasks.services.notion.api.queries.PAGE_SIZE", 2)
    rows.wire.sent.clear()
    assert all(isinstance(done, Page) for done in await write(rows, pages))
    assert sent(rows) == {"GET page": ROWS, "query": recent_edits.MOST_ANSWERS, "PATCH page": ROWS}


async def test_a_write_that_has_to_be_repeated_reads_its_row_again(rows: Wired, person: Person) -> None:
    pages = await listed(rows)
    await write(rows, pages[:2])
    refused = 0

    async def happens(request: httpx.Request, onwards: Callable[[], Awaitable[httpx.Response]]) -> Any:
        nonlocal refused
        if request.method == "PATCH" and not refused:
            refused += 1
            await person.edit(pages[2].id, Effort={"number": 1})
            body = {
                "object": "error",
                "status": 409,
                "code": "conflict_error",
                "message": "Conflict occurred.",
            }
            return httpx.Response(409, json=body)
        return await onwards()

    rows.wire.happens = happens
    (done,) = await write(rows, pages[2:3])
    assert isinstance(done, PreconditionError)


async def test_a_run_by_changes_takes_one_request_per_changed_row(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.services.notion.rows.listing.PAGE_SIZE", 2)
    source = await person.make_data_source("Chores", COLUMNS)
    ids = [await person.make_page(source, Name=person.text(f"Row {n}")) for n in range(ROWS)]
    service, journal = PlainService(), StateJournal(State())
    attrs = {"Name": "key", "Effort": "effort", "Notes": "notes"}

    async def run() -> tuple[str, Counter[str]]:
        task = PlainTask(person.url, source, attrs, service)
        task.change_share = 1.0
        report = await task.run(journal)
        return report.status, Counter(method for method, _ in task.wire.sent)

    assert (await run())[0] == "succeeded"
    for item in list(service.items.values())[:10]:
        service.edit(item.id, {"effort": 5, "notes": "x", "key": item.values["key"] + "!"})
    assert await run() == ("succeeded", {"GET": 2, "POST": 3, "PATCH": 10})
    assert (await run())[0] == "succeeded"
    efforts = [(await person.page(page_id))["properties"]["Effort"]["number"] for page_id in ids]
    assert efforts.count(5) == 10
