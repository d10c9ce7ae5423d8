"""Which ids are taken: UUIDs of a variant and version that there is, with dashes or without."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.notion import ROOT_PAGE_ID
from tests.sandbox.notion.api import Api, text

#: Recorded of Notion as refused: its variant is none.
RECORDED = "12345678-1234-1234-1234-123456789abc"
WRONG = {
    "variant": RECORDED,
    "no dashes": RECORDED.replace("-", ""),
    "version 0": "12345678-1234-0234-8234-123456789abc",
    "version 9": "12345678-1234-9234-8234-123456789abc",
    "variant c": "12345678-1234-4234-c234-123456789abc",
    "upper case": "12345678-1234-4234-C234-123456789ABC",
    "dashes elsewhere": "1234-5678-123442348234-1234-56789abc",
    "too short": "12345678-1234-4234-8234-123456789ab",
    "braces": "{12345678-1234-4234-8234-123456789abc}",
    "no hex": "1234567g-1234-4234-8234-123456789abc",
}
NIL = "00000000-0000-0000-0000-000000000000"
#: Nobody's, each right in its way.
RIGHT = {
    **{f"version {n}": f"12345678-1234-{n}234-8234-123456789abc" for n in range(1, 9)},
    **{f"variant {v}": f"12345678-1234-4234-{v}234-123456789abc" for v in "89ab"},
    "nil": NIL,
    "no dashes": "12345678123442348234123456789abc",
    "upper case": "12345678-1234-4234-A234-123456789ABC",
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("pages/{}", "page_id"),
        ("pages/{}/markdown", "page_id"),
        ("pages/{}/properties/title", "page_id"),
        ("databases/{}", "database_id"),
        ("data_sources/{}", "data_source_id"),
        ("data_sources/{}/templates", "data_source_id"),
        ("blocks/{}", "block_id"),
        ("blocks/{}/children", "block_id"),
        ("comments/{}", "comment_id"),
        ("users/{}", "user_id"),
        ("views/{}", "view_id"),
        ("file_uploads/{}", "file_upload_id"),
    ],
)
def test_in_paths(api: Api, path: str, name: str, wrong: str) -> None:
    assert api.refused("GET", path.format(wrong)) == (
        f'path failed validation: path.{name} should be a valid uuid, instead was `"{wrong}"`.'
    )


@pytest.mark.parametrize("right", RIGHT.values(), ids=RIGHT)
@pytest.mark.parametrize("path", ["pages/{}", "data_sources/{}", "blocks/{}/children", "users/{}"])
def test_right_ones_are_only_not_there(api: Api, path: str, right: str) -> None:
    assert "Could not find" in api.refused("GET", path.format(right), status=404)


def body_cases(wrong: str, page: str, source: str) -> dict[str, tuple[str, str, Any, str]]:
    runs = text("x")
    mention = {"mention": {"type": "page", "page": {"id": wrong}}}
    relation = {"properties": {"L": {"relation": {"data_source_id": wrong}}}}

    def cells(**given: Any) -> dict[str, Any]:
        return {"properties": given}

    return {
        "page's parent": ("POST", "pages", {"parent": {"page_id": wrong}}, "parent.page_id"),
        "row's parent": ("POST", "pages", {"parent": {"data_source_id": wrong}}, "parent.data_source_id"),
        "source's parent": ("POST", "data_sources", {"parent": {"database_id": wrong}}, "parent.database_id"),
        "move": ("POST", f"pages/{page}/move", {"parent": {"page_id": wrong}}, "parent.page_id"),
        "relation": ("PATCH", f"pages/{page}", cells(R={"relation": [{"id": wrong}]}), "R.relation[0].id"),
        "person": ("PATCH", f"pages/{page}", cells(P={"people": [{"id": wrong}]}), "P.people[0].id"),
        "schema": ("PATCH", f"data_sources/{source}", relation, "L.relation.data_source_id"),
        "mention": ("PATCH", f"pages/{page}", cells(Name={"title": [mention]}), "page.id"),
        "comment's page": ("POST", "comments", {"parent": {"page_id": wrong}, "rich_text": runs}, "page_id"),
        "comment's block": (
            "POST",
            "comments",
            {"parent": {"block_id": wrong}, "rich_text": runs},
            "block_id",
        ),
        "discussion": ("POST", "comments", {"discussion_id": wrong, "rich_text": runs}, "discussion_id"),
        "filter": (
            "POST",
            f"data_sources/{source}/query",
            {"filter": {"property": "R", "relation": {"contains": wrong}}},
            "contains",
        ),
        "filter of people": (
            "POST",
            f"data_sources/{source}/query",
            {"filter": {"property": "P", "people": {"does_not_contain": wrong}}},
            "does_not_contain",
        ),
        "block": (
            "PATCH",
            f"blocks/{page}/children",
            {"children": [], "position": {"type": "after_block", "after_block": {"id": wrong}}},
            "position.after_block.id",
        ),
        "view": ("POST", "views", {"data_source_id": wrong, "type": "table", "name": "V"}, "data_source_id"),
        "upload": ("PATCH", f"pages/{page}", {"cover": {"file_upload": {"id": wrong}}}, "file_upload.id"),
    }


@pytest.mark.parametrize("wrong", [RECORDED, RECORDED.replace("-", "")], ids=["dashes", "none"])
def test_in_bodies(api: Api, wrong: str) -> None:
    source = api.source({"P": {"people": {}}})
    api.ok("PATCH", f"data_sources/{source}", {"properties": {"R": {"relation": {"data_source_id": source}}}})
    page = api.page(source)["id"]
    for name, (method, path, body, where) in body_cases(wrong, page, source).items():
        message = api.refused(method, path, body)
        ending = f'{where} should be a valid uuid, instead was `"{wrong}"`.'
        assert message.startswith("body failed validation: body."), name
        assert message.endswith(ending), (name, message)


@pytest.mark.parametrize(
    ("path", "name"), [("comments", "block_id"), ("views", "database_id"), ("views", "data_source_id")]
)
def test_in_query_strings(api: Api, path: str, name: str) -> None:
    assert api.refused("GET", path, **{name: RECORDED}) == (
        f'query failed validation: query.{name} should be a valid uuid, instead was `"{RECORDED}"`.'
    )


def test_the_workspace_has_only_right_ones(api: Api) -> None:
    page = api.page(api.source())
    for path in (
        f"pages/{ROOT_PAGE_ID}",
        f"pages/{page['id']}",
        f"pages/{page['id'].replace('-', '').upper()}",
    ):
        api.ok("GET", path)
    for user in api.ok("GET", "users")["results"]:
        api.ok("GET", f"users/{user['id']}")
