"""Pages: what they show, times, trash, and how columns are named."""

from __future__ import annotations

from urllib.parse import quote, unquote

import pytest

from sandbox.notion import PERSON_ID, ROOT_PAGE_ID
from tests.sandbox.notion.api import Api, name, text


def set_clock(api: Api, now: str) -> None:
    api.door("clock", {"now": now})


def test_times_are_floored_to_the_minute(api: Api) -> None:
    set_clock(api, "2026-05-04T10:20:45.678+00:00")
    source = api.source()
    page = api.page(source, "a")
    assert page["created_time"] == page["last_edited_time"] == "2026-05-04T10:20:00.000Z"
    shown = api.ok("GET", f"data_sources/{source}")
    assert shown["created_time"] == "2026-05-04T10:20:00.000Z"
    database = api.ok("GET", f"databases/{shown['parent']['database_id']}")
    assert database["created_time"] == "2026-05-04T10:20:45.678+00:00"


def test_second_edit_in_the_same_minute_keeps_the_stamp(api: Api) -> None:
    set_clock(api, "2026-05-04T10:20:05+00:00")
    page = api.page(api.source(), "a")
    set_clock(api, "2026-05-04T10:20:50+00:00")
    assert api.edit(page, Name={"title": text("b")})["last_edited_time"] == "2026-05-04T10:20:00.000Z"
    set_clock(api, "2026-05-04T10:21:01+00:00")
    edited = api.edit(page, Name={"title": text("c")})
    assert edited["last_edited_time"] == "2026-05-04T10:21:00.000Z"
    assert edited["created_time"] == "2026-05-04T10:20:00.000Z"


def test_last_edited_by_bot_and_person(api: Api) -> None:
    page = api.page(api.source(), "a")
    bot = api.ok("GET", "users/me")["id"]
    assert page["last_edited_by"] == {"object": "user", "id": bot}
    edit = {"properties": {"Name": {"title": text("b")}}}
    api.door(f"person/v1/pages/{page['id']}", edit, method="PATCH")
    shown = api.ok("GET", f"pages/{page['id']}")
    assert (shown["created_by"]["id"], shown["last_edited_by"]["id"]) == (bot, PERSON_ID)
    assert name(shown) == "b"


def test_trash_and_restore(api: Api) -> None:
    source = api.source()
    page = api.page(source, "a")
    api.page(source, "b")
    trashed = api.ok("PATCH", f"pages/{page['id']}", {"in_trash": True})
    assert trashed["in_trash"] is True
    assert trashed["properties"] == page["properties"]
    assert api.query(source) == ["b"]
    assert api.ok("GET", f"pages/{page['id']}")["in_trash"] is True
    message = api.refused("PATCH", f"pages/{page['id']}", {"properties": {}})
    assert message == "Can't edit block that is archived. You must unarchive the block before editing."
    assert api.ok("PATCH", f"pages/{page['id']}", {"in_trash": False})["in_trash"] is False
    assert api.query(source) == ["b", "a"]


def test_page_under_a_database_in_the_trash(api: Api) -> None:
    source = api.source()
    page = api.page(source, "a")
    api.ok("DELETE", f"blocks/{api.ok('GET', f'data_sources/{source}')['parent']['database_id']}")
    assert "archived ancestor" in api.refused("PATCH", f"pages/{page['id']}", {"properties": {}})
    assert api.ok("GET", f"data_sources/{source}")["in_trash"] is True


def test_erased_page_is_not_found(api: Api) -> None:
    source = api.source()
    page = api.page(source, "a")
    api.door("erase", {"id": page["id"]})
    assert "Make sure the relevant pages" in api.refused("GET", f"pages/{page['id']}", status=404)
    assert api.query(source) == []


def test_columns_by_name_encoded_and_decoded_id(api: Api) -> None:
    source = api.source({f"N{number}": {"number": {}} for number in range(40)})
    columns = api.ok("GET", f"data_sources/{source}")["properties"]
    column = next(c for c in columns.values() if "%" in c["id"])
    assert column["id"] == quote(unquote(column["id"]), safe="-_.!~*'()")
    page = api.page(source, "a")
    for number, key in enumerate((column["name"], column["id"], unquote(column["id"]))):
        shown = api.edit(page, **{key: {"number": number}})
        assert shown["properties"][column["name"]]["number"] == number
        found = {"property": key, "number": {"equals": number}}
        assert api.query(source, found) == ["a"]


