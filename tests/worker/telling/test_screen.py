"""What is shown on a narrow screen: no word and no id in pieces where it could be whole."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from tasks.merge import Adopt, Change, Delete, End, Plan, Update
from worker.cli.runs.plan_view import plan_table
from worker.telling.screen import moment, near_moment, printable
from worker.telling.tables import table

PAGE = "2f1b0c9a-7d52-4e0b-9a57-5e1f6a0b7c11"
COLUMNS = ("Task", "Schedule", "State", "Last run", "Next run", "Running now", "Runs", "Links", "Held")
ROWS = [
    ("to-dos", "every 5 min", "succeeded", "2026-11-28 20:15", "20:15:10", "apply on office (345)", "12", "9700", "0"),
    ("a much longer name of a task", "every 30 s", "never ran", "-", "due", "-", "0", "0", "0"),
]  # fmt: skip
PLAN = Plan(
    (
        Update(
            reason="edited in the other side", side=End.LEFT, left_id=PAGE, right_id="x",
            changes={"Title": Change("Milk and bread", "Milk")}, source={},
        ),
        Delete(
            reason="deleted in Notion, not edited in the other side since", side=End.RIGHT, left_id="n",
            right_id=PAGE, values={"Title": "Bread and butter"},
        ),
        Adopt(left_id=PAGE, right_id="x", left={}, right={}, reason="the same thing on both sides"),
    )
)  # fmt: skip


def shown(thing: object, width: int) -> str:
    screen = Console(width=width, file=io.StringIO(), markup=False, highlight=False, emoji=False)
    screen.print(thing)
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue()


@pytest.mark.parametrize("width", [240, 120, 80, 60, 50])
def test_nothing_is_broken_that_fits(width: int) -> None:
    for thing, texts in (
        (table(COLUMNS, ROWS, folded=("Task", "Running now")), [cell for row in ROWS for cell in row]),
        (plan_table(PLAN), [PAGE, "update", "delete", "Left side", "'Milk", "deleted in Notion, not edited"]),
    ):
        text = shown(thing, width)
        assert max(len(line) for line in text.splitlines()) <= width
        words = text.split()
        for word in {word for each in texts for word in each.split()} - {"-"}:
            assert word in words, (width, word)


def test_what_fits_is_a_table_and_what_does_not_are_blocks() -> None:
    wide, narrow = (shown(table(COLUMNS, ROWS, folded=("Task", "Running now")), width) for width in (120, 80))
    assert wide.splitlines()[0].split()[:2] == ["Task", "Schedule"]
    assert re.search(r"^to-dos +every 5 min +succeeded", wide, re.MULTILINE)
    assert "Schedule     every 5 min" in narrow
    assert narrow.splitlines()[0].strip() == "to-dos"
    assert "Last run" in narrow
    assert narrow.count("Running now") == 1  # what there is nothing to say of is left out


def test_a_word_that_is_wider_than_the_screen_is_shown_whole_in_pieces() -> None:
    long = "x" * 130
    text = shown(table(("Object", "Why"), [("a", long)], folded=("Why",)), 50)
    assert text.replace("\n", "").replace(" ", "").count("x") == 130


def test_a_table_without_rows_is_its_heads() -> None:
    assert shown(table(COLUMNS, []), 120).split() == " ".join(COLUMNS).split()
    assert shown(table(COLUMNS, []), 40).strip() == ""


def test_times_and_signs() -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \S+", moment(yesterday))
    assert moment(datetime.now(UTC))[:10] == datetime.now().astimezone().date().isoformat()
    assert re.fullmatch(r"\d\d-\d\d \d\d:\d\d \S+", near_moment(yesterday))
    assert (moment(None), near_moment(None)) == ("-", "-")
    assert printable("a\x1b[31mb\nc") == "a [31mb c"
