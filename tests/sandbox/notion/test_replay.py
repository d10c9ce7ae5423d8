"""Recorded traffic of Notion itself, when `NOTION_RECORDINGS` names a folder of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from sandbox.notion import ROOT_PAGE_ID, Sandbox
from tests.sandbox.notion.api import Api, text

SCRIPT = Path(__file__).resolve().parents[3] / "proof" / "replay_recordings.py"
RECORDINGS = os.environ.get("NOTION_RECORDINGS")
#: Percent of the interactions, seeded ones aside, that agree.
FLOOR = 99.0


def replay(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), str(folder), *options], capture_output=True, text=True, check=False
    )


@pytest.mark.processes
@pytest.mark.skipif(not RECORDINGS, reason="NOTION_RECORDINGS names no folder")
def test_recordings_agree() -> None:
    done = replay(Path(RECORDINGS or ""), "--min-agree", str(FLOOR))
    assert done.returncode == 0, done.stdout + done.stderr


def cassette(folder: Path, *interactions: tuple[str, str, object, int, object]) -> None:
    entries = [
        {
            "request": {
                "method": method,
                "uri": f"https://api.notion.com/v1/{path}",
                "body": None if body is None else json.dumps(body),
                "headers": {"notion-version": ["2026-03-11"]},
            },
            "response": {"status_code": status, "headers": {}, "content": json.dumps(answer)},
        }
        for method, path, body, status, answer in interactions
    ]
    (folder / "one.yaml").write_text(yaml.safe_dump({"interactions": entries, "version": 1}))


PAGE = {
    "object": "page",
    "id": "11111111-1111-4111-8111-111111111111",
    "created_time": "2026-01-01T00:00:00.000Z",
    "last_edited_time": "2026-01-01T00:00:00.000Z",
    "created_by": {"object": "user", "id": "22222222-2222-4222-8222-222222222222"},
    "last_edited_by": {"object": "user", "id": "22222222-2222-4222-8222-222222222222"},
    "cover": None,
    "icon": None,
    "parent": {"type": "workspace", "workspace": True},
    "in_trash": False,
    "is_archived": False,
    "is_locked": False,
    "properties": {"title": {"id": "title", "type": "title", "title": []}},
    "url": "https://www.notion.so/11111111111141118111111111111111",
    "public_url": None,
}


@pytest.mark.processes
def test_what_agrees_what_was_seeded_and_what_differs(tmp_path: Path) -> None:
    path = f"pages/{PAGE['id']}"
    made_up = PAGE | {"is_locked": True}
    cassette(
        tmp_path,
        ("GET", path, None, 200, PAGE),
        ("PATCH", path, {"icon": None}, 200, PAGE),
        ("PATCH", path, {"in_trash": True}, 200, PAGE | {"in_trash": True}),
        ("GET", path, None, 200, made_up),
    )
    done = replay(tmp_path, "--json")
    assert json.loads(done.stdout)["total"] == {"agree": 2, "seeded": 1, "differ": 1}, done.stderr
    assert replay(tmp_path, "--min-agree", "67").returncode == 1
    assert replay(tmp_path, "--min-agree", "66").returncode == 0
    shown = replay(tmp_path, "--verbose").stdout
    assert ".in_trash: True, recorded False" in shown
    assert ".is_locked: False, recorded True" in shown


@pytest.mark.processes
def test_what_a_request_made_is_never_put_in(tmp_path: Path) -> None:
    wrong = PAGE | {"is_locked": True, "parent": {"type": "page_id", "page_id": PAGE["id"][:-1] + "2"}}
    body = {"parent": wrong["parent"], "properties": {}}
    cassette(
        tmp_path,
        ("POST", "pages", body, 200, wrong),
        ("GET", f"pages/{PAGE['id']}", None, 200, wrong),
    )
    counts = json.loads(replay(tmp_path, "--json").stdout)["total"]
    assert counts.get("differ") == 2


def view_traffic() -> list[tuple[str, str, Any, int, Any]]:
    """What a client does with views, recorded from a workspace whose ids a replay has to find again."""
    with Sandbox() as sandbox, httpx.Client(base_url=sandbox.url) as http:
        asked: list[tuple[str, str, Any, int, Any]] = []
        headers = Api(http).headers

        def ask(method: str, path: str, body: Any = None) -> Any:
            response = http.request(method, f"/v1/{path}", json=body, headers=headers)
            asked.append((method, path, body, response.status_code, response.json()))
            return response.json()

        above = ask("POST", "pages", {"parent": {"page_id": ROOT_PAGE_ID}, "properties": {}})["id"]
        columns = {"Name": {"title": {}}, "N": {"number": {}}}
        body = {"title": text("D"), "initial_data_source": {"properties": columns}}
        made = ask("POST", "databases", {"parent": {"page_id": above}, **body})
        source = made["data_sources"][0]["id"]
        for number in range(3):
            cells = {"N": {"number": number}, "Name": {"title": text(f"row {number}")}}
            ask("POST", "pages", {"parent": {"data_source_id": source}, "properties": cells})
        (first,) = ask("GET", f"views?database_id={made['id']}")["results"]
        ask("GET", f"views/{first['id']}")
        named = {"database_id": made["id"], "data_source_id": source, "type": "table", "name": "V"}
        view = ask("POST", "views", named)["id"]
        ask("PATCH", f"views/{view}", {"sorts": [{"property": "N", "direction": "descending"}]})
        ask("GET", f"views?data_source_id={source}")
        query = ask("POST", f"views/{view}/queries", {"page_size": 2})
        path = f"views/{view}/queries/{query['id']}"
        ask("GET", f"{path}?start_cursor={query['next_cursor']}")
        ask("DELETE", path)
        ask("DELETE", f"views/{view}")
        ask("GET", f"views/{view}")
        return asked


@pytest.mark.processes
def test_a_request_that_was_refused_in_a_mood_of_notions_makes_nothing(tmp_path: Path) -> None:
    page = {"parent": {"page_id": ROOT_PAGE_ID}, "properties": {"title": text("Twice?")}}
    refused = {
        "object": "error",
        "status": 429,
        "code": "rate_limited",
        "message": "Slow down.",
        "request_id": "r",
    }
    found = {
        "object": "list",
        "results": [],
        "has_more": False,
        "next_cursor": None,
        "type": "page_or_data_source",
    }
    cassette(
        tmp_path,
        ("POST", "pages", page, 429, refused),
        ("POST", "pages", page, 502, "<html>bad gateway</html>"),
        ("POST", "pages", page, 503, refused),
        ("POST", "search", {"query": "Twice?"}, 200, {**found, "page_or_data_source": {}, "request_id": "r"}),
    )
    counts = json.loads(replay(tmp_path, "--json").stdout)["endpoints"]
    assert counts["POST /pages"] == {"seeded": 2, "differ": 1}  # 503 has another word of its own
    assert counts["POST /search"] == {"agree": 1}


def test_views_are_measured(tmp_path: Path) -> None:
    traffic = view_traffic()
    cassette(tmp_path, *traffic)
    counts = json.loads(replay(tmp_path, "--json").stdout)
    assert counts["total"] == {"agree": len(traffic)}, replay(tmp_path, "--verbose").stdout
    renamed = [
        (*asked, status, answer | ({"name": "other"} if answer.get("name") == "V" else {}))
        for *asked, status, answer in traffic
    ]
    cassette(tmp_path, *renamed)
    assert json.loads(replay(tmp_path, "--json").stdout)["total"]["differ"] == 2


@pytest.mark.processes
def test_views_that_were_there_before(tmp_path: Path) -> None:
    traffic = view_traffic()
    kept = [each for each in traffic if each[1].startswith("views") and each[:2] != ("POST", "views")]
    cassette(tmp_path, *kept)
    endpoints = json.loads(replay(tmp_path, "--json").stdout)["endpoints"]
    assert endpoints["GET /views/{id}"].get("differ") is None, replay(tmp_path, "--verbose").stdout
    assert endpoints["GET /views"].get("differ") is None
    assert endpoints["DELETE /views/{id}"] == {"agree": 1}


@pytest.mark.processes
@pytest.mark.parametrize(("listed", "expected"), [(True, {"seeded": 1, "agree": 2}), (False, {"seeded": 2})])
def test_blocks_that_follow_new_ones_were_there_before(
    tmp_path: Path, listed: bool, expected: dict[str, int]
) -> None:
    def blocks(*names: str) -> Any:
        return {"children": [{"paragraph": {"rich_text": text(name)}} for name in names]}

    with Sandbox() as sandbox, httpx.Client(base_url=sandbox.url) as http:
        api = Api(http)
        page = api.ok("POST", "pages", {"parent": {"page_id": ROOT_PAGE_ID}, "properties": {}})
        path = f"blocks/{page['id']}/children"
        first, _ = (block["id"] for block in api.ok("PATCH", path, blocks("1", "2"))["results"])
        there = api.ok("GET", path)
        body = blocks("1a") | {"position": {"type": "after_block", "after_block": {"id": first}}}
        added = api.ok("PATCH", path, body)
        cassette(
            tmp_path,
            *([("GET", path, None, 200, there)] if listed else []),
            ("PATCH", path, body, 200, added),
            ("GET", path, None, 200, api.ok("GET", path)),
        )
    counts = json.loads(replay(tmp_path, "--json").stdout)["total"]
    assert counts == expected, replay(tmp_path, "--verbose").stdout


@pytest.mark.processes
@pytest.mark.parametrize("function", ["sum", "show_original"])
def test_a_rollup_of_a_page_that_was_there_before(tmp_path: Path, function: str) -> None:
    with Sandbox() as sandbox, httpx.Client(base_url=sandbox.url) as http:
        api = Api(http)
        there = api.source({"N": {"number": {}}})
        here = api.source({"Link": {"relation": {"data_source_id": there, "single_property": {}}}})
        wanted = {"relation_property_name": "Link", "rollup_property_name": "N", "function": function}
        api.ok("PATCH", f"data_sources/{here}", {"properties": {"R": {"rollup": wanted}}})
        rows = [{"id": api.page(there, str(number), N={"number": number})["id"]} for number in range(3)]
        page = api.page(here, "x", Link={"relation": rows})
        path = f"pages/{page['id']}/properties/{page['properties']['R']['id']}"
        cassette(tmp_path, ("GET", path, None, 200, api.ok("GET", path)))
    assert json.loads(replay(tmp_path, "--json").stdout)["total"] == {"seeded": 1}, replay(
        tmp_path, "--verbose"
    ).stdout


@pytest.mark.processes
def test_a_folder_without_cassettes(tmp_path: Path) -> None:
    done = replay(tmp_path)
    assert done.returncode == 2
    assert "no cassettes" in done.stderr
