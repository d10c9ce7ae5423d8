"""Texts that Notion may have cut off."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.errors import ItemError
from tasks.services.notion import DataSource
from tasks.services.notion.columns.properties import Column
from tasks.services.notion.pages.page import MENTIONS_SHOWN, read_page

SIDE = DataSource("0" * 32)
COLUMNS = {"Name": Column("Name", "title", "title", ()), "Notes": Column("Notes", "n", "rich_text", ())}


def row(mentions: int) -> dict[str, Any]:
    mention = {"type": "mention", "mention": {"type": "page", "page": {"id": "1"}}, "plain_text": "Plan "}
    return {
        "object": "page",
        "id": "p",
        "created_time": "2026-01-01T00:00:00.000Z",
        "last_edited_time": "2026-01-01T00:00:00.000Z",
        "in_trash": False,
        "parent": {"type": "data_source_id", "data_source_id": "d"},
        "properties": {
            "Name": {"id": "title", "type": "title", "title": []},
            "Notes": {"id": "n", "type": "rich_text", "rich_text": [mention] * mentions},
        },
    }


def test_a_text_that_notion_may_have_cut_off_is_no_value() -> None:
    """Otherwise its end would be deleted on the other side, and then in Notion."""
    whole = read_page(row(MENTIONS_SHOWN - 1), COLUMNS)
    assert SIDE.values(whole)["Notes"] == "Plan " * 24
    cut = read_page(row(MENTIONS_SHOWN), COLUMNS)
    with pytest.raises(ItemError, match="page p: 'Notes' holds 25 references or more"):
        SIDE.values(cut)


def test_a_text_that_is_not_synced_may_be_as_long_as_it_likes() -> None:
    page = read_page(row(MENTIONS_SHOWN), {"Name": COLUMNS["Name"]})
    assert SIDE.values(page) == {"Name": ""}
