"""`notion-client`, with and without asyncio, against the sandbox."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from notion_client import APIErrorCode, APIResponseError, AsyncClient, Client
from notion_client.helpers import (
    async_collect_paginated_api,
    collect_paginated_api,
    is_full_data_source,
    is_full_page,
    iterate_paginated_api,
)

from sandbox.notion import ROOT_PAGE_ID, Sandbox

COLUMNS: dict[str, Any] = {
    "Title": {"title": {}},
    "Notes": {"rich_text": {}},
    "Pages": {"number": {"format": "euro"}},
    "Kind": {"select": {"options": [{"name": "Novel", "color": "blue"}]}},
    "Tags": {"multi_select": {}},
    "State": {"status": {}},
    "Read": {"date": {}},
    "Lent": {"people": {}},
    "Files": {"files": {}},
    "Owned": {"checkbox": {}},
    "Link": {"url": {}},
    "Mail": {"email": {}},
    "Phone": {"phone_number": {}},
    "Number": {"unique_id": {"prefix": "BK"}},
}


def title(content: str) -> dict[str, Any]:
    return {"title": [{"text": {"content": content}}]}


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    with Client(
        auth="token", base_url=sandbox.url, notion_version="2026-03-11", log_level=logging.ERROR
    ) as made:
        yield made


@pytest.fixture
def source(client: Client) -> str:
    made: Any = client.databases.create(
        parent={"page_id": ROOT_PAGE_ID},
        title=[{"text": {"content": "Books"}}],
        initial_data_source={"properties": COLUMNS},
    )
    return str(made["data_sources"][0]["id"])


def add(client: Client, source: str, name: str, **values: Any) -> dict[str, Any]:
    made: Any = client.pages.create(
        parent={"data_source_id": source}, properties={"Title": title(name), **values}
    )
    return dict(made)


def test_a_row_with_a_value_of_every_type_is_made_changed_cleared_and_trashed(
    client: Client, source: str
) -> None:
    schema: Any = client.data_sources.retrieve(data_source_id=source)
    assert is_full_data_source(schema)
    assert {name: column["type"] for name, column in schema["properties"].items()} == {
        name: next(iter(column)) for name, column in COLUMNS.items()
    }
    person = next(user for user in collect_paginated_api(client.users.list) if user["type"] == "person")
    values: dict[str, Any] = {
        "Notes": {"rich_text": [{"text": {"content": "x" * 2000}}, {"equation": {"expression": "a^2"}}]},
        "Pages": {"number": 4.5},
        "Kind": {"select": {"name": "Novel"}},
        "Tags": {"multi_select": [{"name": "old"}, {"name": "new"}]},
        "State": {"status": {"name": "Done"}},
        "Read": {"date": {"start": "2026-03-01", "end": "2026-03-02"}},
        "Lent": {"people": [{"id": person["id"]}]},
        "Files": {"files": [{"name": "scan", "external": {"url": "https://example.com/scan.pdf"}}]},
        "Owned": {"checkbox": True},
        "Link": {"url": "https://example.com"},
        "Mail": {"email": "a@example.com"},
        "Phone": {"phone_number": "1"},
    }
    made = add(client, source, "Emma", **values)
    assert is_full_page(made)
    seen: Any = client.pages.retrieve(page_id=made["id"])
    cells = seen["properties"]
    assert "".join(run["plain_text"] for run in cells["Notes"]["rich_text"]) == "x" * 2000 + "a^2"
    assert cells["Kind"]["select"]["color"] == "blue"
    assert [tag["name"] for tag in cells["Tags"]["multi_select"]] == ["old", "new"]
    assert cells["Read"]["date"] == {"start": "2026-03-01", "end": "2026-03-02", "time_zone": None}
    assert cells["Lent"]["people"][0]["name"] == person["name"]
    assert cells["Number"]["unique_id"] == {"prefix": "BK", "number": 1}
    for name in ("Pages", "Owned", "Link", "Mail", "Phone"):
        assert {k: v for k, v in cells[name].items() if k not in ("id", "type")} == values[name]
    empty = {
        name: {kind: [] if isinstance(value, list) else None}
        for name, cell in values.items()
        for kind, value in cell.items()
    }
    cleared: Any = client.pages.update(
        page_id=made["id"],
        properties={
            **{name: cell for name, cell in empty.items() if name != "State"},
            "Owned": {"checkbox": False},
        },
    )
    assert not any(cleared["properties"][name][next(iter(empty[name]))] for name in empty if name != "State")
    trashed: Any = client.pages.update(page_id=made["id"], in_trash=True)
    assert trashed["in_trash"]
    assert collect_paginated_api(client.data_sources.query, data_source_id=source) == []
    client.pages.update(page_id=made["id"], in_trash=False)
    assert len(collect_paginated_api(client.data_sources.query, data_source_id=source)) == 1


async def test_rows_are_queried_by_filter_and_sort_page_by_page(
    sandbox: Sandbox, client: Client, source: str
) -> None:
    for number in range(12):
        add(
            client,
            source,
            f"Volume {number:02}",
            Pages={"number": number},
            Owned={"checkbox": number % 3 == 0},
        )
    found = iterate_paginated_api(
        client.data_sources.query,
        data_source_id=source,
        filter={
            "and": [
                {"property": "Owned", "checkbox": {"equals": False}},
                {"property": "Pages", "number": {"less_than": 8}},
            ]
        },
        sorts=[{"property": "Pages", "direction": "descending"}],
        page_size=2,
    )
    assert [row["properties"]["Pages"]["number"] for row in found] == [7, 5, 4, 2, 1]
    async with AsyncClient(auth="token", base_url=sandbox.url, notion_version="2025-09-03") as same:
        rows: Any = await async_collect_paginated_api(
            same.data_sources.query, data_source_id=source, page_size=5, filter_properties=["Title"]
        )
    assert len(rows) == 12
    assert {name for row in rows for name in row["properties"]} == {"Title"}


def test_more_rows_than_one_answer_holds(client: Client, source: str) -> None:
    for _ in range(101):
        add(client, source, "Pamphlet")
    first: Any = client.data_sources.query(data_source_id=source)
    assert (len(first["results"]), first["has_more"]) == (100, True)
    rows = collect_paginated_api(client.data_sources.query, data_source_id=source, page_size=100)
    assert len({row["id"] for row in rows}) == 101


def test_refusals_are_the_client_s_own_errors_and_waits_are_kept(
    client: Client, sandbox: Sandbox, source: str
) -> None:
    for code, call in (
        (
            APIErrorCode.ObjectNotFound,
            lambda: client.pages.retrieve(page_id="00000000-0000-4000-8000-00000000dead"),
        ),
        (APIErrorCode.ValidationError, lambda: add(client, source, "x", Pages={"number": "many"})),
        (APIErrorCode.ValidationError, lambda: add(client, source, "x", Nothing={"number": 1})),
    ):
        with pytest.raises(APIResponseError) as refused:
            call()
        assert refused.value.code == code
    row = add(client, source, "Emma")
    sandbox.workspace.faults.add({"method": "PATCH", "status": 409})
    with pytest.raises(APIResponseError) as refused:
        client.pages.update(page_id=row["id"], in_trash=True)
    assert (refused.value.code, refused.value.status) == (APIErrorCode.ConflictError, 409)
    sandbox.workspace.faults.add({"method": "GET", "status": 429, "retry_after": 0, "times": 2})
    seen: Any = client.pages.retrieve(page_id=row["id"])
    assert seen["id"] == row["id"]
