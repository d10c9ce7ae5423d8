"""The documentation of types is what the code does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.services.notion.columns.type_table import with_table

DOCUMENT = Path(__file__).parents[4] / "docs" / "notion.md"


def test_the_table_in_the_documentation_is_up_to_date() -> None:
    text = DOCUMENT.read_text("utf-8")
    assert with_table(text) == text, "run python -m tasks.services.notion.columns.type_table docs/notion.md"


def test_an_old_table_is_replaced() -> None:
    text = DOCUMENT.read_text("utf-8")
    assert with_table(text.replace("multi_select", "many")) == text
    with pytest.raises(ValueError, match="lacks"):
        with_table("no marks")
