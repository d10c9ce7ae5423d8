"""A listing is complete or says why not, whatever Notion answers on the way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import SecretStr

from tasks.errors import OutcomeUnknownError, PreconditionError, SideError, TaskDefinitionError
from tasks.services.notion.api.client import NotionClient
from tasks.services.notion.api.throttle import LocalThrottle
from tasks.services.notion.rows import rows
from tasks.services.notion.rows.rows import Rows
from tests.tasks.services.notion.scripted_server import Drop, Reply, ScriptedServer, error, scripted_server

SOURCE = "3839ce7b-60a4-802c-b152-000ba814957b"
DATABASE = "0bc7b2c3-60a4-802c-b152-000ba814957b"

SCHEMA = Reply(
    200,
    {
        "object": "data_source",
        "id": SOURCE,
        "title": [{"type": "text", "text": {"content": "Tasks"}, "plain_text": "Tasks"}],
        "in_trash": False,
        "properties": {
            "Name": {"id": "title", "name": "Name", "type": "title", "title": {}},
            "Status": {
                "id": "hlY%3D",
                "name": "Status",
                "type": "status",
                "status": {
                    "options": [{"id": "1", "name": "To do"}, {"id": "2", "name": "Done"}],
                    "groups": [],
                },
            },
        },
    },
)
NOT_FOUND = error(404, "object_not_found", "Could not find it.")
LIMIT = {"type": "incomplete", "incomplete_reason": "query_result_limit_reached"}


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with scripted_server() as running:
        yield running


@pytest.fixture
async def source(server: ScriptedServer) -> AsyncIterator[Rows]:
    async with NotionClient(
        SecretStr("t"), base_url=server.url, throttle=LocalThrottle(1000, 1000), first_delay=0.01, repeats=2
    ) as client:
        yield Rows(client, SOURCE)


def row(number: int, minute: int = 0, **more: Any) -> dict[str, Any]:
    created = f"2026-06-26T13:{minute:02}:00.000Z"
    return {"object": "page", "id": f"row-{number}", "created_time": created, "in_trash": False, **more}


def answer(*rows: dict[str, Any], cursor: str | None = None, status: Any = None) -> Reply:
    body: dict[str, Any] = {
        "object": "list",
        "results": list(rows),
        "next_cursor": cursor,
        "has_more": cursor is not None,
    }
    if status:
        body["request_status"] = status
    return Reply(200, body)


def queries(server: ScriptedServer) -> list[dict[str, Any]]:
    return [request.body for request in server.requests if request.path.endswith("/query")]


def numbers(listing: list[Any]) -> list[int]:
    return [int(raw["id"].removeprefix("row-")) for raw in listing]


async def test_all_answers_are_read_each_row_once(server: ScriptedServer, source: Rows) -> None:
    server.will(
        SCHEMA, answer(row(1), row(2), cursor="a"), answer(row(2), row(3), cursor="b"), answer(row(4))
    )
    listing = await source.rows()
    assert numbers(listing) == [1, 2, 3, 4]
    assert listing.partial is None
    first, second, third = queries(server)
    assert first == {"page_size": 100, "sorts": [{"timestamp": "created_time", "direction": "ascending"}]}
    assert (second["start_cursor"], third["start_cursor"]) == ("a", "b")


async def test_what_is_no_row_is_left_out(server: ScriptedServer, source: Rows) -> None:
    other = {"object": "data_source", "id": "row-9", "created_time": "2026-06-26T13:00:00.000Z"}
    old = {"object": "page", "id": "row-8", "created_time": "2026-06-26T13:00:00.000Z", "archived": True}
    server.will(SCHEMA, answer(row(1), other, row(2, in_trash=True), old))
    assert numbers(await source.rows()) == [1]


async def test_beyond_the_limit_it_goes_on_from_the_last_minute(server: ScriptedServer, source: Rows) -> None:
    server.will(
        SCHEMA,
        answer(row(1, 1), row(2, 2), cursor="a"),
        answer(row(3, 3), status=LIMIT),
        answer(row(3, 3), row(4, 3), row(5, 4), status=LIMIT),
        answer(row(5, 4), row(6, 4)),
    )
    listing = await source.rows()
    assert numbers(listing) == [1, 2, 3, 4, 5, 6]
    assert listing.partial is None
    assert [query.get("filter") for query in queries(server)] == [
        None,
        None,
        {"timestamp": "created_time", "created_time": {"on_or_after": "2026-06-26T13:03:00.000Z"}},
        {"timestamp": "created_time", "created_time": {"on_or_after": "2026-06-26T13:04:00.000Z"}},
    ]
    assert "start_cursor" not in queries(server)[2]


async def test_a_limit_told_in_the_middle_is_not_forgotten(server: ScriptedServer, source: Rows) -> None:
    server.will(
        SCHEMA, answer(row(1, 1), cursor="a", status=LIMIT), answer(row(2, 2)), answer(row(2, 2), row(3, 2))
    )
    listing = await source.rows()
    assert numbers(listing) == [1, 2, 3]
    assert listing.partial is None


async def test_more_rows_in_one_minute_than_notion_lists(server: ScriptedServer, source: Rows) -> None:
    server.will(SCHEMA, answer(row(1), row(2), status=LIMIT), answer(row(1), row(2), status=LIMIT))
    listing = await source.rows()
    assert numbers(listing) == [1, 2]
    assert "more were created in one minute" in str(listing.partial)


async def test_the_limit_counts_also_where_notion_does_not_tell(
    server: ScriptedServer, source: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "QUERY_LIMIT", 2)
    server.will(SCHEMA, answer(row(1, 1), row(2, 2)), answer(row(3, 3)))
    listing = await source.rows()
    assert numbers(listing) == [1, 2, 3]
    assert listing.partial is None


@pytest.mark.parametrize("reason", ["something_new", None])
async def test_cut_for_another_reason_is_partial(
    server: ScriptedServer, source: Rows, reason: str | None
) -> None:
    server.will(SCHEMA, answer(row(1), status={"type": "incomplete", "incomplete_reason": reason}))
    listing = await source.rows()
    assert numbers(listing) == [1]
    assert (reason or "no reason given") in str(listing.partial)


@pytest.mark.parametrize("cursor", ["a", None])
async def test_a_cursor_that_does_not_move_on(
    server: ScriptedServer, source: Rows, cursor: str | None
) -> None:
    stuck = answer(row(2), cursor="a")
    stuck.body["next_cursor"] = cursor
    server.will(SCHEMA, answer(row(1), cursor="a"), stuck)
    listing = await source.rows()
    assert numbers(listing) == [1, 2]
    assert "cursor" in str(listing.partial)


async def test_a_lost_cursor_is_taken_up_where_it_was_lost(server: ScriptedServer, source: Rows) -> None:
    lost = error(400, "validation_error", "The start_cursor provided is invalid: a")
    server.will(SCHEMA, answer(row(1, 1), row(2, 2), cursor="a"), lost, answer(row(2, 2), row(3, 2)))
    listing = await source.rows()
    assert numbers(listing) == [1, 2, 3]
    assert listing.partial is None
    assert queries(server)[2]["filter"]["created_time"] == {"on_or_after": "2026-06-26T13:02:00.000Z"}


async def test_cursors_that_are_lost_again_and_again(server: ScriptedServer, source: Rows) -> None:
    lost = error(400, "validation_error", "The start_cursor provided is invalid: a")
    server.will(SCHEMA, *[answer(row(1), cursor="a"), lost] * 20)
    with pytest.raises(SideError, match="refuses its own cursors"):
        await source.rows()
    assert len(server.requests) < 20


async def test_a_walk_survives_faults(server: ScriptedServer, source: Rows) -> None:
    server.will(SCHEMA, Drop(), answer(row(1), cursor="a"), error(503, "service_unavailable"), answer(row(2)))
    assert numbers(await source.rows()) == [1, 2]


async def test_a_walk_that_breaks_off_is_no_listing(server: ScriptedServer, source: Rows) -> None:
    server.will(SCHEMA, answer(row(1), cursor="a"), Drop(), Drop(), Drop())
    with pytest.raises(SideError, match=f"Notion data source {SOURCE}: .*does not answer"):
        await source.rows()


# -- the data source itself ---------------------------------------------------------------------------------


async def test_schema(server: ScriptedServer, source: Rows) -> None:
    server.will(SCHEMA)
    schema = await source.schema()
    assert (schema.id, schema.title, schema.in_trash) == (SOURCE, "Tasks", False)
    assert schema.columns["Status"].id == "hlY%3D"
    assert schema.columns["Status"].options == ("To do", "Done")


def database(*ids: str) -> Reply:
    listed = [{"id": id_, "name": f"Part {place}"} for place, id_ in enumerate(ids, start=1)]
    title = [{"type": "text", "text": {"content": "Work"}, "plain_text": "Work"}]
    return Reply(200, {"object": "database", "id": DATABASE, "title": title, "data_sources": listed})


@pytest.mark.parametrize("refusal", [NOT_FOUND, error(400, "validation_error", "That is a database.")])
async def test_a_database_with_one_data_source_will_do(
    server: ScriptedServer, source: Rows, refusal: Reply
) -> None:
    server.will(refusal, database(SOURCE), SCHEMA, SCHEMA)
    assert (await source.schema()).id == SOURCE
    await source.schema()
    assert source.id == SOURCE
    assert server.requests[-1].path == f"/v1/data_sources/{SOURCE}"


async def test_a_database_with_several(server: ScriptedServer, source: Rows) -> None:
    server.will(NOT_FOUND, database(SOURCE, DATABASE))
    with pytest.raises(TaskDefinitionError, match=rf"'Work' has 2 data sources.*'Part 1' {SOURCE}, 'Part 2'"):
        await source.schema()


async def test_a_database_without_any(server: ScriptedServer, source: Rows) -> None:
    server.will(NOT_FOUND, database())
    with pytest.raises(TaskDefinitionError, match="'Work' has no data source"):
        await source.schema()


async def test_nothing_there_that_the_token_may_see(server: ScriptedServer, source: Rows) -> None:
    server.will(NOT_FOUND, NOT_FOUND)
    with pytest.raises(SideError, match=f"{SOURCE} does not exist.*share it with the integration"):
        await source.schema()


async def test_unshared_while_it_is_read(server: ScriptedServer, source: Rows) -> None:
    server.will(SCHEMA, answer(row(1), cursor="a"), NOT_FOUND)
    with pytest.raises(SideError, match="share it with the integration"):
        await source.rows()


# -- single rows --------------------------------------------------------------------------------------------


HOME = {"object": "data_source", "id": SOURCE, "in_trash": False}


@pytest.mark.parametrize(
    ("replies", "gone"),
    [
        ([Reply(200, row(1, in_trash=True)), Reply(200, HOME)], True),
        ([Reply(200, {"object": "page", "id": "row-1", "archived": True}), Reply(200, HOME)], True),
        ([Reply(200, row(1, in_trash=True)), Reply(200, HOME | {"in_trash": True})], False),
        (
            [
                Reply(200, row(1, in_trash=True)),
                Reply(200, {"object": "data_source", "id": SOURCE, "archived": True}),
            ],
            False,
        ),
        ([Reply(200, row(1, in_trash=True)), NOT_FOUND], False),
        ([Reply(200, row(1))], False),
        ([Reply(200, row(1, is_archived=True))], False),
        ([Reply(200, row(1, parent={"type": "data_source_id", "data_source_id": DATABASE}))], False),
        ([NOT_FOUND], False),
        ([error(400, "validation_error", "not a uuid")], False),
    ],
    ids=[
        "trashed",
        "trashed-old-word",
        "trashed-with-all",
        "trashed-with-all-old-word",
        "source-unshared",
        "there",
        "archived",
        "moved",
        "unshared",
        "no-page",
    ],
)
async def test_gone_is_only_what_notion_calls_trashed(
    server: ScriptedServer, source: Rows, replies: list[Reply], gone: bool
) -> None:
    server.will(*replies)
    assert await source.is_gone("row-1") is gone


async def test_a_fault_is_no_word_on_whether_it_is_gone(server: ScriptedServer, source: Rows) -> None:
    server.will(*[error(500, "internal_server_error")] * 3)
    with pytest.raises(SideError):
        await source.is_gone("row-1")


async def test_writes_of_one_row(server: ScriptedServer, source: Rows) -> None:
    await source.create({"title": {"title": []}})
    await source.update("row-1", {"properties": {"hlY%3D": {"status": None}}})
    await source.trash("row-1")
    assert [(sent.method, sent.path, sent.body) for sent in server.requests] == [
        (
            "POST",
            "/v1/pages",
            {
                "parent": {"type": "data_source_id", "data_source_id": SOURCE},
                "properties": {"title": {"title": []}},
            },
        ),
        ("PATCH", "/v1/pages/row-1", {"properties": {"hlY%3D": {"status": None}}}),
        ("PATCH", "/v1/pages/row-1", {"in_trash": True}),
    ]


async def test_a_create_without_an_answer(server: ScriptedServer, source: Rows) -> None:
    server.will(Drop())
    with pytest.raises(OutcomeUnknownError):
        await source.create({})
    assert len(server.requests) == 1


async def test_a_row_that_went_to_the_trash_meanwhile(server: ScriptedServer, source: Rows) -> None:
    server.will(error(400, "validation_error", "Can't edit block that is archived. You must unarchive it."))
    with pytest.raises(PreconditionError, match="row-1 is in the trash by now"):
        await source.update("row-1", {"properties": {}})
