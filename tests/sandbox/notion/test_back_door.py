"""Faults, and what people do to a workspace."""

from __future__ import annotations

import time

import httpx
import pytest

from sandbox.notion import ROOT_PAGE_ID
from tests.sandbox.notion.api import Api, Json, text


def creation(source: str) -> Json:
    return {"parent": {"data_source_id": source}, "properties": {"Name": {"title": text("a")}}}


def test_rate_limit_with_retry_after(api: Api) -> None:
    source = api.source()
    api.door("faults", {"method": "POST", "path": "/v1/pages", "status": 429, "retry_after": 61, "times": 2})
    for _ in range(2):
        response = api.send("POST", "pages", creation(source))
        assert (response.status_code, response.json()["code"]) == (429, "rate_limited")
        assert response.headers["retry-after"] == "61"
    assert api.send("POST", "pages", creation(source)).status_code == 200
    assert api.query(source) == ["a"]
    assert api.door("faults", method="GET") == {"faults": []}


def test_faults_pick_their_requests(api: Api) -> None:
    api.door("faults", {"path": "/v1/users", "skip": 1, "status": 500})
    assert api.send("GET", f"pages/{ROOT_PAGE_ID}").status_code == 200
    assert [api.send("GET", "users").status_code for _ in range(3)] == [200, 500, 200]


def test_faults_can_be_cleared(api: Api) -> None:
    api.door("faults", {"status": 503, "times": 5})
    assert api.send("GET", "users").json()["code"] == "service_unavailable"
    api.door("faults", method="DELETE")
    assert api.send("GET", "users").status_code == 200


@pytest.mark.parametrize(
    ("status", "code"), [(409, "conflict_error"), (500, "internal_server_error"), (529, "service_overload")]
)
def test_other_statuses(api: Api, status: int, code: str) -> None:
    api.door("faults", {"status": status})
    response = api.send("GET", "users")
    assert (response.status_code, response.json()["code"]) == (status, code)


def test_html_from_a_proxy(api: Api) -> None:
    api.door("faults", {"status": 502, "html": True})
    response = api.send("GET", "users")
    assert response.status_code == 502
    assert response.text.startswith("<html>")
    assert "x-notion-request-id" not in response.headers


@pytest.mark.parametrize(("applied", "rows"), [(False, []), (True, ["a"])])
def test_dropped_connection_before_and_after(api: Api, applied: bool, rows: list[str]) -> None:
    source = api.source()
    api.door("faults", {"method": "POST", "path": "/v1/pages", "drop": True, "applied": applied})
    with pytest.raises(httpx.TransportError):
        api.send("POST", "pages", creation(source))
    assert api.query(source) == rows


@pytest.mark.parametrize(("applied", "rows"), [(False, []), (True, ["a"])])
def test_server_error_before_and_after(api: Api, applied: bool, rows: list[str]) -> None:
    source = api.source()
    api.door("faults", {"method": "POST", "path": "/v1/pages", "status": 500, "applied": applied})
    assert api.send("POST", "pages", creation(source)).status_code == 500
    assert api.query(source) == rows


def test_slow_answers_hold_up_nobody_else(api: Api) -> None:
    api.door("faults", {"path": "/v1/users", "delay": 1.5})
    with httpx.Client(base_url=api.http.base_url) as other, pytest.raises(httpx.ReadTimeout):
        Api(other).http.get("/v1/users", headers=api.headers, timeout=0.3)
    start = time.monotonic()
    api.ok("GET", "users")
    assert time.monotonic() - start < 1


def test_unknown_fault_is_refused(api: Api) -> None:
    response = api.http.post("/_sandbox/faults", json={"colour": "red"})
    assert response.status_code == 400
    assert "colour" in response.json()["message"]


def test_unknown_back_door(api: Api) -> None:
    refused = api.http.post("/_sandbox/nothing").json()
    assert refused["code"] == "invalid_request_url"
    assert refused["message"] == "There is no POST /_sandbox/nothing; GET /_sandbox/ lists what there is."


def test_the_back_door_lists_what_there_is(api: Api) -> None:
    listed = api.door("", method="GET")
    assert "DELETE /_sandbox/faults" in listed["requests"]
    assert listed["actions"]["POST /_sandbox/person/move"] == ["page", "data_source"]


