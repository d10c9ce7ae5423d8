"""Forms of cassettes: whatever recorded the traffic, the same is read."""

from __future__ import annotations

import base64
import gzip
import json
import random
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "proof"))

from recordings.bodies import read_body
from recordings.cassette import CassetteError, Interaction, read_cassette
from recordings.compare import differences, normal
from recordings.knowledge import Knowledge
from recordings.replay import replay

URI = "https://api.notion.com/v1/users?page_size=2"
BODY = {"a": "ü"}
ANSWER = {"object": "list", "results": []}
TEXT = json.dumps(ANSWER)
PACKED = gzip.compress(TEXT.encode())
HEADERS = {"Notion-Version": ["2025-09-03"]}


def vcr(body: Any, response: dict[str, Any], **request: Any) -> dict[str, Any]:
    asked = {"method": "POST", "uri": URI, "body": body, "headers": HEADERS} | request
    return {"interactions": [{"request": asked, "response": response}], "version": 1}


FORMS: dict[str, tuple[str, Any]] = {
    "vcrpy": ("a.yaml", vcr(json.dumps(BODY), {"status": {"code": 200}, "body": {"string": TEXT}})),
    "vcrpy bytes": (
        "a.yml",
        vcr(json.dumps(BODY).encode(), {"status": {"code": 200}, "body": {"string": PACKED}}),
    ),
    "vcrpy httpx": ("a.yaml", vcr(json.dumps(BODY), {"status_code": 200, "content": TEXT})),
    "vcrpy json": ("a.json", vcr(json.dumps(BODY), {"status": {"code": 200}, "body": {"string": TEXT}})),
    "base64": (
        "a.yaml",
        vcr(
            {"string": json.dumps(BODY)},
            {"status": 200, "body": {"base64_string": base64.b64encode(PACKED).decode()}},
        ),
    ),
    "bare base64": ("a.json", vcr(BODY, {"status": 200, "body": base64.b64encode(PACKED).decode()})),
    "ruby": (
        "a.yml",
        {
            "http_interactions": [
                {
                    "request": {
                        "method": "post",
                        "uri": URI,
                        "body": {"encoding": "UTF-8", "string": json.dumps(BODY)},
                        "headers": HEADERS,
                    },
                    "response": {
                        "status": {"code": 200, "message": "OK"},
                        "body": {"encoding": "UTF-8", "string": TEXT},
                    },
                    "recorded_at": "Wed, 21 Oct 2026 07:28:00 GMT",
                }
            ],
            "recorded_with": "VCR 6.1.0",
        },
    ),
    "go": (
        "a.yaml",
        {
            "interactions": [
                {
                    "request": {"method": "POST", "url": URI, "body": json.dumps(BODY), "headers": HEADERS},
                    "response": {"status": "200 OK", "code": 200, "body": TEXT},
                }
            ]
        },
    ),
    "har": (
        "a.har",
        {
            "log": {
                "entries": [
                    {
                        "startedDateTime": "2026-01-01T00:00:00.000Z",
                        "request": {
                            "method": "POST",
                            "url": URI,
                            "headers": [{"name": "notion-version", "value": "2025-09-03"}],
                            "postData": {"mimeType": "application/json", "text": json.dumps(BODY)},
                        },
                        "response": {
                            "status": 200,
                            "headers": [],
                            "content": {
                                "text": base64.b64encode(TEXT.encode()).decode(),
                                "encoding": "base64",
                            },
                        },
                    }
                ]
            }
        },
    ),
    "nock": (
        "a.json",
        [
            {
                "scope": "https://api.notion.com:443",
                "method": "POST",
                "path": "/v1/users?page_size=2",
                "body": BODY,
                "status": 200,
                "response": ANSWER,
                "reqheaders": {"notion-version": "2025-09-03"},
                "rawHeaders": ["Date", "Wed, 21 Oct 2026 07:28:00 GMT"],
            }
        ],
    ),
}


def read(folder: Path, name: str, doc: Any) -> tuple[list[Interaction], list[str]]:
    path = folder / name
    path.write_text(json.dumps(doc) if path.suffix in (".json", ".har") else yaml.dump(doc))
    return read_cassette(path)


