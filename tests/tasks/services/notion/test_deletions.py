"""Runs by changes see deletions by a search of the trash, which is only believed where Notion confirms it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tasks.engine.report import RunReport
from tasks.errors import ItemError
from tasks.journal.state import State
from tasks.journal.state_journal import StateJournal
from tasks.services.notion.rows import trash
from tests.tasks.services.notion.chores import COLUMNS
from tests.tasks.services.notion.person import Person
from tests.tasks.services.notion.plain_service import PlainService, PlainTask

ATTRS = {"Name": "key", "Effort": "effort"}
IDLE = ["GET data_sources", "POST query", "POST search"]

Happens = Callable[[httpx.Request, Callable[[], Awaitable[httpx.Response]]], Awaitable[Any]]


class Place:
    """Six rows that are linked, and a task that reads them by changes."""

    def __init__(self, person: Person, source: str, ids: list[str]) -> None:
        self.person, self.source, self.ids = person, source, ids
        self.service, self.journal = PlainService(), StateJournal(State())
        self.task = self.again()

    def again(self, **options: Any) -> PlainTask:
        """The task in another process."""
        self.task = PlainTask(self.person.url, self.source, ATTRS, self.service, **options)
        self.task.change_share = 1.0
        return self.task

    async def run(self, happens: Happens | None = None, status: str = "succeeded") -> RunReport:
        make = self.task.rows.make_client

        def wired() -> Any:
            client = make()
            self.task.wire.happens = happens
            return client

        self.task.rows.make_client = wired  # type: ignore[method-assign]
        try:
            report = await self.task.run(self.journal)
        finally:
            self.task.rows.make_client = make  # type: ignore[method-assign]
        assert report.status == status, report.reason
        return report

    @property
    def sent(self) -> list[str]:
        """Requests of the last run, in short."""
        parts = [(method, path.removeprefix("/v1/").split("/")) for method, path in self.task.wire.sent]
        return [f"{method} {path[-1] if method == 'POST' else path[0]}" for method, path in parts]

    @property
    def kept(self) -> set[str]:
        return {str(item.values["key"]) for item in self.service.items.values()}

    async def throw_away(self, *numbers: int, back: bool = False) -> None:
        for number in numbers:
            await self.person.patch_page(self.ids[number], {"in_trash": not back})


ALL = {f"Row {n}" for n in range(6)}


@pytest.fixture
async def place(person: Person, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setattr("tasks.services.notion.rows.listing.PAGE_SIZE", 2)
    source = await person.make_data_source("Chores", COLUMNS)
    ids = [await person.make_page(source, Name=person.text(f"Row {n}")) for n in range(6)]
    place = Place(person, source, ids)
    await place.run()
    assert place.kept == ALL
    return place


async def test_a_deletion_is_seen_in_the_next_run_and_an_idle_run_takes_one_request_more(
    place: Place,
) -> None:
    await place.run()
    assert place.sent == IDLE
    await place.throw_away(1, 4)
    report = await place.run()
    assert report.outcome.counts["right_deleted"] == 2
    assert place.kept == ALL - {"Row 1", "Row 4"}
    for _ in range(2):  # what is settled costs nothing
        await place.run()
        assert place.sent == IDLE


async def test_an_edit_there_brings_a_deleted_row_back(place: Place) -> None:
    await place.throw_away(2)
    (item,) = [item for item in place.service.items.values() if item.values["key"] == "Row 2"]
    place.service.edit(item.id, {"effort": 8})
    await place.run()
    row = await place.person.page(place.ids[2])
    assert (row["in_trash"], row["properties"]["Effort"]["number"]) == (False, 8)
    assert place.kept == ALL
    await place.throw_away(2)  # and it can go again
    await place.run()
    assert place.kept == ALL - {"Row 2"}


async def test_many_deletions_are_looked_at_over_several_runs(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trash, "MOST_LOOKS", 2)
    await place.throw_away(0, 1, 2, 3, 4)
    left = []
    for _ in range(3):
        await place.run()
        left.append(len(place.kept))
    assert left == [4, 2, 1]


async def test_a_search_that_lags_tells_it_later(place: Place) -> None:
    """From what a search does not show nothing follows."""

    async def no_trash(request: httpx.Request, onwards: Any) -> httpx.Response:
        response = await onwards()
        return _with(response, results=[]) if request.url.path.endswith("/search") else response

    await place.throw_away(3)
    await place.run(no_trash)
    assert place.kept == ALL
    await place.run()
    assert place.kept == ALL - {"Row 3"}


FAILURES = [
    pytest.param(httpx.Response(500, json={}), id="500"),
    pytest.param(httpx.Response(200, json={"object": "list"}), id="no list"),
    pytest.param(
        httpx.Response(200, json={"object": "list", "results": [None, {}, {"object": "page"}]}), id="odd"
    ),
    pytest.param(httpx.Response(200, json={"results": []}), id="not Notion"),
    *(
        pytest.param(
            httpx.Response(
                status,
                json={"object": "error", "status": status, "code": code, "message": "No."},
                headers=headers,
            ),
            id=code,
        )
        for status, code, headers in (
            (400, "validation_error", {}),
            (403, "restricted_resource", {}),
            (429, "rate_limited", {"retry-after": "0"}),
        )
    ),
]


@pytest.mark.parametrize("answer", FAILURES)
async def test_a_search_that_fails_is_not_sent_again_and_stops_nothing(
    place: Place, answer: httpx.Response
) -> None:
    async def failing(request: httpx.Request, onwards: Any) -> httpx.Response:
        return answer if request.url.path.endswith("/search") else await onwards()

    await place.throw_away(3)
    await place.person.edit(place.ids[5], Effort={"number": 7})
    report = await place.run(failing)
    assert (report.status, place.sent.count("POST search")) == ("succeeded", 1)
    assert place.kept == ALL
    assert 7 in [item.values["effort"] for item in place.service.items.values()]
    await place.run()
    assert place.kept == ALL - {"Row 3"}


async def test_a_search_that_is_wrong_deletes_nothing(place: Place) -> None:
    """A row that was restored may be found in the trash for a while."""

    async def all_in_trash(request: httpx.Request, onwards: Any) -> httpx.Response:
        if not request.url.path.endswith("/search"):
            return await onwards()  # type: ignore[no-any-return]
        rows = [await place.person.page(row) | {"in_trash": True} for row in place.ids]
        return _with(await onwards(), results=rows)

    for _ in range(2):
        report = await place.run(all_in_trash)
        assert (report.status, report.outcome.counts["right_deleted"]) == ("succeeded", 0)
        assert place.sent.count("GET pages") == 6
    assert place.kept == ALL


async def test_a_row_that_is_not_shown_any_more_is_not_deleted(place: Place) -> None:
    await place.throw_away(3)

    async def hidden(request: httpx.Request, onwards: Any) -> httpx.Response:
        if not request.url.path.endswith(place.ids[3]):
            return await onwards()  # type: ignore[no-any-return]
        body = {"object": "error", "status": 404, "code": "object_not_found", "message": "No."}
        return httpx.Response(404, json=body)

    await place.run(hidden)
    assert place.kept == ALL


async def test_other_rows_in_the_trash_are_not_looked_at(place: Place) -> None:
    """Of another data source, never linked, moved away before: each would cost a request in each run."""
    other = await place.person.make_data_source("Other", COLUMNS)
    elsewhere = await place.person.make_page(other, Name=place.person.text("Row 1"))
    never = await place.person.make_page(place.source, Name=place.person.text("Never"))
    for page in (elsewhere, never):
        await place.person.patch_page(page, {"in_trash": True})
    await place.person.send("POST", f"pages/{place.ids[0]}/move", {"parent": {"data_source_id": other}})
    await place.throw_away(0)
    await place.run()
    assert place.sent == IDLE
    assert place.kept == ALL


async def test_a_data_source_that_goes_into_the_trash_deletes_no_row(place: Place) -> None:
    async def then(request: httpx.Request, onwards: Any) -> httpx.Response:
        if request.url.path.endswith("/search"):  # right after the run looked at the columns
            await place.person.send("PATCH", f"data_sources/{place.source}", {"in_trash": True})
        return await onwards()  # type: ignore[no-any-return]

    report = await place.run(then, "halted")  # for a listing in full shows no row at all
    assert "GET pages" in place.sent
    assert (place.kept, report.outcome.counts["right_deleted"]) == (ALL, 0)


async def test_what_a_lagging_query_still_shows_is_deleted_all_the_same(place: Place) -> None:
    await place.person.edit(place.ids[2], Effort={"number": 1})
    rows = [await place.person.page(row) for row in place.ids]
    await place.throw_away(2)

    async def lagging(request: httpx.Request, onwards: Any) -> httpx.Response:
        response = await onwards()
        return _with(response, results=rows) if request.url.path.endswith("/query") else response

    await place.run(lagging)
    assert place.kept == ALL - {"Row 2"}


class Answering:
    """A client whose search finds these rows."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.rows = list(rows)

    async def hint(self, path: str, body: Any, *, subject: str) -> Any:
        return {"results": self.rows}


