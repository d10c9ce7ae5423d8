"""Faults by pattern and by chance, and what people do between two requests."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.notion import ApiError, Deed, Fault, Sandbox
from tests.sandbox.notion.api import Api, names, text


def walk(api: Api, source: str, size: int = 2) -> list[str]:
    found: list[str] = []
    more: dict[str, Any] = {}
    while True:
        answer = api.ok("POST", f"data_sources/{source}/query", {"page_size": size} | more)
        found += names(answer)
        if not answer["has_more"]:
            return found
        more = {"start_cursor": answer["next_cursor"]}


def test_a_pattern_picks_one_endpoint(sandbox: Sandbox, api: Api) -> None:
    source = api.source()
    sandbox.faults.add(Fault(method="POST", path="/v1/data_sources/*/query", status=503))
    assert api.send("GET", f"data_sources/{source}").status_code == 200
    assert api.send("POST", f"data_sources/{source}/query", {}).status_code == 503
    assert api.query(source) == []


@pytest.mark.parametrize("retry_after", [None, 1, 61, 300])
def test_retry_after(sandbox: Sandbox, api: Api, retry_after: int | None) -> None:
    sandbox.faults.add(Fault(status=429, retry_after=retry_after))
    header = api.send("GET", "users").headers.get("retry-after")
    assert header == (None if retry_after is None else str(retry_after))


def test_random_faults_are_the_same_for_the_same_seed(sandbox: Sandbox, api: Api) -> None:
    def statuses(seed: int) -> list[int]:
        sandbox.faults.clear()
        sandbox.faults.add(Fault(share=0.3, seed=seed, status=500, times=1000))
        return [api.send("GET", "users/me").status_code for _ in range(60)]

    first = statuses(1)
    assert 5 <= first.count(500) <= 35
    assert statuses(1) == first != statuses(2)


def test_cursors_become_invalid_in_the_middle_of_a_walk(sandbox: Sandbox, api: Api) -> None:
    source = api.source()
    for number in range(3):
        api.page(source, str(number))
    sandbox.faults.add(Fault(path="/v1/data_sources/*/query", skip=1, forget_cursors=True))
    first = api.ok("POST", f"data_sources/{source}/query", {"page_size": 2})
    body = {"page_size": 2, "start_cursor": first["next_cursor"]}
    assert "start_cursor provided is invalid" in api.refused("POST", f"data_sources/{source}/query", body)


def test_rows_change_while_a_walk_pages(sandbox: Sandbox, api: Api) -> None:
    source = api.source()
    pages = [api.page(source, str(number))["id"] for number in range(5)]
    gone = Deed(action="trash", arguments={"id": pages[1]})
    cells = {"Name": {"title": text("new")}}
    made = Deed(action="create_page", arguments={"data_source": source, "properties": cells}, who="Ada")
    sandbox.faults.add(Fault(path="/v1/data_sources/*/query", then=(gone, made)))
    assert walk(api, source) == ["4", "3", "2", "0"]
    assert walk(api, source) == ["new", "4", "3", "2", "0"]


def test_a_row_that_moves_in_the_order_is_missed(sandbox: Sandbox, api: Api) -> None:
    source = api.source()
    pages = [api.page(source, name)["id"] for name in "abcd"]
    renamed = {"page": pages[3], "properties": {"Name": {"title": text("0")}}}
    sandbox.faults.add(Fault(then=(Deed(action="edit_page", arguments=renamed),)))
    sorts = [{"property": "Name", "direction": "ascending"}]
    query = f"data_sources/{source}/query"
    first = api.ok("POST", query, {"page_size": 2, "sorts": sorts})
    second = api.ok("POST", query, {"page_size": 2, "sorts": sorts, "start_cursor": first["next_cursor"]})
    assert names(first) + names(second) == ["a", "b", "c"]


def test_rows_churn_while_a_walk_pages(sandbox: Sandbox, api: Api) -> None:
    source = api.source()
    for number in range(10):
        api.page(source, str(number))
    stir = Deed(action="churn", arguments={"data_source": source, "edits": 4, "seed": 3})
    sandbox.faults.add(Fault(path="/v1/data_sources/*/query", times=100, then=(stir,)))
    walks = [sorted(walk(api, source)) for _ in range(3)]
    assert walks[0] != walks[1] != walks[2]
    sandbox.faults.clear()
    assert walk(api, source) == walk(api, source)
    assert any(name.startswith("churned") for name in api.query(source))


WRONG: list[tuple[dict[str, Any], str]] = [
    ({}, "nothing would happen"),
    ({"status": 200}, "status is an error's"),
    ({"status": 500, "drop": True}, "give one of drop and status"),
    ({"delay": 1, "html": True}, "need the status of an error"),
    ({"delay": 1, "applied": True}, "applied needs a status or drop"),
    ({"status": 500, "path": "pages"}, 'path begins with "/v1/" or "/_files/"'),
    ({"status": 500, "times": 0}, "times: Input should be greater than or equal to 1"),
    ({"status": 500, "share": 2}, "share: Input should be less than or equal to 1"),
    ({"status": 500, "method": "PUSH"}, "method: Input should be"),
    ({"status": "high"}, "status: Input should be a valid integer"),
    ({"colour": "red"}, "colour: Extra inputs are not permitted"),
    ({"then": [{"action": "fly"}]}, "there is no action fly; the actions are: create_data_source"),
    ({"status": 500, "then": [{"action": "trash"}]}, "set applied"),
]


def test_a_wrong_fault_is_told(sandbox: Sandbox, api: Api) -> None:
    for fault, words in WRONG:
        response = api.http.post("/_sandbox/faults", json=fault)
        assert response.status_code == 400, fault
        assert response.json()["message"].startswith("Not a fault: ")
        assert words in response.json()["message"]
        with pytest.raises(ApiError, match="Not a fault"):
            sandbox.faults.add(fault)


def test_a_deed_that_cannot_be_done_is_told(sandbox: Sandbox, api: Api) -> None:
    sandbox.faults.add(Fault(then=(Deed(action="trash", arguments={"id": "x"}),)))
    assert "no object x" in api.refused("GET", "users", status=404)