def test_order_of_properties_is_by_id_with_the_title_last(api: Api) -> None:
    source = api.source({f"N{number}": {"number": {}} for number in range(12)})
    ids = [unquote(cell["id"]) for cell in api.page(source, "a")["properties"].values()]
    assert ids == [*sorted(ids[:-1]), "title"]


def test_unknown_column_and_wrong_type(api: Api) -> None:
    page = api.page(api.source({"N": {"number": {}}}), "a")
    path = f"pages/{page['id']}"
    assert (
        api.refused("PATCH", path, {"properties": {"X": {"number": 1}}}) == "X is not a property that exists."
    )
    assert (
        api.refused("PATCH", path, {"properties": {"N": {"checkbox": True}}}) == "N is expected to be number."
    )


def test_a_refused_write_changes_nothing(api: Api) -> None:
    source = api.source({"N": {"number": {}}, "S": {"select": {}}})
    page = api.page(source, "a")
    bad = {"properties": {"N": {"number": 1}, "S": {"select": {"name": "new"}}, "Name": {"title": "no"}}}
    api.refused("PATCH", f"pages/{page['id']}", bad)
    assert api.ok("GET", f"pages/{page['id']}")["properties"] == page["properties"]
    assert api.ok("GET", f"data_sources/{source}")["properties"]["S"]["select"]["options"] == []


def test_page_under_a_page(api: Api) -> None:
    body = {
        "parent": {"page_id": ROOT_PAGE_ID},
        "properties": {"title": {"title": text("Child")}},
        "icon": {"emoji": "🐍"},
        "children": [{"paragraph": {"rich_text": text("hello")}}],
    }
    page = api.ok("POST", "pages", body)
    assert page["parent"] == {"type": "page_id", "page_id": ROOT_PAGE_ID}
    assert page["icon"] == {"type": "emoji", "emoji": "🐍"}
    assert list(page["properties"]) == ["title"]
    inside = api.ok("GET", f"blocks/{page['id']}/children")["results"]
    assert inside[0]["paragraph"]["rich_text"][0]["plain_text"] == "hello"
    assert api.ok("GET", f"blocks/{ROOT_PAGE_ID}/children")["results"][0]["child_page"] == {"title": "Child"}


def test_workspace_parent(api: Api) -> None:
    body = {"parent": {"type": "workspace", "workspace": True}, "title": text("Top")}
    assert api.ok("POST", "databases", body)["parent"] == {"type": "workspace", "workspace": True}


@pytest.mark.parametrize("parent", [None, {}, {"page_id": "x"}, {"data_source_id": ROOT_PAGE_ID}])
def test_bad_parents(api: Api, parent: object) -> None:
    response = api.send("POST", "pages", {"parent": parent, "properties": {}})
    assert response.status_code in (400, 404), response.text


def test_filter_properties(api: Api) -> None:
    source = api.source({"N": {"number": {}}, "D": {"date": {}}})
    page = api.page(source, "a")
    column = page["properties"]["N"]["id"]
    listing = api.ok("POST", f"data_sources/{source}/query", {}, filter_properties=[unquote(column), "D"])
    assert set(listing["results"][0]["properties"]) == {"N", "D"}
    assert set(api.ok("GET", f"pages/{page['id']}", filter_properties=["N"])["properties"]) == {"N"}
    message = api.refused("POST", f"data_sources/{source}/query", {"filter_properties": ["N"]})
    assert "body.filter_properties should be not present" in message


def test_move_to_another_data_source(api: Api) -> None:
    one, other = api.source({"N": {"url": {}}}), api.source({"N": {"url": {}}}, title="Other")
    page = api.page(one, "a", N={"url": "https://x"})
    moved = api.ok("POST", f"pages/{page['id']}/move", {"parent": {"data_source_id": other}})
    assert moved["parent"]["data_source_id"] == other
    assert moved["properties"]["N"]["url"] == "https://x"
    assert (api.query(one), api.query(other)) == ([], ["a"])


def test_unique_ids_count_up(api: Api) -> None:
    source = api.source({"ID": {"unique_id": {"prefix": "T"}}})
    first, second = api.page(source, "a"), api.page(source, "b")
    assert first["properties"]["ID"]["unique_id"] == {"prefix": "T", "number": 1}
    api.ok("PATCH", f"pages/{second['id']}", {"in_trash": True})
    assert api.page(source, "c")["properties"]["ID"]["unique_id"]["number"] == 3
