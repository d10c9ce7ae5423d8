"""Views, and the snapshots of rows that queries of them keep."""

from __future__ import annotations

import pytest

from tests.sandbox.notion.api import Api, Json

NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def source(api: Api) -> str:
    made = api.source({"N": {"number": {}}})
    for number in range(5):
        api.page(made, str(number), N={"number": number})
    return made


def database_of(api: Api, source: str) -> str:
    return str(api.ok("GET", f"data_sources/{source}")["parent"]["database_id"])


def make(api: Api, source: str, **body: object) -> Json:
    given = {"database_id": database_of(api, source), "data_source_id": source, "type": "table", "name": "V"}
    return api.ok("POST", "views", given | body)


def titles(api: Api, results: list[Json]) -> str:
    assert all(row.keys() == {"object", "id"} for row in results)
    pages = [api.ok("GET", f"pages/{row['id']}") for row in results]
    return "".join(page["properties"]["Name"]["title"][0]["plain_text"] for page in pages)


def test_every_data_source_has_a_table_from_the_start(api: Api, source: str) -> None:
    (reference,) = api.ok("GET", "views", database_id=database_of(api, source))["results"]
    view = api.ok("GET", f"views/{reference['id']}")
    assert (view["type"], view["data_source_id"], view["filter"]) == ("table", source, None)
    assert "last view" in api.refused("DELETE", f"views/{view['id']}")


def test_a_view_is_made_changed_listed_and_deleted(api: Api, source: str) -> None:
    view = make(api, source, filter={"property": "N", "number": {"less_than": 2}}, sorts=[{"property": "N"}])
    assert view["name"] == "V"
    renamed = api.ok("PATCH", f"views/{view['id']}", {"name": "W", "filter": None})
    assert (renamed["name"], renamed["filter"], renamed["sorts"]) == ("W", None, view["sorts"])
    listed = api.ok("GET", "views", data_source_id=source, page_size=1)
    rest = api.ok("GET", "views", data_source_id=source, start_cursor=listed["next_cursor"])
    assert [row["id"] for row in rest["results"]] == [view["id"]]
    deleted = api.ok("DELETE", f"views/{view['id']}")
    assert deleted.keys() == {"object", "id", "parent", "type", "request_id"}
    assert deleted["id"] == view["id"]
    api.refused("GET", f"views/{view['id']}", status=404)


def test_wrong_views(api: Api, source: str) -> None:
    database = database_of(api, source)
    body = {"database_id": database, "data_source_id": source, "type": "table", "name": "V"}
    assert "a type of view" in api.refused("POST", "views", body | {"type": "pile"})
    assert "is not in database" in api.refused("POST", "views", body | {"data_source_id": api.source()})
    wrong = {"filter": {"property": "X", "number": {"equals": 1}}}
    assert "Could not find property" in api.refused("POST", "views", body | wrong)
    assert api.ok("PATCH", f"views/{make(api, source)['id']}", {"type": "board"})["type"] == "table"
    old = api.with_version("2022-06-28")
    assert old.refused("GET", "views", database_id=database) == "Invalid request URL."


def test_a_query_keeps_a_snapshot(api: Api, source: str) -> None:
    sorts = [{"property": "N", "direction": "descending"}]
    view = make(api, source, filter={"property": "N", "number": {"greater_than": 0}}, sorts=sorts)
    path = f"views/{view['id']}/queries"
    first = api.ok("POST", path, {"page_size": 3})
    assert (first["object"], first["view_id"], first["total_count"]) == ("view_query", view["id"], 4)
    assert titles(api, first["results"]) == "432"
    api.page(source, "9", N={"number": 9})
    rest = api.ok("GET", f"{path}/{first['id']}", start_cursor=first["next_cursor"])
    assert titles(api, rest["results"]) == "1"
    assert (rest["type"], rest["has_more"]) == ("page", False)
    assert titles(api, api.ok("POST", path, {})["results"]) == "94321"


def test_snapshots_end_after_a_quarter_of_an_hour_or_when_deleted(api: Api, source: str) -> None:
    path = f"views/{make(api, source)['id']}/queries"
    one, two = (api.ok("POST", path, {})["id"] for _ in range(2))
    for _ in range(2):
        answer = api.ok("DELETE", f"{path}/{one}")
        assert (answer["object"], answer["id"], answer["deleted"]) == ("view_query", one, True)
    api.refused("GET", f"{path}/{one}", status=404)
    api.door("clock", {"advance": 899})
    api.ok("GET", f"{path}/{two}")
    api.door("clock", {"advance": 2})
    api.refused("GET", f"{path}/{two}", status=404)
    api.refused("POST", f"views/{NOBODY}/queries", {}, status=404)


def test_a_snapshot_is_cut_at_the_limit(api: Api) -> None:
    source = api.source()
    for number in range(51):
        api.page(source, str(number))
    path = f"views/{make(api, source)['id']}/queries"
    first = api.ok("POST", path, {"page_size": 40})
    rest = api.ok("GET", f"{path}/{first['id']}", start_cursor=first["next_cursor"])
    assert (first["total_count"], len(rest["results"])) == (50, 10)
    for answer in (first, rest):
        assert answer["request_status"]["incomplete_reason"] == "query_result_limit_reached"


def test_a_name_is_text(api: Api, source: str) -> None:
    assert "a string" in api.refused("PATCH", f"views/{make(api, source)['id']}", {"name": 3})