def test_clock(api: Api) -> None:
    api.door("clock", {"now": "2026-01-01T00:00:30Z"})
    assert api.page(api.source(), "a")["created_time"] == "2026-01-01T00:00:00.000Z"
    assert api.door("clock", {"advance": 45})["now"] == "2026-01-01T00:01:15+00:00"
    assert not api.door("clock", {"now": None})["now"].startswith("2026-01-01T00:01")
    assert api.http.post("/_sandbox/clock", json={"now": "2026-01-01"}).status_code == 400


def test_data_source_in_one_request(api: Api) -> None:
    made = api.door("data_sources", {"title": "Quick", "properties": {"Name": {"title": {}}}})
    assert api.ok("GET", f"data_sources/{made['data_source_id']}")["title"][0]["plain_text"] == "Quick"
    assert api.ok("GET", f"databases/{made['database_id']}")["parent"]["type"] == "workspace"


def test_a_person_works_without_a_token(api: Api) -> None:
    source = api.source({"N": {"number": {}}})
    page = api.page(source, "a")
    rename = {"properties": {"N": {"name": "Renamed"}}}
    api.door(f"person/v1/data_sources/{source}", rename, method="PATCH")
    assert "Renamed" in api.ok("GET", f"pages/{page['id']}")["properties"]
    api.door(f"person/v1/pages/{page['id']}", {"in_trash": True}, method="PATCH")
    assert api.query(source) == []
    wrong = api.http.patch(f"/_sandbox/person/v1/pages/{page['id']}", json={"properties": {}})
    assert wrong.status_code == 400


def test_objects_can_be_put_in_as_answers_show_them(api: Api) -> None:
    source = api.source({"N": {"number": {}}, "S": {"select": {}}})
    page = api.page(source, "a", N={"number": 3}, S={"select": {"name": "x"}})
    shown = api.ok("GET", f"data_sources/{source}")
    for object_id in (page["id"], source):
        api.door("erase", {"id": object_id})
    api.door("objects", {"objects": [shown, page]})
    assert api.ok("GET", f"pages/{page['id']}")["properties"] == page["properties"]
    assert api.ok("GET", f"data_sources/{source}")["properties"] == shown["properties"]
    assert api.query(source, {"property": "N", "number": {"equals": 3}}) == ["a"]


def test_unknown_actions_and_wrong_clocks(api: Api) -> None:
    for path, body, words in (
        ("clock", {"advance": "soon"}, "clock: advance: Input should be a valid number"),
        ("clock", {"speed": 0}, "clock: speed: Input should be greater than 0"),
        ("objects", {"objects": [{"object": "page"}]}, "Not an object to put into a workspace: page None"),
        (
            "objects",
            {"objects": [{"object": "page", "id": ROOT_PAGE_ID}]},
            f"page {ROOT_PAGE_ID} is not as answers show it: KeyError",
        ),
        ("bot", {"id": "x"}, "bot: token: Field required"),
        ("search_index", {"x": "maybe"}, "search_index: x: Input should be a valid boolean"),
        ("data_sources", {"title": 3}, "data_sources: title: Input should be a valid string"),
        ("rate_limit", {"burst": 0}, "rate_limit: burst: Input should be greater than or equal to 1"),
    ):
        response = api.http.post(f"/_sandbox/{path}", json=body)
        assert response.status_code == 400
        assert words in response.json()["message"]


def test_a_clock_that_runs_fast(api: Api) -> None:
    api.door("clock", {"now": "2026-01-01T00:00:00Z", "speed": 3600})
    began = time.monotonic()
    while "T00:00" in api.door("clock", method="GET")["now"]:
        assert time.monotonic() - began < 20
    assert api.door("clock", method="GET")["now"] < "2026-01-02"


def test_web_pages_are_shut_out(api: Api) -> None:
    """A browser sends a site's plain text to any address without asking first."""
    headers = {"origin": "https://evil.example", "content-type": "text/plain"}
    answer = api.http.post("/_sandbox/faults", content=b'{"status": 500}', headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "restricted_resource")
    assert api.door("faults", method="GET") == {"faults": []}
