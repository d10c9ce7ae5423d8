"""What the endpoints have in common, version by version, and what is not asked for every day."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.notion import ROOT_PAGE_ID
from tests.sandbox.notion.api import Api, Json, text

VERSIONS = ("2022-06-28", "2025-09-03", "2026-03-11")
UNDER_ROOT: Json = {"parent": {"page_id": ROOT_PAGE_ID}, "properties": {}}


def plain(api: Api, page: str) -> list[str]:
    blocks = api.ok("GET", f"blocks/{page}/children")["results"]
    return [
        block["type"] + ":" + "".join(r["plain_text"] for r in block[block["type"]]["rich_text"])
        for block in blocks
    ]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", ["pages", "databases", "data_sources", "blocks"])
def test_trash_and_restore_in_the_words_of_each_version(api: Api, kind: str, version: str) -> None:
    if (kind, version) == ("data_sources", "2022-06-28"):
        return
    source = api.source()
    page = api.page(source, "a")["id"]
    block = api.ok(
        "PATCH", f"blocks/{page}/children", {"children": [{"paragraph": {"rich_text": text("x")}}]}
    )
    database = api.ok("GET", f"data_sources/{source}")["parent"]["database_id"]
    ids = {"pages": page, "databases": database, "data_sources": source, "blocks": block["results"][0]["id"]}
    path, asked = f"{kind}/{ids[kind]}", api.with_version(version)
    words = ["in_trash"] if version == "2026-03-11" else ["in_trash", "archived"]
    for word in words:
        for wish in (True, False):
            answer = asked.ok("PATCH", path, {word: wish})
            assert [answer[name] for name in words] == [wish] * len(words)
            assert ("archived" in answer) is (len(words) == 2)
            assert [asked.ok("GET", path)[name] for name in words] == [wish] * len(words)
    if version == "2026-03-11":
        assert "body.archived should be not present" in asked.refused("PATCH", path, {"archived": True})


@pytest.mark.parametrize(
    ("body", "blocks"),
    [
        ({"children": [{"paragraph": {"rich_text": text("x")}}]}, ["paragraph:x"]),
        ({"content": [{"quote": {"rich_text": text("x")}}]}, ["quote:x"]),
        ({"markdown": "# Hi\n\nthere", "properties": {"title": []}}, ["heading_1:Hi", "paragraph:there"]),
        ({"markdown": "a\n# Hi\n# there"}, ["paragraph:a", "heading_1:there"]),
        ({"template": {"type": "none"}}, []),
    ],
)
def test_content_of_a_new_page(api: Api, body: Json, blocks: list[str]) -> None:
    assert plain(api, api.ok("POST", "pages", UNDER_ROOT | body)["id"]) == blocks


def test_a_heading_is_the_title_where_none_is_given(api: Api) -> None:
    parent, markdown = {"data_source_id": api.source({"N": {"number": {}}})}, "# Hi\nthere"
    for properties, title in (
        ({}, "Hi"),
        ({"N": {"number": 1}}, "Hi"),
        ({"Name": {"title": []}}, ""),
        ({"title": {"title": text("Own")}}, "Own"),
    ):
        body = {"parent": parent, "properties": properties, "markdown": markdown}
        made = api.ok("POST", "pages", body)
        assert "".join(run["plain_text"] for run in made["properties"]["Name"]["title"]) == title
        content = api.ok("GET", f"pages/{made['id']}/markdown")["markdown"]
        assert content == ("there" if title == "Hi" else markdown)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"children": [], "markdown": "x"}, "body.markdown should be not present"),
        ({"markdown": 3}, "body.markdown should be a string"),
        ({"template": {"type": "default"}}, "there are no templates"),
        (
            {"content": [{"paragraph": {"rich_text": 3}}]},
            "body.content[0].paragraph.rich_text should be an array",
        ),
    ],
)
def test_wrong_content_of_a_new_page(api: Api, body: Json, message: str) -> None:
    assert message in api.refused("POST", "pages", UNDER_ROOT | body)


def test_columns_of_the_answer_to_a_write(api: Api) -> None:
    source = api.source({"N": {"number": {}}, "T": {"rich_text": {}}})
    body = {"parent": {"data_source_id": source}, "properties": {"N": {"number": 1}}}
    made = api.ok("POST", "pages", body, filter_properties=["N"])
    assert list(made["properties"]) == ["N"]
    changed = api.ok(
        "PATCH", f"pages/{made['id']}", {"properties": {"N": {"number": 2}}}, filter_properties="title"
    )
    assert list(changed["properties"]) == ["Name"]


@pytest.mark.parametrize(
    ("update", "expected"),
    [
        ({"type": "insert_content", "insert_content": {"content": "end"}}, "one\ntwo\nthree\nend"),
        (
            {"type": "insert_content", "insert_content": {"content": "x", "after": "on...tw"}},
            "one\ntw\nxo\nthree",
        ),
        (
            {"type": "insert_content", "insert_content": {"content": "a\nb", "position": {"type": "start"}}},
            "a\nb\none\ntwo\nthree",
        ),
        (
            {"type": "insert_content", "insert_content": {"content": "a", "position": {"type": "end"}}},
            "one\ntwo\nthree\na",
        ),
        (
            {
                "type": "update_content",
                "update_content": {
                    "content_updates": [{"old_str": "o", "new_str": "0", "replace_all_matches": True}]
                },
            },
            "0ne\ntw0\nthree",
        ),
        ({"type": "replace_content", "replace_content": {"new_str": "all"}}, "all"),
        (
            {
                "type": "update_content",
                "update_content": {"content_updates": [{"old_str": "two", "new_str": "2"}]},
            },
            "one\n2\nthree",
        ),
        (
            {
                "type": "replace_content_range",
                "replace_content_range": {"content": "x", "content_range": "one...two"},
            },
            "x\nthree",
        ),
    ],
)
def test_markdown_updates(api: Api, update: Json, expected: str) -> None:
    page = api.ok("POST", "pages", UNDER_ROOT | {"markdown": "one\n\ntwo\n\nthree"})["id"]
    answer = api.ok("PATCH", f"pages/{page}/markdown", update)
    assert "\n".join(line for line in answer["markdown"].split("\n") if line) == expected
    assert api.ok("GET", f"pages/{page}/markdown")["markdown"] == answer["markdown"]


@pytest.mark.parametrize(
    ("update", "message"),
    [
        ({"type": "shout"}, '"replace_content_range"'),
        (
            {"type": "insert_content", "insert_content": {"content": "x", "after": "one", "position": {}}},
            "body.insert_content.position should be not present",
        ),
        (
            {
                "type": "update_content",
                "update_content": {"content_updates": [{"old_str": "o", "new_str": ""}]},
            },
            "Found several places of the text to replace: o",
        ),
        (
            {"type": "replace_content", "replace_content": {"new_str": "x"}, "more": 1},
            "body.more should be not present",
        ),
        (
            {
                "type": "replace_content_range",
                "replace_content_range": {"content": "x", "content_range": "two...one"},
            },
            "Could not find the text to replace: two...one",
        ),
    ],
)
def test_wrong_markdown_updates(api: Api, update: Json, message: str) -> None:
    page = api.ok("POST", "pages", UNDER_ROOT | {"markdown": "one\n\ntwo"})["id"]
    assert message in api.refused("PATCH", f"pages/{page}/markdown", update)


def test_child_pages_in_markdown_are_kept_or_deleted_on_demand(api: Api) -> None:
    page = api.ok("POST", "pages", UNDER_ROOT | {"markdown": "one"})["id"]
    child = api.ok("POST", "pages", {"parent": {"page_id": page}, "properties": {"title": text("Kid")}})
    api.ok(
        "PATCH", f"pages/{page}/markdown", {"type": "insert_content", "insert_content": {"content": "two"}}
    )
    tag = f'<page url="{child["url"]}">Kid</page>'
    assert api.ok("GET", f"pages/{page}/markdown")["markdown"] == f"one\n{tag}\ntwo"

    def replace(content: str, **more: Any) -> Json:
        return {"type": "replace_content", "replace_content": {"new_str": content} | more}

    moved = api.ok("PATCH", f"pages/{page}/markdown", replace(f"1\n2\n{tag}"))
    assert moved["markdown"] == f"1\n2\n{tag}"
    message = api.refused("PATCH", f"pages/{page}/markdown", replace("gone"))
    assert "allow_deleting_content" in message
    assert "Kid" in message
    assert api.ok("GET", f"pages/{child['id']}")["parent"]["page_id"] == page
    assert api.ok("GET", f"pages/{page}/markdown")["markdown"] == f"1\n2\n{tag}"
    api.ok("PATCH", f"pages/{page}/markdown", replace("gone", allow_deleting_content=True))
    assert api.ok("GET", f"pages/{child['id']}")["in_trash"]
    assert api.ok("GET", f"pages/{page}/markdown")["markdown"] == "gone"


def listed(api: Api, method: str, path: str, key: str, size: int) -> list[Any]:
    """All results of a list, read in pages."""
    found: list[Any] = []
    cursor: str | None = None
    while True:
        more = {"start_cursor": cursor} if cursor else {}
        asked = {"page_size": size} | more
        answer = api.ok(method, path, asked) if method == "POST" else api.ok(method, path, **asked)
        assert answer["type"] == key
        assert len(answer["results"]) <= size
        found += answer["results"]
        cursor = answer["next_cursor"]
        assert answer["has_more"] is (cursor is not None)
        if cursor is None:
            return found


def test_every_list_is_read_in_pages(api: Api) -> None:
    for number in range(6):
        Api(api.http, token=f"bot {number}").ok("GET", "users/me")
    source = api.source()
    pages = [api.page(source, f"row {number}")["id"] for number in range(7)]
    children = [{"paragraph": {"rich_text": text(str(number))}} for number in range(7)]
    api.ok("PATCH", f"blocks/{pages[0]}/children", {"children": children})
    runs = [{"text": {"content": str(number)}} for number in range(7)]
    api.ok("PATCH", f"pages/{pages[0]}", {"properties": {"Name": {"title": runs}}})
    lists = {
        "users": ("GET", "users", "user", 8),
        "blocks": ("GET", f"blocks/{pages[0]}/children", "block", 7),
        "items": ("GET", f"pages/{pages[0]}/properties/title", "property_item", 7),
        "rows": ("POST", f"data_sources/{source}/query", "page_or_data_source", 7),
        "search": ("POST", "search", "page_or_data_source", 9),
    }
    for name, (method, path, key, length) in lists.items():
        whole = listed(api, method, path, key, 100)
        assert len(whole) == length, name
        assert listed(api, method, path, key, 2) == whole, name
        if name != "items":
            assert len({entry["id"] for entry in whole}) == length, name


def test_a_page_moves_between_data_sources_and_pages(api: Api) -> None:
    columns: Json = {"N": {"number": {}}, "S": {"select": {"options": [{"name": "A"}]}}}
    source, other = (api.source(columns, title) for title in ("One", "Two"))
    page = api.page(source, "a", N={"number": 3}, S={"select": {"name": "A"}})["id"]
    moved = api.ok("POST", f"pages/{page}/move", {"parent": {"data_source_id": other}})
    assert (moved["parent"]["data_source_id"], moved["properties"]["N"]["number"]) == (other, 3)
    assert moved["properties"]["S"]["select"]["name"] == "A"
    assert (api.query(source), api.query(other)) == ([], ["a"])
    out = api.ok("POST", f"pages/{page}/move", {"parent": {"page_id": ROOT_PAGE_ID}})
    assert list(out["properties"]) == ["title"]
    message = api.refused("POST", f"pages/{page}/move", {"parent": {"page_id": other}}, status=404)
    assert message.startswith(f"Could not find page with ID: {other}.")


def test_nothing_moves_under_itself(api: Api) -> None:
    source = api.source({"ID": {"unique_id": {}}})
    database = api.ok("GET", f"data_sources/{source}")["parent"]["database_id"]
    row = api.page(source, "a")["id"]
    below = api.ok("POST", "pages", {"parent": {"page_id": row}})["id"]
    within = {"parent": {"page_id": row}, "initial_data_source": {"properties": {"Name": {"title": {}}}}}
    inner = api.ok("POST", "databases", within)
    for method, path, parent in (
        ("POST", f"pages/{row}/move", {"page_id": row}),
        ("POST", f"pages/{row}/move", {"page_id": below}),
        ("PATCH", f"databases/{database}", {"type": "page_id", "page_id": row}),
        ("PATCH", f"data_sources/{source}", {"type": "database_id", "database_id": inner["id"]}),
    ):
        assert api.refused(method, path, {"parent": parent}).endswith("under itself.")
    assert api.query(source) == ["a"]


def test_a_moved_row_is_numbered_where_it_comes_to_lie(api: Api) -> None:
    one, two = (api.source({"ID": {"unique_id": {}}}, title) for title in ("One", "Two"))
    row = api.page(one, "a")["id"]
    api.page(two, "b")
    moved = api.ok("POST", f"pages/{row}/move", {"parent": {"data_source_id": two}})
    assert moved["properties"]["ID"]["unique_id"]["number"] == 2
    again = api.ok("POST", f"pages/{row}/move", {"parent": {"data_source_id": two}})
    assert again["properties"]["ID"]["unique_id"]["number"] == 2


def test_templates_are_an_empty_list(api: Api) -> None:
    answer = api.ok("GET", f"data_sources/{api.source()}/templates", page_size=5)
    assert answer == {"templates": [], "has_more": False, "next_cursor": None}
