"""The examples of docs/testing.md do what the page says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tasks.testing import Invariant, Rule

PAGE = (Path(__file__).parents[3] / "docs" / "testing.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


#: Which of the blocks of Python are about a side, and which about a task.
SIDE, WRONG_SIDE, WITH_NOTION, TWO_WAY, TASK, WRONG_TASK = blocks("python")


def run(names: dict[str, Any], block: str) -> None:
    exec(compile(block, "testing.md", "exec"), names)


@pytest.fixture(scope="module")
def side() -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "example"}
    run(names, SIDE)
    return names


@pytest.fixture(scope="module")
def task() -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "example"}
    run(names, TASK)
    return names


def test_the_side_passes(side: dict[str, Any]) -> None:
    side["test_the_shelf_is_a_side"]()


def test_the_mistake_of_a_side_is_told_as_the_page_says(side: dict[str, Any]) -> None:
    run(side, WRONG_SIDE)
    told, _ = blocks("text")
    assert side["report"].findings[0].text == told.rstrip()


def test_the_task_of_two_sides_passes(side: dict[str, Any]) -> None:
    run(side, TWO_WAY)
    side["test_two_shelves_keep_every_edit"]()


def test_the_page_names_every_rule() -> None:
    for rule in Rule:
        assert f"| {rule} | {rule.meaning} |" in PAGE


def test_the_task_passes(task: dict[str, Any]) -> None:
    task["test_books_keep_every_edit"]()


def test_the_mistake_of_a_task_is_told_as_the_page_says(task: dict[str, Any]) -> None:
    run(task, WRONG_TASK)
    (finding,) = task["report"].findings
    _, told = blocks("text")
    assert finding.text == told.rstrip()


def test_the_side_in_notion_passes() -> None:
    names: dict[str, Any] = {"__name__": "example"}
    run(names, WITH_NOTION)
    names["test_books_in_notion_are_a_side"]()


def test_the_page_names_every_invariant() -> None:
    for one in Invariant:
        if one is not Invariant.CONTRACT:
            assert f"| {one} | {one.meaning} |" in PAGE
