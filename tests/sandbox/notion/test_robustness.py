"""Bodies with something wrong in any place are refused or taken, but never break the server."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.notion import PERSON_ID, ROOT_PAGE_ID, Behaviour, Sandbox
from tests.sandbox.notion.api import Api, Json, text
from tests.sandbox.notion.receiver import Receiver, receiving

JUNK: list[Any] = [
    *(None, True, -1, 1.5, 10**30, "", "x", "a,b", "2026-01-01", "\ud83d", [], {}, [1], ["x"], [None], [{}]),
    *([[]], {"x": 1}, {"id": None}, {"type": "x"}, PERSON_ID, {"id": PERSON_ID}),
]
RUNS: list[Json] = [
    {"type": "text", "text": {"content": "a", "link": {"url": "https://x"}}, "annotations": {"bold": True}},
    {"mention": {"user": {"id": PERSON_ID}}},
    {"mention": {"date": {"start": "2026-01-01"}}},
]
CELLS: Json = {
    "Name": {"title": RUNS},
    "N": {"number": 1},
    "S": {"select": {"name": "A"}},
    "M": {"multi_select": [{"name": "q"}]},
    "St": {"status": {"name": "Done"}},
    "D": {"date": {"start": "2026-01-01T10:00:00", "time_zone": "Europe/London"}},
    "P": {"people": [{"id": PERSON_ID}]},
    "F": {"files": [{"name": "x", "external": {"url": "https://x"}}]},
    "R": {"relation": [{"id": ROOT_PAGE_ID}]},
}
BLOCKS = [
    {"paragraph": {"rich_text": RUNS, "children": [{"to_do": {"rich_text": text("x")}}]}},
    {"table": {"table_width": 1, "children": [{"table_row": {"cells": [text("a")]}}]}},
    {"image": {"external": {"url": "https://x"}}},
]
FILTER = {
    "and": [
        {"or": [{"property": "N", "number": {"equals": 1}}, {"property": "S", "select": {"equals": ["A"]}}]},
        {"timestamp": "created_time", "created_time": {"this_week": {}}},
        {"property": "Fx", "formula": {"number": {"greater_than": 0}}},
    ]
}
COLUMNS: Json = {
    "Name": {"title": {}},
    "N": {"number": {"format": "dollar"}},
    "S": {"select": {"options": [{"name": "A", "color": "red"}]}},
    "M": {"multi_select": {}},
    "St": {"status": {}},
    "D": {"date": {}},
    "P": {"people": {}},
    "F": {"files": {}},
    "Fx": {"formula": {"expression": 'prop("N") + 1'}},
    "ID": {"unique_id": {"prefix": "X"}},
}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from places(part, (*path, key))


def spoiled(body: Json, path: tuple[Any, ...], choice: random.Random) -> Json:
    body = copy.deepcopy(body)
    inside: Any = body
    for key in path[:-1]:
        inside = inside[key]
    what = choice.randrange(8)
    if what == 0:
        del inside[path[-1]]
    elif what == 1 and isinstance(inside, dict):
        inside[choice.choice(["x", "id", "type", "name", "and", "property", ""])] = inside.pop(path[-1])
    else:
        inside[path[-1]] = choice.choice(JUNK)
    return body


@pytest.fixture
def told(sandbox: Sandbox) -> Iterator[Receiver]:
    """Whatever is done is told by webhooks as well, and noted for an index that lags."""
    with receiving() as receiver:
        made = sandbox.webhooks.subscribe(receiver.url)
        sandbox.webhooks.verify(made.id, receiver.verification_token)
        sandbox.webhooks.behaviour = Behaviour(delay=1e6)
        sandbox.index.seconds = 0.01
        yield receiver
        sandbox.webhooks.flush()
        assert receiver.events


@pytest.mark.parametrize("seed", range(3))
def test_nothing_breaks_the_server(api: Api, told: Receiver, seed: int) -> None:
    source = api.source({key: value for key, value in COLUMNS.items() if key != "Name"})
    change = {"R": {"relation": {"data_source_id": source, "dual_property": {}}}}
    api.ok("PATCH", f"data_sources/{source}", {"properties": change})
    page = api.page(source, "x")["id"]
    rollup = {"relation_property_name": "R", "rollup_property_name": "N", "function": "sum"}
    update = {"title": text("B"), "properties": {"Ro": {"rollup": rollup}, "S": COLUMNS["S"], **change}}
    database = {"parent": {"page_id": ROOT_PAGE_ID}, "initial_data_source": {"properties": COLUMNS}}
    query = {"filter": FILTER, "sorts": [{"property": "D", "direction": "ascending"}], "page_size": 2}
    markdown = {"content_updates": [{"old_str": "a", "new_str": "b"}]}
    above = api.ok("GET", f"data_sources/{source}")["parent"]["database_id"]
    shown = {"filter": FILTER["and"][0], "sorts": [{"property": "N", "direction": "ascending"}]}
    view = {"database_id": above, "data_source_id": source, "type": "table", "name": "V", **shown}
    view_id = api.ok("GET", "views", database_id=above)["results"][0]["id"]
    part = {"content": "x", "content_range": "a...b"}
    requests: list[tuple[str, str, Json]] = [
        ("POST", "pages", {"parent": {"data_source_id": source}, "properties": CELLS, "children": BLOCKS}),
        ("PATCH", f"pages/{page}", {"properties": CELLS, "icon": {"emoji": "x"}, "in_trash": False}),
        ("POST", f"data_sources/{source}/query", query),
        ("PATCH", f"data_sources/{source}", update),
        ("POST", "databases", database),
        ("PATCH", f"blocks/{ROOT_PAGE_ID}/children", {"children": BLOCKS, "position": {"type": "start"}}),
        ("POST", "search", {"query": "x", "filter": {"property": "object", "value": "page"}, "page_size": 3}),
        ("POST", "comments", {"parent": {"page_id": ROOT_PAGE_ID}, "rich_text": RUNS}),
        ("POST", "views", view),
        ("PATCH", f"views/{view_id}", {"name": "W", **shown}),
        ("POST", f"views/{view_id}/queries", {"page_size": 2}),
        ("POST", f"pages/{page}/move", {"parent": {"type": "page_id", "page_id": ROOT_PAGE_ID}}),
        (
            "POST",
            "pages",
            {"parent": {"page_id": ROOT_PAGE_ID}, "markdown": "x", "template": {"type": "none"}},
        ),
        ("POST", "data_sources", {"parent": {"database_id": above}, "properties": COLUMNS, "title": RUNS}),
        ("PATCH", f"databases/{above}", {"title": RUNS, "is_inline": True, "in_trash": False, "icon": None}),
        (
            "PATCH",
            f"pages/{page}/markdown",
            {"type": "insert_content", "insert_content": {"content": "x", "after": "a...b"}},
        ),
        ("PATCH", f"pages/{page}/markdown", {"type": "replace_content_range", "replace_content_range": part}),
        ("PATCH", f"pages/{page}/markdown", {"type": "update_content", "update_content": markdown}),
    ]
    choice = random.Random(seed)
    headers = api.headers | {"content-type": "application/json"}
    for method, path, body in requests:
        for place in places(body):
            raw = json.dumps(spoiled(body, place, choice)).encode()
            response = api.http.request(method, f"/v1/{path}", content=raw, headers=headers)
            assert response.status_code < 500, (method, path, raw)
            if response.status_code >= 400:
                assert response.json()["object"] == "error"


def test_nothing_breaks_the_back_door(api: Api, told: Receiver) -> None:
    source = api.source({"S": {"select": {"options": [{"name": "x"}]}}})
    page = api.page(source, "x")
    block = api.ok("PATCH", f"blocks/{page['id']}/children", {"children": BLOCKS[:1]})["results"][0]["id"]
    column = {"data_source": source, "column": "S"}
    deed = {"action": "trash", "arguments": {"id": page["id"]}, "who": "Ada"}
    requests: list[tuple[str, Json]] = [
        ("clock", {"now": "2026-01-01T00:00:00Z", "advance": 60, "speed": 2}),
        ("faults", {"method": "PUT", "path": "/v1/pages/*", "skip": 10**6, "status": 429, "retry_after": 1}),
        ("faults", {"path": "/v1/x", "share": 0.5, "seed": 1, "delay": 1, "then": [deed]}),
        ("rate_limit", {"per_second": 1e6, "burst": 10**6, "clock": "real"}),
        ("index_lag", {"seconds": 0.1}),
        ("data_sources", {"title": "x", "properties": {"Name": {"title": {}}}}),
        ("bot", {"token": "t", "id": PERSON_ID, "name": "x"}),
        ("search_index", {page["id"]: True}),
        ("webhooks/behaviour", {"delay": 1, "drop": 0.1, "seed": 3, "reorder": True}),
        ("webhooks/verify", {"id": "x", "verification_token": "y"}),
        ("webhooks/unsubscribe", {"id": "x"}),
        ("webhooks", {"url": "http://127.0.0.1:1/", "token": "t", "events": ["page.moved"], "version": "x"}),
        (
            "person/create_data_source",
            {"title": "x", "columns": COLUMNS, "parent": {"page_id": ROOT_PAGE_ID}},
        ),
        (
            "person/create_page",
            {"data_source": source, "properties": {"Name": CELLS["Name"]}, "markdown": "x"},
        ),
        ("person/edit_page", {"page": page["id"], "properties": {"S": CELLS["S"]}}),
        ("person/add_blocks", {"parent": page["id"], "blocks": BLOCKS}),
        ("person/edit_block", {"block": block, "content": {"paragraph": {"rich_text": RUNS}}}),
        (
            "person/add_column",
            {"data_source": source, "name": "T", "type": "select", "config": {"options": []}},
        ),
        ("person/change_column_type", {**column, "type": "status", "config": {}}),
        ("person/rename_column", {**column, "name": "S"}),
        ("person/add_option", {**column, "name": "y", "color": "red"}),
        ("person/rename_option", {**column, "option": "x", "name": "z"}),
        ("person/delete_option", {**column, "option": "y"}),
        ("person/move", {"page": page["id"], "data_source": source}),
        ("person/churn", {"data_source": source, "edits": 3, "seed": 1}),
        ("person/unshare", {"id": page["id"]}),
        ("person/share", {"id": page["id"]}),
        ("erase", {"id": page["id"]}),
        ("objects", {"objects": [page]}),
    ]
    for path, body in requests:
        for seed, place in enumerate([*places(body)] * 3):
            raw = json.dumps(spoiled(body, place, random.Random(seed))).encode()
            response = api.http.post(f"/_sandbox/{path}", content=raw, headers={"Sandbox-User": "Ada"})
            assert response.status_code < 500, (path, raw)
            if response.status_code >= 400:
                assert response.json()["message"], (path, raw)
