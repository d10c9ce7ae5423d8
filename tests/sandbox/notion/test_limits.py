"""Limits and refusals, one row each, in Notion's words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from sandbox.notion import PERSON_ID, ROOT_PAGE_ID
from tests.sandbox.notion.api import Api, Json

COLUMNS: Json = {
    "Text": {"rich_text": {}},
    "N": {"number": {}},
    "U": {"url": {}},
    "E": {"email": {}},
    "Ph": {"phone_number": {}},
    "S": {"select": {"options": [{"name": "A", "color": "red"}]}},
    "M": {"multi_select": {}},
    "St": {"status": {}},
    "P": {"people": {}},
    "F": {"files": {}},
    "Fx": {"formula": {"expression": 'prop("N") + 1'}},
    "Id": {"unique_id": {}},
}
FAILED = "body failed validation: body."


def too_long(path: str, limit: int, length: int) -> str:
    return f"{FAILED}{path}.length should be ≤ `{limit}`, instead was `{length}`."


def runs(count: int, length: int = 1) -> list[Json]:
    return [{"text": {"content": "x" * length}} for _ in range(count)]


def paragraphs(count: int, content: Any = None) -> list[Json]:
    return [{"paragraph": {"rich_text": content or []}} for _ in range(count)]


def linked(length: int) -> list[Json]:
    return [{"text": {"content": "x", "link": {"url": "https://x/" + "y" * (length - 10)}}}]


def equation(length: int) -> list[Json]:
    return [{"equation": {"expression": "x" * length}}]


def nested(levels: int) -> list[Json]:
    block: Json = {"paragraph": {"rich_text": []}}
    for _ in range(levels):
        block = {"paragraph": {"rich_text": [], "children": [block]}}
    return [block]


def mixed(count: int) -> list[Json]:
    """100 blocks with as many children as make `count` altogether."""
    each, rest = divmod(count - 100, 100)
    blocks = paragraphs(100)
    for index, block in enumerate(blocks):
        block["paragraph"]["children"] = paragraphs(each + (index < rest))
    return blocks


#: What a column takes at most, and one more of it: (column, type, at the limit, beyond it, path, limit, length).
CELLS: list[tuple[str, str, Any, Any, str, int, int]] = [
    ("Text", "rich_text", runs(1, 2000), runs(1, 2088), "rich_text[0].text.content", 2000, 2088),
    ("Text", "rich_text", linked(2000), linked(2001), "rich_text[0].text.link.url", 2000, 2001),
    ("Text", "rich_text", equation(1000), equation(1001), "rich_text[0].equation.expression", 1000, 1001),
    ("Text", "rich_text", runs(100), runs(111), "rich_text", 100, 111),
    ("Name", "title", runs(100), runs(101), "title", 100, 101),
    ("U", "url", "u" * 2000, "u" * 2001, "url", 2000, 2001),
    ("E", "email", "e" * 200, "e" * 201, "email", 200, 201),
    ("Ph", "phone_number", "1" * 200, "1" * 201, "phone_number", 200, 201),
    ("S", "select", {"name": "s" * 100}, {"name": "s" * 118}, "select.name", 100, 118),
    (
        "M",
        "multi_select",
        [{"name": str(number)} for number in range(100)],
        [{"name": str(number)} for number in range(101)],
        "multi_select",
        100,
        101,
    ),
    (
        "M",
        "multi_select",
        [{"name": "a"}, {"name": "b"}, {"name": "c" * 100}],
        [{"name": "a"}, {"name": "b"}, {"name": "c" * 118}],
        "multi_select[2].name",
        100,
        118,
    ),
    ("P", "people", [{"id": PERSON_ID}] * 100, [{"id": PERSON_ID}] * 101, "people", 100, 101),
    ("R", "relation", "row", "row", "relation", 100, 101),
]


@pytest.fixture
def source(api: Api) -> str:
    return api.source(COLUMNS)


@pytest.mark.parametrize(
    ("column", "kind", "most", "more", "path", "limit", "length"),
    CELLS,
    ids=[f"{c[0]} {c[4]}" for c in CELLS],
)
def test_cells(
    api: Api, source: str, column: str, kind: str, most: Any, more: Any, path: str, limit: int, length: int
) -> None:
    page = api.page(source, "a")
    if kind == "relation":
        link = {"relation": {"data_source_id": source, "type": "single_property", "single_property": {}}}
        api.ok("PATCH", f"data_sources/{source}", {"properties": {"R": link}})
        most, more = [{"id": page["id"]}] * 100, [{"id": page["id"]}] * 101
    message = api.refused("PATCH", f"pages/{page['id']}", {"properties": {column: {kind: more}}})
    assert message == too_long(f"properties.{column}.{path}", limit, length)
    api.ok("PATCH", f"pages/{page['id']}", {"properties": {column: {kind: most}}})


#: Blocks at a limit, beyond it, and the message; in `children` of a new page and of an append alike.
BLOCKS: list[tuple[str, list[Json], list[Json], str]] = [
    ("array", paragraphs(100), paragraphs(164), too_long("children", 100, 164)),
    (
        "runs of a block",
        [*paragraphs(9), *paragraphs(1, runs(100))],
        [*paragraphs(9), *paragraphs(1, runs(111))],
        too_long("children[9].paragraph.rich_text", 100, 111),
    ),
    ("nesting", nested(2), nested(3), "should be not present"),
    ("blocks of a request", mixed(1000), mixed(1001), "1000"),
]


@pytest.mark.parametrize(("most", "more", "message"), [b[1:] for b in BLOCKS], ids=[b[0] for b in BLOCKS])
def test_blocks(api: Api, most: list[Json], more: list[Json], message: str) -> None:
    parent = {"parent": {"page_id": ROOT_PAGE_ID}, "properties": {}}
    assert message in api.refused("POST", "pages", parent | {"children": more})
    page = api.ok("POST", "pages", parent | {"children": most})
    assert message in api.refused("PATCH", f"blocks/{page['id']}/children", {"children": more})
    api.ok("PATCH", f"blocks/{page['id']}/children", {"children": most})


@dataclass(frozen=True)
class Place:
    api: Api
    source: str
    page: str
    trashed: str = ""
    ids: dict[str, str] = field(default_factory=dict)


def patch(properties: Json) -> Callable[[Place], tuple[str, str, Any]]:
    return lambda place: ("PATCH", f"pages/{place.page}", {"properties": properties})


def schema(properties: Json) -> Callable[[Place], tuple[str, str, Any]]:
    return lambda place: ("PATCH", f"data_sources/{place.source}", {"properties": properties})


def ask(body: Json) -> Callable[[Place], tuple[str, str, Any]]:
    return lambda place: ("POST", f"data_sources/{place.source}/query", body)


NO_ID = 'path failed validation: path.page_id should be a valid uuid, instead was `"nonsense"`.'
#: What is refused, and its message.
REFUSED: dict[str, tuple[Callable[[Place], tuple[str, str, Any]], str]] = {
    "path id": (lambda place: ("GET", "pages/nonsense", None), NO_ID),
    "trash in a query": (
        ask({"in_trash": False}),
        f"{FAILED}in_trash should be not present, instead was `false`.",
    ),
    "no parent": (lambda place: ("POST", "pages", {"parent": {}}), "body failed validation. Fix one:\n"),
    "columns in a query body": (
        ask({"filter_properties": ["N"]}),
        f"{FAILED}filter_properties should be not present",
    ),
    "column of a filter": (
        ask({"filter": {"property": "X", "number": {"equals": 1}}}),
        "Could not find property with name or id: X",
    ),
    "column of a sort": (
        ask({"sorts": [{"property": "X"}]}),
        "Could not find sort property with name or id: X",
    ),
    "column of a page": (patch({"X": {"number": 1}}), "X is not a property that exists."),
    "value of another type": (patch({"St": {"select": {"name": "Done"}}}), "St is expected to be status."),
    "id of a person": (
        patch({"P": {"people": [{"id": "x"}]}}),
        f'{FAILED}properties.P.people[0].id should be a valid uuid, instead was `"x"`.',
    ),
    "id in a mention": (
        patch({"Text": {"rich_text": [{"mention": {"page": {"id": "x"}}}]}}),
        f'{FAILED}properties.Text.rich_text[0].mention.page.id should be a valid uuid, instead was `"x"`.',
    ),
    "comma": (patch({"S": {"select": {"name": "a,b"}}}), "Invalid select option, commas not allowed: a,b"),
    "colour of an option": (
        patch({"S": {"select": {"name": "A", "color": "blue"}}}),
        "Select option color doesn't match existing",
    ),
    "colour in the schema": (
        schema({"S": {"select": {"options": [{"name": "A", "color": "blue"}]}}}),
        "Cannot update color of select with id",
    ),
    "trashed page": (
        lambda place: ("PATCH", f"pages/{place.trashed}", {"icon": None}),
        "Can't edit block that is archived. You must unarchive the block before editing.",
    ),
    "cursor": (ask({"start_cursor": PERSON_ID}), f"The start_cursor provided is invalid: {PERSON_ID}"),
    "status option": (patch({"St": {"status": {"name": "Never"}}}), "Invalid status option."),
    "formula": (patch({"Fx": {"formula": {}}}), "read-only property of type formula"),
    "unique id": (patch({"Id": {"unique_id": {"number": 1}}}), "read-only property of type unique_id"),
    "text for a number": (patch({"N": {"number": "1"}}), f"{FAILED}properties.N.number should be a number"),
    "page size": (ask({"page_size": 101}), f"{FAILED}page_size should be ≤ `100`, instead was `101`."),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refusals(api: Api, source: str, what: str) -> None:
    trashed = api.page(source, "b")["id"]
    api.ok("PATCH", f"pages/{trashed}", {"in_trash": True})
    request, message = REFUSED[what]
    place = Place(api, source, api.page(source, "a")["id"], trashed)
    assert message in api.refused(*request(place))


def test_the_body_of_a_request(api: Api) -> None:
    rest = len(api.http.build_request("POST", "/", json={"query": ""}).content)
    api.ok("POST", "search", {"query": "x" * (500_000 - rest)})
    assert "500000" in api.refused("POST", "search", {"query": "x" * (500_001 - rest)})
