"""A data source that is moved into another database."""

from __future__ import annotations

from tests.sandbox.notion.api import Api, Json


def database_of(api: Api, source: str) -> str:
    return str(api.ok("GET", f"data_sources/{source}")["parent"]["database_id"])


def sources_of(api: Api, database: str) -> list[str]:
    return [source["id"] for source in api.ok("GET", f"databases/{database}")["data_sources"]]


def move(api: Api, source: str, database: str) -> Json:
    parent = {"type": "database_id", "database_id": database}
    return api.ok("PATCH", f"data_sources/{source}", {"parent": parent})


def test_it_stands_last(api: Api) -> None:
    first, second = api.source(title="First"), api.source(title="Second")
    there = database_of(api, second)
    added = {"parent": {"database_id": there}, "properties": {"Name": {"title": {}}}}
    third = api.ok("POST", "data_sources", added)["id"]
    moved = move(api, first, there)
    assert (moved["id"], moved["parent"]["database_id"]) == (first, there)
    assert sources_of(api, there) == [second, third, first]
    move(api, second, there)  # where it is already
    assert sources_of(api, there) == [second, third, first]


def test_the_order_in_the_old_database_stays(api: Api) -> None:
    first, elsewhere = api.source(), database_of(api, api.source())
    here = database_of(api, first)
    added = {"parent": {"database_id": here}, "properties": {"Name": {"title": {}}}}
    second, third = (api.ok("POST", "data_sources", added)["id"] for _ in range(2))
    move(api, second, elsewhere)
    assert sources_of(api, here) == [first, third]
    move(api, first, elsewhere)
    move(api, first, here)
    assert sources_of(api, here) == [third, first]


def test_its_views_stay_and_it_gets_a_new_table(api: Api) -> None:
    source = api.source()
    here, there = database_of(api, source), database_of(api, api.source())
    (old,) = api.ok("GET", "views", database_id=here)["results"]
    move(api, source, there)
    assert api.ok("GET", "views", database_id=here)["results"] == [old]
    views = [view["id"] for view in api.ok("GET", "views", data_source_id=source)["results"]]
    assert views[0] == old["id"]
    fresh = api.ok("GET", f"views/{views[1]}")
    assert (fresh["type"], fresh["parent"]["database_id"], len(views)) == ("table", there, 2)
    assert api.ok("GET", f"views/{old['id']}")["data_source_id"] == source


def test_a_page_that_is_moved_stands_last_too(api: Api) -> None:
    source = api.source()
    here, there = (api.page(source)["id"] for _ in range(2))
    moved, inside = (
        api.ok("POST", "pages", {"parent": {"page_id": parent}, "properties": {}})["id"]
        for parent in (here, there)
    )
    paragraph = {"paragraph": {"rich_text": [{"text": {"content": "text"}}]}}
    block = api.ok("PATCH", f"blocks/{there}/children", {"children": [paragraph]})["results"][0]["id"]
    api.ok("POST", f"pages/{moved}/move", {"parent": {"page_id": there}})
    children = api.ok("GET", f"blocks/{there}/children")["results"]
    assert [child["id"] for child in children] == [inside, block, moved]
