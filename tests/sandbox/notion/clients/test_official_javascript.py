"""Notion's own JavaScript client against the sandbox; `official.mjs` is the program."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.notion import ROOT_PAGE_ID, Sandbox
from tests.harness.npm import run_tool
from tests.sandbox.notion.clients.conftest import HERE

TYPES = {
    "Title": "title",
    "Notes": "rich_text",
    "Pages": "number",
    "Kind": "select",
    "Tags": "multi_select",
    "State": "status",
    "Read": "date",
    "Lent": "people",
    "Files": "files",
    "Owned": "checkbox",
    "Link": "url",
    "Mail": "email",
    "Phone": "phone_number",
    "Number": "unique_id",
    "Made": "created_time",
    "Maker": "created_by",
    "Edited": "last_edited_time",
    "Editor": "last_edited_by",
    "Double": "formula",
    "Sequel": "relation",
}
KEPT = {
    "Title": "Emma",
    "State": "In progress",
    "Number": "BK-1",
    "Made": "created_time",
    "Maker": "created_by",
    "Edited": "last_edited_time",
    "Editor": "last_edited_by",
}


@pytest.mark.processes
@pytest.mark.parametrize("version", ["2025-09-03", "2026-03-11"])
def test_a_program_written_for_notion_runs(sandbox: Sandbox, official_client: Path, version: str) -> None:
    done = run_tool(
        "node", HERE / "official.mjs", official_client, sandbox.url, ROOT_PAGE_ID, version, timeout=120
    )
    assert done.returncode == 0, done.stderr
    saw: dict[str, Any] = json.loads(done.stdout)
    assert saw["users"] == {"bots": 1, "me": "bot", "person": "Alex Person"}
    assert saw["schema"] == {"full": True, "title": "Books", "icon": "📚", "types": TYPES}
    assert saw["full"]
    assert saw["first"] == KEPT | {
        "Notes": "bold e=mc^2@Alex Person",
        "Pages": 474,
        "Kind": "Novel",
        "Tags": ["old", "witty"],
        "Read": ["2026-03-01T10:00:00.000+01:00", "2026-03-04T10:00:00.000+01:00"],
        "Lent": 1,
        "Files": ["scan"],
        "Owned": True,
        "Link": "https://example.com/emma",
        "Mail": "jane@example.com",
        "Phone": "+44 1",
        "Double": 948,
        "Sequel": 0,
    }
    assert saw["queries"] == {
        "all": 28,
        "few": ["Volume 04", "Volume 02", "Volume 00"],
        "either": ["Emma", "Volume 26"],
        "dated": ["Emma"],
        "lent": ["Emma"],
        "unread": 27,
        "doubled": ["Volume 12"],
        "numbered": ["Emma"],
        "recent": 28,
        "narrow": ["Pages"],
    }
    assert saw["relation"] == {"shown": 25, "more": True, "all": 27}
    empty: dict[str, Any] = dict.fromkeys(["Notes"], "") | dict.fromkeys(["Lent", "Sequel"], 0)
    empty |= dict.fromkeys(["Pages", "Kind", "Read", "Link", "Mail", "Phone"])
    empty |= {"Tags": [], "Files": [], "Owned": False}
    assert {name: value for name, value in saw["cleared"].items() if name != "Double"} == KEPT | empty
    assert saw["renamed"] == {"title": "Library", "kept": True, "kinds": ["Novel", "Essay", "Play"]}
    assert saw["blocks"] == [["paragraph", "It was a fine day.", None], ["to_do", "read on", True]]
    assert saw["comments"] == [[True, "Lovely"]]
    assert saw["trash"] == {"trashed": True, "without": 27, "restored": False, "with": 28}
    assert saw["refusals"] == {
        "unknown": ["object_not_found", 404],
        "wrong": ["validation_error", 400],
        "computed": ["validation_error", 400],
        "stranger": ["unauthorized", 401],
    }
    assert saw["patient"]
    assert saw["conflict"] == [["conflict_error", 409], True]
    assert saw["many"] == {"first": 100, "more": True, "rest": 8, "last": None, "different": 108}
