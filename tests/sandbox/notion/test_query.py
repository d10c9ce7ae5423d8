"""Queries: order, cursors, the cap on results, filters and sorts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sandbox.notion import PERSON_ID, Sandbox
from tests.sandbox.notion.api import Api, Json, name, names, text

Query = Callable[[Json], list[str]]
NOW = "2026-06-27T17:01:15+00:00"  # a Saturday


def walk(api: Api, source: str, **body: Any) -> list[Json]:
    answers, cursor = [], None
    while True:
        start = {"start_cursor": cursor} if cursor else {}
        answers.append(api.ok("POST", f"data_sources/{source}/query", body | start))
        cursor = answers[-1]["next_cursor"]
        assert answers[-1]["has_more"] is (cursor is not None)
        if cursor is None:
            return answers


def test_newest_first_over_pages_of_results(api: Api) -> None:
    source = api.source()
    for number in range(7):
        api.page(source, str(number))
    answers = walk(api, source, page_size=3)
    assert [len(answer["results"]) for answer in answers] == [3, 3, 1]
    assert [n for answer in answers for n in names(answer)] == list("6543210")
    assert answers[0]["type"] == "page_or_data_source"
    assert answers[0]["page_or_data_source"] == {}


def test_wrong_cursors(api: Api) -> None:
    source, other = api.source(), api.source()
    pages = [api.page(source, str(number)) for number in range(3)]
    first = api.ok("POST", f"data_sources/{source}/query", {"page_size": 1})
    path = f"data_sources/{source}/query"
    for cursor in (pages[0]["id"], "nonsense", first["next_cursor"][:-1]):
        message = api.refused("POST", path, {"start_cursor": cursor})
        assert message == f"The start_cursor provided is invalid: {cursor}"
    cursor = {"start_cursor": first["next_cursor"]}
    api.refused("POST", path, {"sorts": [{"timestamp": "created_time"}], **cursor})
    api.refused("POST", f"data_sources/{other}/query", cursor)
    assert names(api.ok("POST", path, {"page_size": 1, **cursor})) == ["1"]
    assert names(api.ok("POST", path, {"page_size": 1, **cursor})) == ["1"]  # a retry gets the same
    api.door("forget_cursors")
    api.refused("POST", path, cursor)


@pytest.mark.parametrize("size", [0, 101, -1, "many"])
def test_wrong_page_sizes(api: Api, size: Any) -> None:
    assert "page_size" in api.refused("POST", f"data_sources/{api.source()}/query", {"page_size": size})


@pytest.mark.parametrize("sorts", [None, [{"property": "Name", "direction": "ascending"}]])
def test_cap_on_results(api: Api, sandbox: Sandbox, sorts: Any) -> None:
    assert sandbox.workspace.limits.query_results == 50
    source = api.source()
    for number in range(51):
        api.page(source, f"{number:02}")
    body = {"page_size": 20} | ({"sorts": sorts} if sorts else {})
    answers = walk(api, source, **body)
    assert sum(len(answer["results"]) for answer in answers) == 50
    assert answers[-1]["request_status"] == {
        "type": "incomplete",
        "incomplete_reason": "query_result_limit_reached",
    }
    assert all("request_status" not in answer for answer in answers[:-1])


def test_exactly_as_many_rows_as_the_cap_is_complete(api: Api) -> None:
    source = api.source()
    for number in range(50):
        api.page(source, str(number))
    assert "request_status" not in walk(api, source, page_size=25)[-1]


@pytest.mark.parametrize("body", [{}, {"sorts": [{"property": "Name"}]}])
def test_rows_that_change_during_the_walk(api: Api, body: Json) -> None:
    source = api.source()
    pages = [api.page(source, f"{number}") for number in range(6)]
    first = api.ok("POST", f"data_sources/{source}/query", {"page_size": 2, **body})
    seen = {page["id"] for page in first["results"]}
    hidden = next(page for page in pages if page["id"] not in seen)
    api.ok("PATCH", f"pages/{hidden['id']}", {"in_trash": True})
    cursor = first["next_cursor"]
    rest = api.ok("POST", f"data_sources/{source}/query", {"start_cursor": cursor, **body})
    ids = {page["id"] for page in rest["results"]}
    assert hidden["id"] not in ids
    assert len(ids) >= 3


@pytest.mark.parametrize("key", ["in_trash", "archived"])
def test_trash_cannot_be_asked_for(api: Api, key: str) -> None:
    message = api.refused("POST", f"data_sources/{api.source()}/query", {key: False})
    assert message == f"body failed validation: body.{key} should be not present, instead was `false`."


def test_archived_rows(api: Api) -> None:
    source = api.source()
    page = api.page(source, "a")
    api.page(source, "b")
    api.ok("PATCH", f"pages/{page['id']}", {"is_archived": True})
    assert api.query(source) == ["b"]
    assert api.query(source, is_archived=True) == ["a"]


@pytest.fixture
def query(api: Api) -> Query:
    api.door("clock", {"now": NOW})
    source = api.source(
        {
            "Text": {"rich_text": {}},
            "N": {"number": {}},
            "S": {"select": {"options": [{"name": "A"}, {"name": "B"}]}},
            "M": {"multi_select": {"options": [{"name": "A"}, {"name": "B"}]}},
            "St": {"status": {}},
            "D": {"date": {}},
            "P": {"people": {}},
            "F": {"files": {}},
            "C": {"checkbox": {}},
            "U": {"url": {}},
            "Id": {"unique_id": {}},
            "By": {"created_by": {}},
            "Fx": {"formula": {"expression": 'prop("N") * 2'}},
        }
    )
    api.page(source, "empty")
    api.page(
        source,
        "full",
        Text={"rich_text": text("Hello World")},
        N={"number": 42},
        S={"select": {"name": "A"}},
        M={"multi_select": [{"name": "A"}, {"name": "B"}]},
        St={"status": {"name": "Done"}},
        D={"date": {"start": "2026-06-27T18:01:40+01:00"}},
        P={"people": [{"id": PERSON_ID}]},
        F={"files": [{"name": "x", "external": {"url": "https://x"}}]},
        C={"checkbox": True},
        U={"url": "https://example.com"},
    )
    return lambda condition: sorted(api.query(source, condition))


BOTH = ["empty", "full"]


@pytest.mark.parametrize(
    ("column", "kind", "condition", "expected"),
    [
        ("Name", "title", {"equals": "full"}, ["full"]),
        ("Name", "rich_text", {"starts_with": "fu"}, ["full"]),
        ("Text", "rich_text", {"contains": "world"}, ["full"]),
        ("Text", "rich_text", {"does_not_contain": "world"}, ["empty"]),
        ("Text", "rich_text", {"does_not_equal": "x"}, BOTH),
        ("Text", "rich_text", {"ends_with": "World"}, ["full"]),
        ("Text", "rich_text", {"is_empty": True}, ["empty"]),
        ("U", "url", {"contains": "example"}, ["full"]),
        ("U", "rich_text", {"is_not_empty": True}, ["full"]),
        ("N", "number", {"equals": 42}, ["full"]),
        ("N", "number", {"does_not_equal": 42}, ["empty"]),
        ("N", "number", {"does_not_equal": 1}, BOTH),
        ("N", "number", {"greater_than": 42}, []),
        ("N", "number", {"greater_than_or_equal_to": 42}, ["full"]),
        ("N", "number", {"less_than": 43}, ["full"]),
        ("N", "number", {"less_than_or_equal_to": 41}, []),
        ("N", "number", {"is_empty": True}, ["empty"]),
        ("Id", "unique_id", {"greater_than": 1}, ["full"]),
        ("C", "checkbox", {"equals": False}, ["empty"]),
        ("C", "checkbox", {"does_not_equal": False}, ["full"]),
        ("S", "select", {"equals": "A"}, ["full"]),
        ("S", "select", {"equals": ["A", "B"]}, ["full"]),
        ("S", "select", {"does_not_equal": "A"}, ["empty"]),
        ("S", "select", {"does_not_equal": "B"}, BOTH),
        ("S", "select", {"is_not_empty": True}, ["full"]),
        ("St", "status", {"equals": "Done"}, ["full"]),
        ("M", "multi_select", {"contains": "B"}, ["full"]),
        ("M", "multi_select", {"does_not_contain": "B"}, ["empty"]),
        ("M", "multi_select", {"is_empty": True}, ["empty"]),
        ("P", "people", {"contains": PERSON_ID}, ["full"]),
        ("P", "people", {"does_not_contain": PERSON_ID}, ["empty"]),
        ("P", "people", {"contains": "me"}, []),
        ("By", "created_by", {"is_not_empty": True}, BOTH),
        ("F", "files", {"is_empty": True}, ["empty"]),
        ("F", "files", {"is_not_empty": True}, ["full"]),
        ("Fx", "formula", {"number": {"equals": 84}}, ["full"]),
        ("D", "date", {"equals": "2026-06-27T18:01:15.377824+01:00"}, ["full"]),
        ("D", "date", {"equals": "2026-06-27"}, ["full"]),
        ("D", "date", {"before": "2026-06-27T18:01:59+01:00"}, []),
        ("D", "date", {"after": "2026-06-27T18:01:00+01:00"}, []),
        ("D", "date", {"on_or_before": "2026-06-27T17:01:00Z"}, ["full"]),
        ("D", "date", {"on_or_after": "2026-06-27T17:01:59Z"}, ["full"]),
        ("D", "date", {"on_or_after": "today"}, ["full"]),
        ("D", "date", {"after": "yesterday"}, ["full"]),
        ("D", "date", {"before": "one_week_from_now"}, ["full"]),
        ("D", "date", {"this_week": {}}, ["full"]),
        ("D", "date", {"past_week": {}}, ["full"]),
        ("D", "date", {"next_week": {}}, ["full"]),
        ("D", "date", {"past_year": {}}, ["full"]),
        ("D", "date", {"is_empty": True}, ["empty"]),
    ],
)
def test_property_filters(query: Query, column: str, kind: str, condition: Json, expected: list[str]) -> None:
    assert query({"property": column, kind: condition}) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"on_or_after": "2026-06-27T17:01:59Z"}, BOTH),
        ({"after": "2026-06-27T17:01:00Z"}, []),
        ({"on_or_before": "2026-06-27T17:00:00Z"}, []),
        ({"equals": "2026-06-27"}, BOTH),
        ({"this_week": {}}, BOTH),
        ({"is_empty": True}, []),
    ],
)
def test_timestamp_filters(query: Query, condition: Json, expected: list[str]) -> None:
    for kind in ("created_time", "last_edited_time"):
        assert query({"timestamp": kind, kind: condition}) == expected


def test_compound_filters(query: Query) -> None:
    full = {"property": "N", "number": {"equals": 42}}
    empty = {"property": "N", "number": {"is_empty": True}}
    assert query({"and": [full, empty]}) == []
    assert query({"or": [full, empty]}) == BOTH
    assert query({"and": [{"or": [full, empty]}, full]}) == ["full"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"property": "X", "number": {"equals": 1}}, "Could not find property with name or id: X"),
        (
            {"property": "N", "select": {"equals": "A"}},
            "database property number does not match filter select",
        ),
        ({"property": "N", "number": {"near": 1}}, "body.filter.number.near should be not present"),
        ({"property": "N", "number": {"equals": "1"}}, "body.filter.number.equals should be a number"),
        ({"property": "N", "number": {"is_empty": False}}, "body.filter.number.is_empty should be `true`"),
        ({"property": "N", "number": {"equals": 1, "less_than": 2}}, "exactly one condition"),
        ({"property": "D", "date": {"equals": "soon"}}, "a valid ISO 8601 date"),
        ({"property": "P", "people": {"contains": "someone"}}, "a valid uuid"),
        ({"property": "N"}, "exactly one condition"),
        ({"timestamp": "created_time", "property": "N", "created_time": {"this_week": {}}}, "not present"),
        ({"and": [{"or": [{"and": []}]}]}, "body.filter.and[0].or[0].and should be not present"),
        ("everything", "body.filter should be an object"),
    ],
)
def test_wrong_filters(api: Api, wrong: Any, message: str) -> None:
    source = api.source({"N": {"number": {}}, "D": {"date": {}}, "P": {"people": {}}})
    assert message in api.refused("POST", f"data_sources/{source}/query", {"filter": wrong})


def test_sorts(api: Api) -> None:
    source = api.source(
        {
            "N": {"number": {}},
            "S": {"select": {"options": [{"name": "High"}, {"name": "Low"}]}},
            "D": {"date": {}},
        }
    )
    api.page(source, "b", N={"number": 2}, S={"select": {"name": "Low"}}, D={"date": {"start": "2026-01-02"}})
    api.page(source, "none")
    api.page(
        source, "a", N={"number": 10}, S={"select": {"name": "High"}}, D={"date": {"start": "2026-01-01"}}
    )
    api.page(
        source, "C", N={"number": 2}, S={"select": {"name": "High"}}, D={"date": {"start": "2026-01-03"}}
    )

    def ordered(*sorts: Json) -> str:
        return " ".join(api.query(source, sorts=list(sorts)))

    assert ordered({"property": "Name", "direction": "ascending"}) == "a b C none"
    assert ordered({"property": "N", "direction": "ascending"}, {"property": "Name"}) == "b C a none"
    assert ordered({"property": "N", "direction": "descending"}, {"property": "Name"}) == "a b C none"
    assert ordered({"property": "S"}, {"property": "Name", "direction": "descending"}) == "C a b none"
    assert ordered({"property": "D", "direction": "descending"}) == "C b a none"
    api.door("clock", {"advance": 120})
    api.query(source)
    page = api.ok("POST", f"data_sources/{source}/query", {"page_size": 100})["results"][-1]
    api.edit(page, N={"number": 3})
    assert ordered({"timestamp": "last_edited_time", "direction": "descending"}).startswith(name(page))
    message = api.refused("POST", f"data_sources/{source}/query", {"sorts": [{"property": "X"}]})
    assert message == "Could not find sort property with name or id: X"


def test_databases_in_a_wiki_come_after_its_pages(api: Api) -> None:
    wiki, inside = api.source(title="Handbook"), api.source(title="Machines")
    put = {"data_source": inside, "wiki": wiki}
    refused = api.http.post("/_sandbox/person/put_into_wiki", json=put)
    assert (refused.status_code, "is no wiki" in refused.json()["message"]) == (400, True)
    columns = api.door("person/make_wiki", {"data_source": wiki})["result"]["properties"]
    kinds = {column["id"]: column["type"] for column in columns.values()}
    assert kinds == {"title": "title", "verification": "verification", "verification_owner": "people"}
    database = api.door("person/put_into_wiki", put)["result"]
    above = api.ok("GET", f"data_sources/{wiki}")["parent"]["database_id"]
    assert database["parent"] == {"type": "database_id", "database_id": above}
    for title in ("a", "b"):
        api.page(wiki, title)

    def walk(**body: Any) -> list[str]:
        found: list[str] = []
        while True:
            answer = api.ok("POST", f"data_sources/{wiki}/query", {"page_size": 1, **body})
            found += [each["object"] for each in answer["results"]]
            if not answer["has_more"]:
                return found
            body["start_cursor"] = answer["next_cursor"]

    assert walk() == ["page", "page", "data_source"]
    assert walk(sorts=[{"property": "Name", "direction": "ascending"}]) == ["page", "page", "data_source"]
    assert walk(result_type="page") == ["page", "page"]
    assert walk(result_type="data_source") == ["data_source"]
    assert walk(filter={"property": "Name", "title": {"is_not_empty": True}}) == ["page", "page"]
    older = api.with_version("2022-06-28").ok("POST", f"databases/{above}/query", {})
    assert [each["object"] for each in older["results"]] == ["page", "page", "database"]
    api.edit(api.page(wiki, "c"), Verification={"verification": {"state": "verified"}})
    api.door("person/trash", {"id": inside})
    assert walk() == ["page", "page", "page"]
