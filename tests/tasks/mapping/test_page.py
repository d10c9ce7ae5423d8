"""The page about mappings is what the code does."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tasks.mapping import bind, pairs_of
from tasks.mapping.kinds_table import with_table
from tasks.sides import Attribute, End, Kind, Labels, Option, State
from tests.docs.pages import block

DOCUMENT = Path(__file__).parents[3] / "docs" / "mapping.md"


def test_the_table_on_the_page_is_up_to_date() -> None:
    text = DOCUMENT.read_text("utf-8")
    assert with_table(text) == text, "run python -m tasks.mapping.kinds_table docs/mapping.md"


def test_an_old_table_is_replaced() -> None:
    text = DOCUMENT.read_text("utf-8")
    assert with_table(text.replace("| choices |", "| many |")) == text
    with pytest.raises(ValueError, match="lacks"):
        with_table("no marks")


def test_the_map_on_the_page_is_read_alike_in_both_languages() -> None:
    table = tomllib.loads(block("mapping.md", "[sync.map]").text)["sync"]["map"]
    given: dict[str, Any] = {}
    exec(block("mapping.md", "mapping = {").text, given)
    assert given["mapping"] == table
    pairs = pairs_of(table, {"notion": End.LEFT, "caldav": End.RIGHT})
    columns = {
        "Name": Attribute(Kind.TEXT),
        "Status": Attribute(Kind.CHOICE, options=tuple(map(Option, ("Waiting", "Doing", "Done")))),
        "Notes": Attribute(Kind.FORMATTED),
        "Effort": Attribute(Kind.NUMBER, writable=False),
    }
    todo = {
        "summary": Attribute(Kind.TEXT),
        "status": Attribute(Kind.STATE),
        "description": Attribute(Kind.TEXT),
        "priority": Attribute(Kind.PRIORITY),
    }
    mapping = bind(pairs, columns, todo, Labels("Notion", "the calendar"))
    assert mapping.only_to == {"Effort": End.RIGHT}
    assert mapping.modes == {"Notes": "left"}
    assert mapping.native(End.RIGHT, {"Status": "Waiting"}) == {"status": State.OPEN}


def test_the_formats_on_the_page_go_with_texts() -> None:
    table = tomllib.loads(block("mapping.md", "# with texts at the other side").text)["sync"]["map"]
    row = {
        "Due": Attribute(Kind.DATE),
        "Price": Attribute(Kind.NUMBER),
        "Begin": Attribute(Kind.MOMENT),
    }
    texts = {said["to"]: Attribute(Kind.TEXT) for said in table.values()}
    told = bind(pairs_of(table, {}), row, texts).told
    assert [one.split("written as ")[1].split(";")[0] for one in told] == [
        "04.07.2026",
        "1.234,56 €",
        "04.07.2026 09:30",
    ]


def test_the_defaults_on_the_page_are_for_both_ends() -> None:
    table = tomllib.loads(block("mapping.md", "# what new objects get").text)["sync"]["map"]
    options = tuple(map(Option, ("High", "Medium", "Low")))
    mapping = bind(
        pairs_of(table, {"notion": End.LEFT, "caldav": End.RIGHT}),
        {"Due": Attribute(Kind.DATE), "Priority": Attribute(Kind.CHOICE, options=options)},
        {"due": Attribute(Kind.MOMENT), "priority": Attribute(Kind.PRIORITY)},
    )
    assert mapping.defaults == {
        End.LEFT: {"Priority": "Medium"},
        End.RIGHT: {"Due": date(2026, 12, 31), "Priority": 5},
    }