async def test_a_row_that_stays_linked_is_looked_at_for_five_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its stamp says no more then: nobody restores a row and throws it away again in a minute that is over."""
    now, looks = 1_000.0, 0
    monkeypatch.setattr(trash.time, "time", lambda: now)

    async def look(_: str) -> dict[str, Any]:
        nonlocal looks
        looks += 1
        return FOUND

    client: Any = Answering(FOUND)
    told: trash.Told = {}
    for now in (1_000.0, 1_200.0, 1_299.0, 1_300.0, 9_000.0):
        trashed = await trash.look_in_trash(client, "s", {"a"}, told, look)
        assert trashed.new == ({"a"} if now < 1_300 else set())
        told = trashed.told
    assert looks == 3
    client.rows[0] = FOUND | {"last_edited_time": "12:05"}
    assert (await trash.look_in_trash(client, "s", {"a"}, told, look)).new == {"a"}
    client.rows.clear()
    assert (await trash.look_in_trash(client, "s", {"a"}, told, look)).told == {}


PARENT = {"type": "data_source_id", "data_source_id": "s"}
FOUND = {"object": "page", "id": "a", "in_trash": True, "parent": PARENT, "last_edited_time": "12:00"}


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(None, id="not shown"),
        pytest.param(FOUND | {"in_trash": False}, id="restored"),
        pytest.param(FOUND | {"parent": PARENT | {"data_source_id": "t"}}, id="elsewhere"),
        pytest.param(FOUND | {"parent": 7}, id="odd"),
        pytest.param(ItemError("refused"), id="refused"),
    ],
)
async def test_what_notion_does_not_confirm_is_not_told(shown: Any) -> None:
    async def look(_: str) -> Any:
        if isinstance(shown, Exception):
            raise shown
        return shown

    client: Any = Answering(FOUND)
    assert await trash.look_in_trash(client, "s", {"a"}, {}, look) == trash.Trashed(frozenset(), {})


async def test_it_can_be_switched_off(place: Place) -> None:
    place.again(search_trash=False)
    await place.throw_away(1)
    await place.run()
    assert place.sent == IDLE[:2]
    assert place.kept == ALL
    place.task.full_listing_every = timedelta(0)
    await place.run()
    assert place.kept == ALL - {"Row 1"}


def _with(response: httpx.Response, **more: Any) -> httpx.Response:
    return httpx.Response(response.status_code, json=json.loads(response.content) | more)
