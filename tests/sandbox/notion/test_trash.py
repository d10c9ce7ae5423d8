"""What lies in something that is in the trash lies in the trash with it, and comes back with it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from sandbox.notion import ROOT_PAGE_ID
from tests.sandbox.notion.api import Api, Json, names, text

VERSIONS = ("2022-06-28", "2025-09-03", "2026-03-11")
ANCESTOR = "archived ancestor"


@dataclass(frozen=True)
class Tree:
    """A page with two columns of blocks, and under it a database with one row that has content."""

    above: str
    columns: str
    column: str
    other: str
    block: str
    database: str
    source: str
    row: str
    content: str

    def paths(self) -> dict[str, str]:
        kinds = {"above": "pages", "row": "pages", "database": "databases", "source": "data_sources"}
        return {name: f"{kinds.get(name, 'blocks')}/{value}" for name, value in vars(self).items()}


#: What goes into the trash with each of them, itself included.
BELOW = {
    "above": {"above", "columns", "column", "other", "block", "database", "source", "row", "content"},
    "columns": {"columns", "column", "other", "block"},
    "column": {"column", "block"},
    "block": {"block"},
    "database": {"database", "source", "row", "content"},
    "source": {"source", "row", "content"},
    "row": {"row", "content"},
}


def paragraph(content: str) -> Json:
    return {"type": "paragraph", "paragraph": {"rich_text": text(content)}}


@pytest.fixture
def tree(api: Api) -> Tree:
    root = {"parent": {"page_id": ROOT_PAGE_ID}}
    above = api.ok("POST", "pages", root | {"properties": {"title": text("Above")}})["id"]
    each = {"column": {"children": [paragraph("x")]}}
    made = api.ok(
        "PATCH", f"blocks/{above}/children", {"children": [{"column_list": {"children": [each, each]}}]}
    )
    columns = made["results"][0]["id"]
    column, other = (block["id"] for block in api.ok("GET", f"blocks/{columns}/children")["results"])
    (block,) = (block["id"] for block in api.ok("GET", f"blocks/{column}/children")["results"])
    body = {"parent": {"page_id": above}, "title": text("Below")}
    database = api.ok("POST", "databases", body)
    source = database["data_sources"][0]["id"]
    row = api.page(source, "row")["id"]
    content = api.ok("PATCH", f"blocks/{row}/children", {"children": [paragraph("in the row")]})
    return Tree(
        above, columns, column, other, block, database["id"], source, row, content["results"][0]["id"]
    )


def trashed(api: Api, tree: Tree) -> set[str]:
    """What answers call trashed, by both words where there are two."""
    found = set()
    for name, path in tree.paths().items():
        if name == "source" and api.headers["Notion-Version"] == "2022-06-28":
            continue
        shown = api.ok("GET", path)
        assert shown.get("archived", shown["in_trash"]) == shown["in_trash"]
        if shown["in_trash"]:
            found.add(name)
    return found


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", BELOW)
def test_all_below_goes_and_comes_back(api: Api, tree: Tree, version: str, name: str) -> None:
    asked = api.with_version(version)
    unseen = {"source"} if version == "2022-06-28" else set()
    assert trashed(asked, tree) == set()
    api.ok("PATCH", tree.paths()[name], {"in_trash": True})
    assert trashed(asked, tree) == BELOW[name] - unseen
    api.ok("PATCH", tree.paths()[name], {"in_trash": False})
    assert trashed(asked, tree) == set()


def test_what_was_in_the_trash_by_itself_stays_there(api: Api, tree: Tree) -> None:
    api.ok("DELETE", f"blocks/{tree.row}")
    api.ok("DELETE", f"blocks/{tree.database}")
    api.ok("PATCH", f"databases/{tree.database}", {"in_trash": False})
    assert trashed(api, tree) == BELOW["row"]
    assert api.query(tree.source) == []


def test_children_of_what_is_in_the_trash_are_listed_as_trashed(api: Api, tree: Tree) -> None:
    api.ok("DELETE", f"blocks/{tree.above}")
    for above, inside in ((tree.above, {tree.columns, tree.database}), (tree.column, {tree.block})):
        listed = api.ok("GET", f"blocks/{above}/children")["results"]
        assert {block["id"] for block in listed} == inside
        assert all(block["in_trash"] for block in listed)


def test_rows_of_a_trashed_database_are_listed_as_trashed(api: Api, tree: Tree) -> None:
    api.ok("DELETE", f"blocks/{tree.database}")
    for body in ({}, {"sorts": [{"property": "Name"}]}):
        (row,) = api.ok("POST", f"data_sources/{tree.source}/query", body)["results"]
        assert (row["id"], row["in_trash"]) == (tree.row, True)
    assert api.ok("GET", f"pages/{tree.row}/properties/title")["results"]


def test_search_finds_them_in_the_trash_only(api: Api, tree: Tree) -> None:
    api.ok("DELETE", f"blocks/{tree.above}")
    assert api.ok("POST", "search", {"query": "row"})["results"] == []
    found = api.ok("POST", "search", {"query": "row", "filter": {"in_trash": True}})
    assert (names(found), found["results"][0]["in_trash"]) == (["row"], True)


def test_what_lies_in_the_trash_is_not_written(api: Api, tree: Tree) -> None:
    api.ok("DELETE", f"blocks/{tree.above}")
    runs = {"rich_text": text("y")}
    for method, path, body in (
        ("PATCH", f"pages/{tree.row}", {"properties": {"Name": {"title": text("y")}}}),
        ("PATCH", f"pages/{tree.row}", {"in_trash": True}),
        ("PATCH", f"pages/{tree.row}", {"in_trash": False}),
        ("PATCH", f"databases/{tree.database}", {"title": text("y")}),
        ("PATCH", f"data_sources/{tree.source}", {"title": text("y")}),
        ("PATCH", f"blocks/{tree.block}", {"paragraph": runs}),
        ("PATCH", f"blocks/{tree.column}/children", {"children": [{"paragraph": runs}]}),
        ("DELETE", f"blocks/{tree.block}", None),
        (
            "PATCH",
            f"pages/{tree.row}/markdown",
            {"type": "insert_content", "insert_content": {"content": "y"}},
        ),
    ):
        assert ANCESTOR in api.refused(method, path, body), path
    for method, path, body in (
        ("POST", "pages", {"parent": {"data_source_id": tree.source}, "properties": {}}),
        ("POST", "databases", {"parent": {"page_id": tree.row}}),
        ("POST", "comments", {"parent": {"page_id": tree.row}, **runs}),
        ("PATCH", f"pages/{tree.above}", {"icon": None}),
    ):
        assert "archived" in api.refused(method, path, body), path
