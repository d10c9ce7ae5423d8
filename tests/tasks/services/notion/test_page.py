"""A row is read by the ids of its properties, and shows no content by accident."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tasks.errors import SideError
from tasks.services.notion.columns.properties import Column
from tasks.services.notion.pages.page import read_page

RAW: dict[str, Any] = {
    "object": "page",
    "id": "38b9ce7b-60a4-810a-a3e0-d0c7fde33f0c",
    "created_time": "2026-06-26T13:45:00.000Z",
    "last_edited_time": "2026-06-27T14:46:00.000Z",
    "parent": {"type": "data_source_id", "data_source_id": "3839ce7b-60a4-802c-b152-000ba814957b"},
    "in_trash": False,
    "properties": {
        "Hours now": {"id": "dDR%3B", "type": "number", "number": 2},
        "Title": {"id": "title", "type": "title", "title": [{"type": "text", "plain_text": "Secret plan"}]},
    },
    "url": "https://www.notion.so/Secret-plan-38b9ce7b60a4810aa3e0d0c7fde33f0c",
}


@pytest.mark.parametrize("column_id", ["dDR%3B", "dDR;"], ids=["encoded", "decoded"])
def test_properties_are_found_by_id_whatever_they_are_called(column_id: str) -> None:
    page = read_page(RAW, {"Hours": Column("Hours", column_id, "number")})
    assert page.values == {"Hours": 2}
    assert page.title == "Secret plan"
    assert page.data_source == "3839ce7b-60a4-802c-b152-000ba814957b"
    assert page.last_edited == datetime(2026, 6, 27, 14, 46, tzinfo=UTC)
    assert page.created == datetime(2026, 6, 26, 13, 45, tzinfo=UTC)
    assert not page.in_trash


def test_its_repr_shows_no_content() -> None:
    page = read_page(RAW, {"Title": Column("Title", "title", "title")})
    assert page.id in repr(page)
    assert "ecret" not in repr(page)


def test_the_trash_in_the_words_of_the_older_api() -> None:
    older = {name: value for name, value in RAW.items() if name != "in_trash"}
    assert read_page({**older, "archived": True}, {}).in_trash


@pytest.mark.parametrize(
    ("raw", "columns", "words"),
    [
        ({"object": "page", "id": "1"}, {}, "capability to read content"),
        (RAW, {"Due": Column("Due", "abcd", "date")}, "property 'Due' disappeared"),
        (
            RAW,
            {"Hours": Column("Hours", "dDR%3B", "date")},
            "'Hours' should be of type date.*type was changed",
        ),
    ],
)
def test_a_row_that_does_not_fit_ends_the_run(raw: Any, columns: dict[str, Column], words: str) -> None:
    with pytest.raises(SideError, match=words):
        read_page(raw, columns)