@pytest.mark.parametrize("form", FORMS)
def test_forms(form: str, tmp_path: Path) -> None:
    (found,), unread = read(tmp_path, *FORMS[form])
    assert not unread
    assert (found.method, found.path, found.query) == ("POST", "users", [("page_size", "2")])
    assert (found.body, found.status, found.answer, found.version) == (BODY, 200, ANSWER, "2025-09-03")
    assert (found.time is None) is (form not in ("ruby", "har", "nock"))


@pytest.mark.parametrize(
    ("answer", "path", "version"),
    [
        ({"object": "database", "properties": {}}, "databases/x/query", "2022-06-28"),
        ({"object": "data_source", "archived": False, "in_trash": False}, "data_sources/x", "2025-09-03"),
        ({"object": "page", "in_trash": False}, "pages/x", "2026-03-11"),
    ],
)
def test_version_that_was_left_out(answer: Any, path: str, version: str, tmp_path: Path) -> None:
    doc = vcr(
        None, {"status": 200, "body": json.dumps(answer)}, uri=f"https://api.notion.com/v1/{path}", headers={}
    )
    (found,), _ = read(tmp_path, "a.yaml", doc)
    assert found.version == version


def test_tags_of_python_and_of_others_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(
        "interactions:\n- request: {method: GET, uri: !!python/unicode 'https://api.notion.com/v1/users', body: null,"
        " headers: !odd {Notion-Version: !!python/tuple ['2026-03-11']}}\n"
        "  response: {status: {code: 200}, body: {string: '{}'}, headers: {}}\n"
    )
    (found,), _ = read_cassette(path)
    assert (found.path, found.version) == ("users", "2026-03-11")


def test_other_services_are_left_out(tmp_path: Path) -> None:
    good = vcr(None, {"status": 200, "body": ""})["interactions"]
    for uri in ("https://www.googleapis.com/v1/users", "https://tasks.googleapis.com/tasks/v1/lists"):
        good += vcr(None, {"status": 200, "body": ""}, uri=uri)["interactions"]
    assert len(read(tmp_path, "a.yaml", {"interactions": good})[0]) == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.yaml", b"\xff\xfe\x00"),
        ("a.yaml", b"a: [b"),
        ("a.json", b"{"),
        ("a.json", b'{"name": "x"}'),
        ("a.har", b"3"),
    ],
)
def test_what_is_no_cassette_is_told(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CassetteError) as told:
        read_cassette(tmp_path / name)
    assert "\n" not in str(told.value)


def test_one_odd_interaction_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    doc = vcr(None, {"status": 200, "body": ""})
    doc["interactions"].insert(0, {"request": {"method": "GET"}, "response": None})
    found, unread = read(tmp_path, "a.yaml", doc)
    assert len(found) == 1
    assert unread[0].startswith("#0: no known form")


def test_bodies_that_are_only_text() -> None:
    assert read_body("<html>502</html>") == "<html>502</html>"
    assert read_body("deadbeef") == "deadbeef"
    assert read_body(b"\x1f\x8bbroken") == "\x1f\ufffdbroken"
    assert read_body("") is None


OLD: dict[str, Any] = {
    "created_time": "2023-01-01T00:00:00.000Z",
    "last_edited_time": "2023-01-01T00:00:00.000Z",
    "created_by": {"object": "user", "id": "22222222-2222-4222-8222-222222222222"},
    "last_edited_by": {"object": "user", "id": "22222222-2222-4222-8222-222222222222"},
}
DATABASE = "33333333-3333-4333-8333-333333333333"


def row(number: int) -> dict[str, Any]:
    return OLD | {
        "object": "page",
        "id": f"11111111-1111-4111-8111-11111111111{number}",
        "cover": None,
        "icon": None,
        "parent": {"type": "database_id", "database_id": DATABASE},
        "in_trash": False,
        "is_archived": False,
        "is_locked": False,
        "archived": False,
        "properties": {
            "N": {"id": "aaaa", "type": "number", "number": number},
            "Name": {"id": "title", "type": "title", "title": []},
        },
        "url": "https://www.notion.so/x",
        "public_url": None,
    }


def listed(rows: list[dict[str, Any]], cursor: str | None) -> dict[str, Any]:
    kind = "page_or_database"
    return {
        "object": "list",
        "results": rows,
        "next_cursor": cursor,
        "has_more": bool(cursor),
        "type": kind,
        kind: {},
    }


def asked(path: str, body: Any, answer: Any, method: str = "POST") -> Interaction:
    return Interaction(method, path, [], body, "2022-06-28", "application/json", 200, answer, None)


