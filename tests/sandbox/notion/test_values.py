"""Values of columns: what is kept of what is written, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.notion import PERSON_ID
from tests.sandbox.notion.api import Api, Json, text

COLUMNS: Json = {
    "Text": {"rich_text": {}},
    "N": {"number": {}},
    "S": {"select": {"options": [{"name": "A", "color": "red"}]}},
    "M": {"multi_select": {"options": [{"name": "A"}]}},
    "St": {"status": {}},
    "D": {"date": {}},
    "P": {"people": {}},
    "F": {"files": {}},
    "C": {"checkbox": {}},
    "U": {"url": {}},
    "E": {"email": {}},
    "T": {"phone_number": {}},
    "Pl": {"place": {}},
    "By": {"created_by": {}},
    "At": {"last_edited_time": {}},
    "Id": {"unique_id": {}},
    "Fx": {"formula": {"expression": "1 + 1"}},
}


@pytest.fixture
def page(api: Api) -> Json:
    return api.page(api.source(COLUMNS), "a")


def cell(page: Json, name: str) -> Any:
    value = page["properties"][name]
    return value[value["type"]]


def refused(api: Api, page: Json, **properties: Any) -> str:
    return api.refused("PATCH", f"pages/{page['id']}", {"properties": properties})


def test_empty_values(page: Json) -> None:
    empty = {
        name: cell(page, name) for name in ("Text", "N", "S", "M", "D", "P", "F", "C", "U", "E", "T", "Pl")
    }
    assert empty == {
        **{"Text": [], "N": None, "S": None, "M": [], "D": None, "P": [], "F": [], "C": False},
        **{"U": None, "E": None, "T": None, "Pl": None},
    }
    assert cell(page, "St")["name"] == "Not started"


def test_rich_text_gets_its_defaults(api: Api, page: Json) -> None:
    runs = [
        {"text": {"content": "plain "}, "plain_text": "ignored"},
        {
            "type": "text",
            "text": {"content": "link", "link": {"url": "https://x/"}},
            "annotations": {"bold": True},
        },
        {"text": {"content": ""}},
        {"equation": {"expression": "x^2"}},
    ]
    first, second, third = cell(api.edit(page, Text={"rich_text": runs}), "Text")
    assert first == {
        "type": "text",
        "text": {"content": "plain ", "link": None},
        "annotations": {
            **{"bold": False, "italic": False, "strikethrough": False, "underline": False, "code": False},
            "color": "default",
        },
        "plain_text": "plain ",
        "href": None,
    }
    assert (second["href"], second["annotations"]["bold"], second["plain_text"]) == (
        "https://x/",
        True,
        "link",
    )
    assert (third["type"], third["plain_text"]) == ("equation", "x^2")


def test_mentions(api: Api, page: Json) -> None:
    runs = [
        {"mention": {"page": {"id": page["id"]}}},
        {"mention": {"user": {"id": PERSON_ID}}},
        {"mention": {"date": {"start": "2026-01-01"}}},
    ]
    shown = cell(api.edit(page, Text={"rich_text": runs}), "Text")
    assert [run["plain_text"] for run in shown] == ["a", "@Alex Person", "2026-01-01"]
    assert shown[0]["mention"] == {"type": "page", "page": {"id": page["id"]}}


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ({"start": "2026-07-01"}, {"start": "2026-07-01", "end": None}),
        ({"start": "2026-07-25T16:57:28.513237Z"}, {"start": "2026-07-25T16:57:00.000+00:00", "end": None}),
        ({"start": "2026-07-25T16:57:28+02:00"}, {"start": "2026-07-25T16:57:00.000+02:00", "end": None}),
        ({"start": "2026-07-25T16:57:28"}, {"start": "2026-07-25T16:57:00.000+00:00", "end": None}),
        (
            {"start": "2024-06-27T17:57:33.181116", "time_zone": "Europe/London"},
            {"start": "2024-06-27T17:57:00.000+01:00", "end": None},
        ),
        (
            {"start": "2026-07-01", "end": "2026-07-03"},
            {"start": "2026-07-01", "end": "2026-07-03"},
        ),
    ],
)
def test_dates(api: Api, page: Json, written: Json, kept: Json) -> None:
    assert cell(api.edit(page, D={"date": written}), "D") == kept | {"time_zone": None}
    assert cell(api.edit(page, D={"date": None}), "D") is None


@pytest.mark.parametrize(
    "written",
    [
        {"start": "tomorrow"},
        {"end": "2026-01-01"},
        {"start": "2026-01-02", "end": "2026-01-01"},
        {"start": "2026-01-02", "end": "2026-01-03T10:00:00Z"},
        {"start": "2026-01-02T10:00:00", "time_zone": "Nowhere/City"},
    ],
)
def test_bad_dates(api: Api, page: Json, written: Json) -> None:
    assert refused(api, page, D={"date": written})


def test_select_options_are_made_as_needed(api: Api, page: Json) -> None:
    shown = api.edit(page, S={"select": {"name": "B"}}, M={"multi_select": [{"name": "B"}, {"name": "A"}]})
    assert (cell(shown, "S")["name"], cell(shown, "S")["color"]) == ("B", "default")
    assert [option["name"] for option in cell(shown, "M")] == ["B", "A"]
    again = api.edit(page, S={"select": {"id": cell(shown, "S")["id"]}})
    assert cell(again, "S") == cell(shown, "S")
    columns = api.ok("GET", f"data_sources/{page['parent']['data_source_id']}")["properties"]
    assert [option["name"] for option in columns["S"]["select"]["options"]] == ["A", "B"]
    assert cell(api.edit(page, S={"select": None}), "S") is None


def test_refused_options(api: Api, page: Json) -> None:
    assert (
        refused(api, page, S={"select": {"name": "a,b"}}) == "Invalid select option, commas not allowed: a,b"
    )
    assert "color doesn't match" in refused(api, page, S={"select": {"name": "A", "color": "blue"}})
    assert refused(api, page, S={"select": {"id": "unknown"}})
    message = refused(api, page, M={"multi_select": [{"name": "ok"}, {"name": "x" * 118}]})
    assert message == (
        "body failed validation: body.properties.M.multi_select[1].name.length should be ≤ `100`, instead was `118`."
    )


def test_status_options_must_exist(api: Api, page: Json) -> None:
    assert cell(api.edit(page, St={"status": {"name": "Done"}}), "St")["color"] == "green"
    assert "does not exist" in refused(api, page, St={"status": {"name": "Never"}})
    assert refused(api, page, St={"select": {"name": "Done"}}) == "St is expected to be status."


def test_people_files_and_place(api: Api, page: Json) -> None:
    shown = api.edit(
        page,
        P={"people": [{"object": "user", "id": PERSON_ID}]},
        F={"files": [{"name": "x", "external": {"url": "https://x/i.png"}}]},
        Pl={"place": {"lat": 52.52, "lon": 13.405, "address": "Berlin"}},
    )
    assert cell(shown, "P")[0]["person"] == {"email": "alex@example.com"}
    assert cell(shown, "F") == [{"name": "x", "type": "external", "external": {"url": "https://x/i.png"}}]
    assert cell(shown, "Pl")["name"] is None
    assert refused(api, page, P={"people": [{"id": "nobody"}]})


@pytest.mark.parametrize("name", ["By", "At", "Id", "Fx"])
def test_read_only_types_are_refused(api: Api, page: Json, name: str) -> None:
    assert "read-only" in refused(api, page, **{name: {page["properties"][name]["type"]: None}})


@pytest.mark.parametrize(
    ("name", "value", "part"),
    [
        ("N", {"number": "5"}, "properties.N.number should be a number"),
        ("N", {"number": True}, "properties.N.number"),
        ("C", {"checkbox": None}, "properties.C.checkbox"),
        ("U", {"url": "x" * 2001}, "properties.U.url.length should be ≤ `2000`, instead was `2001`"),
        ("E", {"email": "x" * 201}, "properties.E.email.length should be ≤ `200`"),
        ("T", {"phone_number": "1" * 201}, "properties.T.phone_number.length should be ≤ `200`"),
        (
            "Text",
            {"rich_text": text("x" * 2088)},
            "body.properties.Text.rich_text[0].text.content.length should be ≤ `2000`, instead was `2088`.",
        ),
        ("Text", {"rich_text": text("x") * 101}, "rich_text.length should be ≤ `100`, instead was `101`"),
        (
            "M",
            {"multi_select": [{"name": str(n)} for n in range(101)]},
            "multi_select.length should be ≤ `100`",
        ),
        ("P", {"people": [{"id": PERSON_ID}] * 101}, "people.length should be ≤ `100`"),
        ("Text", {"rich_text": [{"nothing": 1}]}, "Fix one:"),
    ],
)
def test_limits(api: Api, page: Json, name: str, value: Json, part: str) -> None:
    assert part in refused(api, page, **{name: value})


def test_a_text_of_the_full_length_is_kept(api: Api, page: Json) -> None:
    shown = api.edit(page, Text={"rich_text": text("ü" * 2000)})
    assert cell(shown, "Text")[0]["plain_text"] == "ü" * 2000
    assert refused(api, page, Text={"rich_text": text("😀" * 1001)})
