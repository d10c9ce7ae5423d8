"""Rows as Notion gives them, damaged at random: an odd property is opaque, an odd row an error of that row."""

from __future__ import annotations

import copy
from collections import Counter
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.errors import ItemError, SideError
from tasks.services.notion.columns.properties import Column, encode
from tasks.services.notion.pages.page import Page, read_page
from tasks.sides import File
from tasks.values.canonical import canonical
from tasks.values.opaque import Opaque


def _text(words: str) -> list[Any]:
    return [{"type": "text", "text": {"content": words, "link": None}, "plain_text": words, "href": None}]


_OPTION = {"id": "Xa>b", "name": "High", "color": "red"}
_USER = {"object": "user", "id": "0cd4ad5e-1c1c-4ad2-8f6e-0f4f9ac2a6a9", "type": "person", "person": {}}
_HELD: dict[str, Any] = {
    "title": _text("Buy milk"),
    "rich_text": [*_text("two "), {"type": "equation", "equation": {"expression": "x"}, "plain_text": "x"}],
    "number": 7.5,
    "checkbox": True,
    "select": _OPTION,
    "status": _OPTION,
    "multi_select": [_OPTION, {**_OPTION, "name": "Low"}],
    "date": {
        "start": "2026-07-04T09:00:00.000+02:00",
        "end": "2026-07-05T09:00:00.000+02:00",
        "time_zone": None,
    },
    "url": "https://example.org/",
    "email": "a@example.org",
    "phone_number": "1",
    "people": [_USER],
    "relation": [{"id": "5b1f3c1e-3e7c-4a8f-9d0c-57c2a1c5d111"}],
    "files": [{"name": "a.txt", "type": "file", "file": {"url": "https://files.example.org/a.txt?x=1"}}],
    "place": {"lat": 1.5, "lon": 2.5, "name": "x", "address": None, "aws_place_id": "1"},
    "verification": {"state": "verified", "verified_by": _USER, "date": None},
    "formula": {"type": "date", "date": {"start": "2026-07-04", "end": None}},
    "rollup": {"type": "number", "number": 3, "function": "count"},
    "unique_id": {"prefix": "T", "number": 4},
    "created_by": _USER,
    "created_time": "2026-06-26T13:45:00.000Z",
}
ROW: dict[str, Any] = {
    "object": "page",
    "id": "38b9ce7b-60a4-810a-a3e0-d0c7fde33f0c",
    "created_time": "2026-06-26T13:45:00.000Z",
    "last_edited_time": "2026-06-27T14:46:00.000Z",
    "parent": {"type": "data_source_id", "data_source_id": "3839ce7b-60a4-802c-b152-000ba814957b"},
    "in_trash": False,
    "properties": {
        kind.title(): {"id": f"id%3B{kind}", "type": kind, kind: held} for kind, held in _HELD.items()
    },
    "url": "https://www.notion.so/x",
}
COLUMNS = {kind.title(): Column(kind.title(), f"id%3B{kind}", kind, ("High", "Low")) for kind in _HELD}
RANGES = {
    name: Column(name, column.id, column.type, column.options, as_range=column.type == "date")
    for name, column in COLUMNS.items()
}

ODD: list[Any] = [
    *(None, "", "x", "٣", 0, -1, 10**400, 1e308, True, [], {}, [None], [[]], [{}], {"id": 5}, {"id": None}),
    *("0001-01-01", "0000-01-01", "9999-12-31", "9999-12-31T23:00:00.000Z", "0001-01-01T00:00:00+14:00"),
    *("9999-12-31T23:59:00-12:00", "10000-01-01", "2026-W01-1", "2026-07-04T09:00", "America", "../x", "a\x00b"),
    *({"start": None}, {"start": 5}, {"start": "2026-07-04", "end": []}, {"name": None}, {"type": []}, float("inf")),
]  # fmt: skip
NEW: dict[str, list[Any]] = {
    "date": [date(1, 1, 1), datetime(9999, 12, 31, 23, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC), None],
    "title": ["x"],
    "multi_select": [("Low",)],
    "people": [(_USER["id"],)],
    "relation": [()],
    "place": [{"lat": 1.5, "lon": 2.5}],
    "files": [(File.link("a.txt", "https://example.org/"),)],
}


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    keys = (
        list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    )
    return [
        *([path] if path else []),
        *(place for key in keys for place in _places(value[key], (*path, key))),
    ]


PLACES = _places(ROW)


@st.composite
def damaged(draw: st.DrawFn) -> Any:
    row = copy.deepcopy(ROW)
    for _ in range(draw(st.integers(0, 3))):
        *way, last = draw(st.sampled_from(PLACES))
        holder: Any = row
        try:
            for key in way:
                holder = holder[key]
            if draw(st.booleans()):
                holder[last] = copy.deepcopy(draw(st.sampled_from(ODD)))
            else:
                del holder[last]
        except (LookupError, TypeError):
            continue  # an accident before has taken it away
    return row


@pytest.fixture(scope="module")
def reached() -> Counter[str]:
    return Counter()


def _written_again(page: Page, columns: dict[str, Column], reached: Counter[str]) -> None:
    """A property can be set whatever it holds, or is refused by an error of the item."""
    for name, column in columns.items():
        for value in NEW.get(column.type, ()):
            if isinstance(page.values[name], Opaque):
                continue  # never written
            try:
                encode(column, value, page.property(column))
                reached["written"] += 1
            except ItemError:
                reached["refused"] += 1


@settings(max_examples=500, suppress_health_check=list(HealthCheck), deadline=None)
@given(row=damaged(), columns=st.sampled_from([COLUMNS, RANGES]))
def test_damaged_rows(reached: Counter[str], row: Any, columns: dict[str, Column]) -> None:
    try:
        page = read_page(row, columns)
    except SideError:
        reached["does not fit the schema"] += 1
        return
    except ItemError:
        reached["odd row"] += 1
        return
    reached["read"] += 1
    assert isinstance(page.id, str)
    assert page.last_edited.tzinfo is page.created.tzinfo is UTC
    assert isinstance(page.title, str)
    for value in page.values.values():
        reached["opaque"] += isinstance(value, Opaque)
        canonical(value)
    _written_again(page, columns, reached)


def test_all_of_it_was_met(reached: Counter[str]) -> None:
    wanted = ("read", "odd row", "does not fit the schema", "opaque", "written", "refused")
    assert {name for name in wanted if not reached[name]} == set()


def test_the_whole_row_is_read() -> None:
    page = read_page(ROW, COLUMNS)
    assert not any(isinstance(value, Opaque) for value in page.values.values())


def test_the_last_hours_of_the_calendar_in_a_zone_of_the_east() -> None:
    held = {"date": {"start": "2026-07-04T09:00:00.000+09:00", "end": None, "time_zone": "Asia/Tokyo"}}
    last = datetime(9999, 12, 31, 23, tzinfo=UTC)
    assert encode(COLUMNS["Date"], last, held)["date"]["start"] == "9999-12-31T23:00:00+00:00"