def test_a_database_of_the_oldest_version_that_was_there_before() -> None:
    query = f"databases/{DATABASE}/query"
    interactions = [
        asked(query, {"page_size": 2}, listed([row(3), row(2)], "s:x:y")),
        asked(query, {"page_size": 2, "start_cursor": "s:x:y"}, listed([row(1)], None)),
        asked(
            query,
            {"filter": {"property": "N", "number": {"greater_than": 1}}},
            listed([row(3), row(2)], None),
        ),
        asked(query, {"sorts": [{"property": "N"}]}, listed([row(1), row(2), row(3)], None)),
        asked(query, {"sorts": [{"property": "N"}]}, listed([row(2), row(1), row(3)], None)),
    ]
    results = list(replay("one", interactions, Knowledge({"one": interactions})))
    assert [result.verdict for result in results] == ["seeded", "agree", "agree", "agree", "differ"]


JUNK: list[Any] = [
    None,
    3,
    "x",
    [],
    {},
    [1],
    [None],
    {"id": []},
    {"object": []},
    {"id": None, "object": "page"},
]


def spoiled(value: Any, choice: random.Random) -> Any:
    """A value with something else in a few places."""
    if choice.random() < 0.06:
        return choice.choice(JUNK)
    if isinstance(value, list):
        return [spoiled(part, choice) for part in value]
    return {key: spoiled(part, choice) for key, part in value.items()} if isinstance(value, dict) else value


@pytest.mark.parametrize("seed", range(8))
def test_odd_answers_differ_but_stop_nothing(seed: int) -> None:
    choice = random.Random(seed)
    page = row(1) | {"parent": {"type": "workspace", "workspace": True}}
    asks = [
        ("POST", f"databases/{DATABASE}/query", {"page_size": 2}, listed([row(3), row(2)], "s:x:y")),
        ("POST", "search", {"query": "x"}, listed([page], None)),
        ("POST", "pages", {"parent": {"page_id": DATABASE}, "properties": {}}, page),
        ("PATCH", f"pages/{page['id']}", {"properties": {}}, page),
        (
            "GET",
            f"pages/{page['id']}/properties/aaaa",
            None,
            {"object": "property_item", "type": "number", "number": 1},
        ),
        ("GET", "users", None, {"object": "list", "results": [page["created_by"]], "next_cursor": None}),
        ("GET", "pages/" + "%zz", None, "<html>"),
    ]
    interactions = [
        Interaction(
            method,
            path,
            [],
            spoiled(body, choice),
            "2022-06-28",
            "application/json",
            200,
            spoiled(answer, choice),
            None,
        )
        for method, path, body, answer in asks
    ]
    results = list(replay("one", interactions, Knowledge({"one": interactions})))
    assert [result.interaction for result in results] == interactions


def test_keys_that_came_later_may_be_missing_from_a_recording_but_not_from_the_workspace() -> None:
    today = {"id": "x", "is_archived": False, "is_locked": True, "description": None, "cover": None}
    assert differences(today, {"id": "x", "is_locked": True, "cover": None}) == []
    assert differences(today, {"id": "x"}) == [".cover: None, not recorded", ".is_locked: True, not recorded"]
    assert differences({"id": "x"}, {"id": "x", "is_archived": False}) == [
        ".is_archived: missing, recorded False"
    ]


def test_a_message_may_lack_the_name_of_the_integration_but_nothing_else() -> None:
    end = "Make sure the relevant pages and databases are shared with your integration"
    ours, older, other = (
        normal({"message": text})
        for text in (f'No page. {end} "Bot".', f"No page. {end}.", f"No database. {end}.")
    )
    assert differences(ours, older) == []
    assert differences(ours, other) != []


def test_another_cassette_tells_what_was_there_before() -> None:
    page = row(1) | {"parent": {"type": "workspace", "workspace": True}}
    page |= {"properties": {"title": {"id": "title", "type": "title", "title": []}}}
    read_page = [
        Interaction("GET", f"pages/{page['id']}", [], None, "2025-09-03", "application/json", 200, page, None)
    ]
    alone = replay("one", read_page, Knowledge({"one": read_page}))
    both = replay("one", read_page, Knowledge({"one": read_page, "two": read_page}))
    assert [result.verdict for result in alone] == ["seeded"]
    assert [result.verdict for result in both] == ["agree"]
