"""What people do in the app, through Python and through HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.notion import PERSON_ID, Sandbox
from sandbox.notion.requests.errors import ApiError
from tests.sandbox.notion.api import Api, names, text

SELECT = {"select": {"options": [{"name": "x"}, {"name": "y"}]}}


def named(content: str) -> dict[str, Any]:
    return {"Name": {"title": text(content)}}


def test_edits_bear_the_person_and_the_time_of_the_workspace(sandbox: Sandbox, api: Api) -> None:
    source = api.source()
    sandbox.clock.set(datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC))
    page = api.page(source, "a")
    sandbox.clock.advance(timedelta(minutes=5))
    ada = sandbox.person("Ada")
    ada.edit_page(page["id"], named("b"))
    shown = api.ok("GET", f"pages/{page['id']}")
    assert shown["last_edited_by"]["id"] == ada.id != PERSON_ID
    assert shown["last_edited_time"] == "2026-01-01T12:05:00.000Z"
    assert (shown["created_by"], shown["created_time"]) == (page["created_by"], page["created_time"])
    assert api.ok("GET", f"users/{ada.id}")["name"] == "Ada"
    assert sandbox.person("Ada").id == ada.id
    assert ada.create_page(source, named("c"))["created_by"]["id"] == ada.id


def test_columns_by_a_person(sandbox: Sandbox, api: Api) -> None:
    source, person = api.source({"N": {"number": {}}, "S": SELECT}), sandbox.person()
    page = api.page(source, "a", N={"number": 7}, S={"select": {"name": "x"}})["id"]

    def columns() -> dict[str, Any]:
        found: dict[str, Any] = api.ok("GET", f"data_sources/{source}")["properties"]
        return found

    before = columns()["N"]["id"]
    person.rename_column(source, "N", "Number")
    assert columns()["Number"]["id"] == before
    person.delete_column(source, "Number")
    assert "Number" not in columns()
    person.add_column(source, "Number", "number")
    assert columns()["Number"]["id"] != before
    assert api.ok("GET", f"pages/{page}")["properties"]["Number"]["number"] is None
    person.change_column_type(source, "Number", "rich_text")
    assert columns()["Number"]["type"] == "rich_text"
    person.rename_option(source, "S", "x", "z")
    assert api.ok("GET", f"pages/{page}")["properties"]["S"]["select"]["name"] == "z"
    person.delete_option(source, "S", "z")
    assert api.ok("GET", f"pages/{page}")["properties"]["S"]["select"] is None
    person.add_option(source, "S", "new", "red")
    assert [option["name"] for option in columns()["S"]["select"]["options"]] == ["y", "new"]


def test_options_of_a_status(sandbox: Sandbox, api: Api) -> None:
    source, person = api.source({"S": {"status": {}}}), sandbox.person()
    person.rename_option(source, "S", "Done", "Finished")
    person.add_option(source, "S", "Later")
    person.delete_option(source, "S", "In progress")
    status = api.ok("GET", f"data_sources/{source}")["properties"]["S"]["status"]
    assert [option["name"] for option in status["options"]] == ["Not started", "Finished", "Later"]
    grouped = [key for group in status["groups"] for key in group["option_ids"]]
    assert sorted(grouped) == sorted(option["id"] for option in status["options"])


def test_trash_restore_and_nothing(sandbox: Sandbox, api: Api) -> None:
    source, person = api.source(), sandbox.person("Ada")
    page = api.page(source, "a")["id"]
    person.trash(page)
    trashed = api.ok("GET", f"pages/{page}")
    assert (trashed["in_trash"], trashed["last_edited_by"]["id"]) == (True, person.id)
    assert api.query(source) == []
    person.restore(page)
    assert api.query(source) == ["a"]
    (block,) = person.add_blocks(page, [{"paragraph": {"rich_text": text("p")}}])
    person.delete_for_good(page)
    assert "Could not find page" in api.refused("GET", f"pages/{page}", status=404)
    assert "Could not find block" in api.refused("GET", f"blocks/{block['id']}", status=404)


@pytest.mark.parametrize("of", ["page", "data source"])
def test_unshared_is_as_if_it_were_not_there(sandbox: Sandbox, api: Api, of: str) -> None:
    source, person = api.source(), sandbox.person()
    page, other = api.page(source, "gone")["id"], api.page(source, "stays")["id"]
    person.unshare(page if of == "page" else source)
    assert "shared with your integration" in api.refused("GET", f"pages/{page}", status=404)
    assert "Could not find page" in api.refused("PATCH", f"pages/{page}", {"in_trash": True}, status=404)
    assert names(api.ok("POST", "search", {"query": "gone"})) == []
    if of == "page":
        assert api.query(source) == ["stays"]
        assert api.query(source, sorts=[{"property": "Name", "direction": "ascending"}]) == ["stays"]
    else:
        api.refused("POST", f"data_sources/{source}/query", {}, status=404)
        api.refused("GET", f"pages/{other}", status=404)
    person.edit_page(page, named("edited"))
    person.share(page if of == "page" else source)
    assert sorted(api.query(source)) == ["edited", "stays"]


def test_a_relation_to_what_is_not_shared_looks_empty(sandbox: Sandbox, api: Api) -> None:
    target = api.source(title="Target")
    source = api.source({"R": {"relation": {"data_source_id": target, "single_property": {}}}})
    linked = api.page(target, "linked")["id"]
    page = api.page(source, "a", R={"relation": [{"id": linked}]})["id"]
    column = api.ok("GET", f"data_sources/{source}")["properties"]["R"]["id"]
    sandbox.person().unshare(target)
    assert "R" not in api.ok("GET", f"data_sources/{source}")["properties"]
    cell = api.ok("GET", f"pages/{page}")["properties"]["R"]
    assert (cell["relation"], cell["has_more"]) == ([], False)
    assert api.ok("GET", f"pages/{page}/properties/{column}")["results"] == []
    assert api.query(source) == ["a"]
    sandbox.person().share(target)
    assert api.ok("GET", f"pages/{page}")["properties"]["R"]["relation"] == [{"id": linked}]


def test_move_and_content(sandbox: Sandbox, api: Api) -> None:
    source, target, person = (
        api.source({"N": {"number": {}}}),
        api.source({"M": {"number": {}}}),
        sandbox.person(),
    )
    page = api.page(source, "a")["id"]
    person.move(page, target)
    assert (api.query(source), api.query(target)) == ([], ["a"])
    person.write_markdown(page, "# Title\ntext")
    assert api.ok("GET", f"pages/{page}/markdown")["markdown"] == "# Title\ntext"
    block = api.ok("GET", f"blocks/{page}/children")["results"][1]["id"]
    person.edit_block(block, {"paragraph": {"rich_text": text("other")}})
    assert api.ok("GET", f"pages/{page}/markdown")["markdown"] == "# Title\nother"


def test_every_action_over_http(api: Api) -> None:
    source = api.source({"S": SELECT})
    page = api.door("person/create_page", {"data_source": source, "properties": named("a")})["result"]
    assert page["created_by"]["id"] == PERSON_ID
    headers = {"Sandbox-User": "Bj%C3%B6rn"}
    body = {"page": page["id"], "properties": named("b")}
    edited = api.http.post("/_sandbox/person/edit_page", json=body, headers=headers).json()["result"]
    assert api.ok("GET", f"users/{edited['last_edited_by']['id']}")["name"] == "Björn"
    assert api.door("person/unshare", {"id": page["id"]}) == {"result": None}
    assert api.query(source) == []


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("fly", {}, "A person cannot fly; the actions are: create_data_source, "),
    ("trash", {}, "trash: id: Missing required argument."),
    ("trash", {"id": 3}, "trash: id: Input should be a valid string."),
    ("trash", {"id": "x", "colour": "red"}, "trash: colour: Unexpected keyword argument."),
    ("trash", {"id": "x"}, "There is no object x in the workspace."),
    ("rename_column", {"data_source": "SOURCE", "column": "?", "name": "a"}, "with name or id: ?"),
    ("rename_option", {"data_source": "SOURCE", "column": "S", "option": "?", "name": "a"}, "are: x, y."),
    ("add_option", {"data_source": "SOURCE", "column": "Name", "name": "a"}, "which has no options."),
    ("add_column", {"data_source": "SOURCE", "name": "S", "type": "number"}, "a column S already."),
    ("add_column", {"data_source": "SOURCE", "name": "T", "type": "colour"}, "a property type"),
]


def test_wrong_input_is_told_in_one_message(api: Api) -> None:
    source = api.source({"S": SELECT})
    for action, body, words in WRONG:
        asked = {key: source if value == "SOURCE" else value for key, value in body.items()}
        response = api.http.post(f"/_sandbox/person/{action}", json=asked)
        assert response.status_code in (400, 404), action
        assert words in response.json()["message"]


def test_wrong_input_in_python(sandbox: Sandbox) -> None:
    with pytest.raises(ApiError, match="no data source nothing"):
        sandbox.person().delete_column("nothing", "Name")
    with pytest.raises(ApiError, match="Could not find user"):
        sandbox.person("10c65e9a-0000-4000-8000-00000000ffff")


def test_an_index_that_lags(sandbox: Sandbox, api: Api) -> None:
    sandbox.clock.set(datetime(2026, 1, 1, tzinfo=UTC))
    source, person = api.source({"N": {"number": {}}}), sandbox.person()
    old, gone = api.page(source, "old", N={"number": 1})["id"], api.page(source, "gone")["id"]
    sandbox.index.seconds = 30
    person.edit_page(old, named("edited") | {"N": {"number": 2}})
    new = api.page(source, "new")["id"]
    person.trash(gone)
    ones = {"property": "N", "number": {"equals": 1}}
    assert api.query(source) == ["gone", "old"]
    assert api.query(source, ones, sorts=[{"timestamp": "created_time"}]) == ["old"]
    assert names(api.ok("POST", "search", {"query": "new"})) == []
    assert api.ok("GET", f"pages/{old}")["properties"]["N"]["number"] == 2
    assert api.ok("GET", f"pages/{new}")["in_trash"] is False
    sandbox.clock.advance(timedelta(seconds=20))
    person.edit_page(old, named("edited twice"))
    sandbox.clock.advance(timedelta(seconds=10))
    assert api.query(source) == ["new", "edited"]
    sandbox.clock.advance(timedelta(seconds=20))
    assert api.query(source) == ["new", "edited twice"]
    sandbox.index.seconds = 0
    person.restore(gone)
    assert api.query(source) == ["new", "gone", "edited twice"]


def test_pages_of_results_of_an_index_that_lags(sandbox: Sandbox, api: Api) -> None:
    sandbox.clock.set(datetime(2026, 1, 1, tzinfo=UTC))
    source = api.source()
    pages = [api.page(source, str(number)) for number in range(5)]
    api.door("index_lag", {"seconds": 60})
    api.page(source, "new")
    api.edit(pages[3], Name={"title": text("edited")})
    found, cursor = [], None
    while True:
        more = {"start_cursor": cursor} if cursor else {}
        answer = api.ok("POST", f"data_sources/{source}/query", {"page_size": 2} | more)
        found += names(answer)
        cursor = answer["next_cursor"]
        if not cursor:
            break
    assert found == ["4", "3", "2", "1", "0"]
    assert (
        "greater than or equal to 0"
        in api.http.post("/_sandbox/index_lag", json={"seconds": -1}).json()["message"]
    )
