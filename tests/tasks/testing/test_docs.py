"""The example of docs/testing.md does what the page says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tasks.testing import Invariant

PAGE = (Path(__file__).parents[3] / "docs" / "testing.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def example() -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(blocks("python")[0], "testing.md", "exec"), names)
    return names


def test_the_example_passes(example: dict[str, Any]) -> None:
    example["test_books_keep_every_edit"]()


def test_the_mistake_is_told_as_the_page_says(example: dict[str, Any]) -> None:
    exec(compile(blocks("python")[1], "testing.md", "exec"), example)
    (finding,) = example["report"].findings
    (told,) = blocks("text")
    assert finding.text == told.rstrip()


def test_the_example_with_notion_passes(example: dict[str, Any]) -> None:
    exec(compile(blocks("python")[2], "testing.md", "exec"), example)
    example["test_books_in_notion_keep_every_edit"]()


def test_the_page_names_every_invariant() -> None:
    for one in Invariant:
        if one is not Invariant.CONTRACT:
            assert f"| {one} | {one.meaning} |" in PAGE
