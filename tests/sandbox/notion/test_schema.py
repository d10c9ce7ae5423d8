"""Changes of columns."""

from __future__ import annotations

from typing import Any

from sandbox.notion import ROOT_PAGE_ID
from tests.sandbox.notion.api import Api, Json, text


def change(api: Api, source: str, **properties: Any) -> Json:
    columns: Json = api.ok("PATCH", f"data_sources/{source}", {"properties": properties})["properties"]
    return columns


def refused(api: Api, source: str, **properties: Any) -> str:
    return api.refused("PATCH", f"data_sources/{source}", {"properties": properties})


def test_add_rename_delete_and_add_again(api: Api) -> None:
    source = api.source()
    added = change(api, source, Number={"number": {"format": "dollar"}})["Number"]
    assert added == {
        **{"id": added["id"], "name": "Number", "description": None},
        **{"type": "number", "number": {"format": "dollar"}},
    }
    page = api.page(source, "a", Number={"number": 3})
    renamed = change(api, source, **{added["id"]: {"name": "Sum"}})
    assert renamed["Sum"]["id"] == added["id"]
    assert api.ok("GET", f"pages/{page['id']}")["properties"]["Sum"]["number"] == 3
    assert "Sum" not in change(api, source, Sum=None)
    again = change(api, source, Sum={"number": {}})["Sum"]
    assert again["id"] != added["id"]
    assert again["number"] == {"format": "number"}
    assert api.ok("GET", f"pages/{page['id']}")["properties"]["Sum"]["number"] is None


def test_refused_changes(api: Api) -> None:
    source = api.source({"N": {"number": {}}})
    assert refused(api, source, X=None) == "X is not a property that exists."
    assert refused(api, source, X={"name": "Y"}) == "X is not a property that exists."
    assert "title" in refused(api, source, Name=None)
    assert "title" in refused(api, source, Second={"title": {}})
    assert "exists already" in refused(api, source, N={"name": "Name"})
    assert refused(api, source, N={"type": "nonsense", "nonsense": {}})
    assert set(api.ok("GET", f"data_sources/{source}")["properties"]) == {"Name", "N"}


def test_schema_change_bumps_the_data_source(api: Api) -> None:
    source = api.source()
    api.door("clock", {"now": "2030-01-01T00:00:30Z"})
    shown = api.ok("PATCH", f"data_sources/{source}", {"properties": {"N": {"number": {}}}})
    assert shown["last_edited_time"] == "2030-01-01T00:00:00.000Z"


def test_options_are_replaced_by_the_list(api: Api) -> None:
    source = api.source({"S": {"select": {"options": [{"name": "A", "color": "red"}, {"name": "B"}]}}})
    page = api.page(source, "a", S={"select": {"name": "A"}})
    (_, b) = api.ok("GET", f"data_sources/{source}")["properties"]["S"]["select"]["options"]
    changed = change(api, source, S={"select": {"options": [{"id": b["id"], "name": "B!"}, {"name": "C"}]}})
    options = changed["S"]["select"]["options"]
    assert [(option["id"] == b["id"], option["name"]) for option in options] == [(True, "B!"), (False, "C")]
    assert api.ok("GET", f"pages/{page['id']}")["properties"]["S"]["select"] is None
    message = refused(api, source, S={"select": {"options": [{"id": b["id"], "color": "blue"}]}})
    assert message.startswith(f"Cannot update color of select with id {b['id']}")
    assert "commas not allowed" in refused(api, source, S={"select": {"options": [{"name": "a,b"}]}})


def test_status_column(api: Api) -> None:
    source = api.source({"St": {"status": {}}})
    status = api.ok("GET", f"data_sources/{source}")["properties"]["St"]["status"]
    assert [(o["name"], o["color"]) for o in status["options"]] == [
        ("Not started", "default"),
        ("In progress", "blue"),
        ("Done", "green"),
    ]
    assert [group["name"] for group in status["groups"]] == ["To-do", "In progress", "Complete"]
    assert [len(group["option_ids"]) for group in status["groups"]] == [1, 1, 1]
    options = [*status["options"], {"name": "Later"}]
    changed = change(api, source, St={"status": {"options": options}})["St"]["status"]
    later = next(option["id"] for option in changed["options"] if option["name"] == "Later")
    assert later in changed["groups"][0]["option_ids"]


def test_types_change_with_their_values(api: Api) -> None:
    source = api.source({"X": {"rich_text": {}}})
    good = api.page(source, "a", X={"rich_text": text("42")})
    bad = api.page(source, "b", X={"rich_text": text("many")})
    change(api, source, X={"number": {}})
    values = [api.ok("GET", f"pages/{page['id']}")["properties"]["X"]["number"] for page in (good, bad)]
    assert values == [42, None]
    change(api, source, X={"type": "select", "select": {}})
    assert api.ok("GET", f"pages/{good['id']}")["properties"]["X"]["select"]["name"] == "42"


