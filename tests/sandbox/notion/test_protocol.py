"""Versions, tokens, errors and ids."""

from __future__ import annotations

import httpx
import pytest
from notion_client import APIResponseError, Client

from sandbox.notion import ROOT_PAGE_ID, Sandbox, SandboxError, serve
from tests.sandbox.notion.api import Api, text


def test_notion_client_works(client: Client) -> None:
    database = client.databases.create(
        parent={"type": "page_id", "page_id": ROOT_PAGE_ID},
        title=text("Tasks"),
        initial_data_source={"properties": {"Name": {"title": {}}, "Done": {"checkbox": {}}}},
    )
    source = database["data_sources"][0]["id"]
    page = client.pages.create(
        parent={"data_source_id": source},
        properties={"Name": {"title": text("a")}, "Done": {"checkbox": True}},
    )
    found = client.data_sources.query(source, filter={"property": "Done", "checkbox": {"equals": True}})
    assert [row["id"] for row in found["results"]] == [page["id"]]
    assert client.pages.retrieve(page["id"])["properties"] == page["properties"]
    assert client.pages.update(page["id"], in_trash=True)["in_trash"] is True
    assert client.users.me()["id"] == page["created_by"]["id"]


def test_errors_reach_notion_client(client: Client) -> None:
    with pytest.raises(APIResponseError) as refused:
        client.pages.retrieve("00000000-0000-0000-0000-000000000000")
    assert refused.value.code == "object_not_found"
    assert refused.value.status == 404
    assert "Could not find page with ID: 00000000-0000-0000-0000-000000000000." in str(refused.value)


def test_version_is_mandatory(api: Api) -> None:
    del api.headers["Notion-Version"]
    response = api.send("GET", "users/me")
    assert response.status_code == 400
    assert response.json()["code"] == "missing_version"


def test_unknown_version(api: Api) -> None:
    assert "1999-01-01" in api.with_version("1999-01-01").refused("GET", "users/me")


@pytest.mark.parametrize(
    ("version", "twin"), [("2022-06-28", True), ("2025-09-03", True), ("2026-03-11", False)]
)
def test_archived_twin(api: Api, version: str, twin: bool) -> None:
    page = api.with_version(version).ok("GET", f"pages/{ROOT_PAGE_ID}")
    assert page["in_trash"] is False
    assert ("archived" in page) is twin


def test_archived_in_body_by_version(api: Api) -> None:
    page = api.page(api.source(), "a")
    assert "body.archived should be not present" in api.refused(
        "PATCH", f"pages/{page['id']}", {"archived": True}
    )
    old = api.with_version("2025-09-03").ok("PATCH", f"pages/{page['id']}", {"archived": True})
    assert (old["archived"], old["in_trash"]) == (True, True)


def test_database_of_the_oldest_version(api: Api) -> None:
    old = api.with_version("2022-06-28")
    body = {"parent": {"page_id": ROOT_PAGE_ID}, "title": text("Old"), "properties": {"Name": {"title": {}}}}
    database = old.ok("POST", "databases", body)
    assert database["properties"]["Name"]["type"] == "title"
    page = old.ok(
        "POST",
        "pages",
        {"parent": {"database_id": database["id"]}, "properties": {"Name": {"title": text("a")}}},
    )
    assert page["parent"] == {"type": "database_id", "database_id": database["id"]}
    assert old.ok("POST", f"databases/{database['id']}/query", {})["results"][0]["id"] == page["id"]
    assert old.refused("GET", f"data_sources/{database['id']}") == "Invalid request URL."


def test_old_version_and_two_data_sources(api: Api) -> None:
    source = api.ok("GET", f"data_sources/{api.source()}")
    database = source["parent"]["database_id"]
    second = api.ok(
        "POST", "data_sources", {"parent": {"database_id": database}, "title": text("Two"), "properties": {}}
    )
    assert {s["name"] for s in api.ok("GET", f"databases/{database}")["data_sources"]} == {"Tasks", "Two"}
    response = api.with_version("2022-06-28").send("GET", f"databases/{database}")
    assert response.status_code == 400
    extra = response.json()["additional_data"]
    assert extra["error_type"] == "multiple_data_sources_for_database"
    assert set(extra["child_data_source_ids"]) == {source["id"], second["id"]}
    body = {"parent": {"database_id": database}, "properties": {}}
    assert "multiple data sources" in api.refused("POST", "pages", body)


def test_any_token_but_not_none(api: Api, sandbox: Sandbox) -> None:
    assert Api(api.http, token="anything").ok("GET", "users/me")["type"] == "bot"
    del api.headers["Authorization"]
    assert api.refused("GET", "users/me", status=401) == "API token is invalid."


def test_only_known_tokens() -> None:
    with Sandbox(tokens=["good"]) as sandbox, httpx.Client(base_url=sandbox.url) as http:
        assert Api(http, token="good").ok("GET", "users/me")
        response = Api(http, token="bad").send("GET", "users/me")
        assert (response.status_code, response.json()["code"]) == (401, "unauthorized")


def test_every_token_has_its_own_bot(api: Api) -> None:
    one, other = (Api(api.http, token=token).ok("GET", "users/me") for token in ("a", "b"))
    assert one["id"] != other["id"]
    assert one["bot"]["owner"] == {"type": "workspace", "workspace": True}
    shown = {user["id"]: user for user in Api(api.http, token="a").ok("GET", "users")["results"]}
    assert shown[other["id"]]["bot"] == {}
    assert shown[one["id"]]["bot"] == one["bot"]


def test_unknown_path(api: Api) -> None:
    response = api.send("GET", "nothing/here")
    assert (response.status_code, response.json()["code"]) == (400, "invalid_request_url")
    assert response.json()["message"] == "Invalid request URL."
    assert api.send("DELETE", "pages").json()["code"] == "invalid_request_url"


@pytest.mark.parametrize("content", [b"{", b"[" * 100_000], ids=["cut off", "without end"])
def test_broken_json(api: Api, content: bytes) -> None:
    response = api.http.post("/v1/search", content=content, headers=api.headers)
    assert (response.status_code, response.json()["code"]) == (400, "invalid_json")


def test_request_id_is_in_body_and_header(api: Api) -> None:
    for response in (api.send("GET", "users"), api.send("GET", "nothing")):
        assert response.json()["request_id"] == response.headers["x-notion-request-id"]


def test_ids_without_dashes_and_wrong_ones(api: Api) -> None:
    assert api.ok("GET", f"pages/{ROOT_PAGE_ID.replace('-', '')}")["id"] == ROOT_PAGE_ID
    message = api.refused("GET", "pages/nonsense")
    assert message == 'path failed validation: path.page_id should be a valid uuid, instead was `"nonsense"`.'


def test_body_beyond_the_limit(api: Api) -> None:
    assert "body" in api.refused("POST", "search", {"query": "x" * 600_000})


def test_port_in_use_is_one_clear_line(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxError, match=f"cannot listen on 127.0.0.1:{sandbox.port}"):
        serve(sandbox.port, None)