def test_relation_needs_a_target(api: Api) -> None:
    source = api.source()
    missing = "00000000-0000-0000-0000-000000000000"
    relation = {"R": {"relation": {"data_source_id": missing, "single_property": {}}}}
    response = api.send("PATCH", f"data_sources/{source}", {"properties": relation})
    assert response.json()["code"] == "object_not_found"


def test_two_way_relation_columns(api: Api) -> None:
    there, here = api.source(title="There"), api.source(title="Here")
    made = change(api, here, Link={"relation": {"data_source_id": there, "dual_property": {}}})["Link"][
        "relation"
    ]
    dual = made["dual_property"]
    assert (made["type"], dual["synced_property_name"]) == ("dual_property", "Related to Here (Link)")
    mirror = api.ok("GET", f"data_sources/{there}")["properties"]["Related to Here (Link)"]
    assert mirror["id"] == dual["synced_property_id"]
    assert mirror["relation"]["dual_property"]["synced_property_name"] == "Link"
    change(api, there, **{mirror["id"]: {"name": "Back"}})
    shown = api.ok("GET", f"data_sources/{here}")["properties"]["Link"]["relation"]
    assert shown["dual_property"]["synced_property_name"] == "Back"
    single = {"relation": {"data_source_id": there, "type": "single_property", "single_property": {}}}
    assert change(api, here, Link=single)["Link"]["relation"]["type"] == "single_property"
    assert (
        api.ok("GET", f"data_sources/{there}")["properties"]["Back"]["relation"]["type"] == "single_property"
    )


def test_title_and_description_of_a_database_and_its_data_source(api: Api) -> None:
    source = api.source(title="One")
    database = api.ok("GET", f"data_sources/{source}")["parent"]["database_id"]
    api.ok("PATCH", f"databases/{database}", {"title": text("Two"), "description": text("About")})
    shown = api.ok("GET", f"data_sources/{source}")
    assert (shown["title"][0]["plain_text"], shown["description"][0]["plain_text"]) == ("Two", "About")
    api.ok("PATCH", f"data_sources/{source}", {"title": text("Three")})
    assert api.ok("GET", f"databases/{database}")["data_sources"] == [{"id": source, "name": "Three"}]


def test_database_without_a_title(api: Api) -> None:
    database = api.ok("POST", "databases", {"parent": {"workspace": True}})
    source = database["data_sources"][0]
    assert (plain_title(database), source["name"]) == ("New database", "New database")
    shown = api.ok("GET", f"data_sources/{source['id']}")
    assert (shown["title"], list(shown["properties"])) == ([], ["Name"])
    block = api.ok("GET", f"blocks/{database['id']}")
    assert block["child_database"] == {"title": "New database"}
    assert plain_title(api.ok("PATCH", f"databases/{database['id']}", {"is_inline": True})) == "New database"
    assert api.ok("GET", f"data_sources/{source['id']}")["title"] == []


def test_a_database_is_untitled_again_when_its_title_is_taken_away(api: Api) -> None:
    database = api.ok("POST", "databases", {"parent": {"workspace": True}, "title": text("D")})
    source = database["data_sources"][0]["id"]
    assert plain_title(database) == "D"
    assert plain_title(api.ok("PATCH", f"databases/{database['id']}", {"title": []})) == "New database"
    assert api.ok("GET", f"data_sources/{source}")["title"] == []
    api.ok("PATCH", f"data_sources/{source}", {"title": text("E")})
    assert plain_title(api.ok("GET", f"databases/{database['id']}")) == "E"


def test_before_there_were_data_sources_a_database_without_a_title_had_none(api: Api) -> None:
    old = api.with_version("2022-06-28")
    body = {"parent": {"page_id": ROOT_PAGE_ID}, "properties": {"Name": {"title": {}}}}
    database = old.ok("POST", "databases", body)
    assert database["title"] == []
    assert old.ok("DELETE", f"blocks/{database['id']}")["child_database"] == {"title": ""}


def plain_title(shown: Json) -> str:
    return "".join(run["plain_text"] for run in shown["title"])


def test_column_ids_of_rollups_are_decoded(api: Api) -> None:
    there = api.source({"N": {"number": {}}}, title="There")
    here = api.source({"R": {"relation": {"data_source_id": there, "single_property": {}}}})
    wanted = {"relation_property_name": "R", "rollup_property_name": "N", "function": "sum"}
    rollup = change(api, here, Sum={"rollup": wanted})["Sum"]["rollup"]
    assert rollup["rollup_property_name"] == "N"
    assert len(rollup["relation_property_id"]) == 4
    assert "Could not find" in refused(api, here, Bad={"rollup": wanted | {"rollup_property_name": "X"}})
