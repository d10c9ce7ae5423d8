from __future__ import annotations

from typing import Any

import pytest

from tasks.errors import ItemError
from tasks.services.caldav.columns import (
    Form,
    LineForm,
    NumberForm,
    OptionForm,
    TagsForm,
    TextForm,
    TickForm,
    priority_meanings,
    status_meanings,
)
from tasks.services.caldav.todo import STATUSES
from tasks.values.opaque import Opaque

NOTION_DEFAULT = status_meanings(("Not started", "In progress", "Done"), {}, {}, may_add=False)
FULL = status_meanings(
    ("To do", "Doing", "Blocked", "Done", "Cancelled"), {"Blocked": "In progress"}, {}, may_add=False
)
PRIORITIES = priority_meanings(("🔴 High", "Medium", "Low"), {}, may_add=False)


def status(meaning: dict[str, Any]) -> OptionForm:
    return OptionForm("Status", meaning)


@pytest.mark.parametrize(
    ("meaning", "named"),
    [
        (NOTION_DEFAULT, ["Not started", "In progress", "Done", "Done"]),
        (FULL, ["To do", "Doing", "Done", "Cancelled"]),
        ({"To do": "NEEDS-ACTION", "Done": "COMPLETED"}, ["To do", "To do", "Done", "Done"]),
    ],
)
def test_every_status_has_an_option(meaning: dict[str, Any], named: list[str]) -> None:
    assert [status(meaning).from_todo(value) for value in STATUSES] == named


def test_options_with_one_meaning_are_one_on_both_sides() -> None:
    form = status(FULL)
    assert form.from_notion("Blocked") == form.from_notion("Doing") == form.from_todo("IN-PROCESS") == "Doing"
    assert form.from_notion(None) == "To do"


def test_the_usual_word_comes_before_other_options_of_its_group() -> None:
    groups = {"Waiting": "To-do", "To do": "To-do", "Archived": "Complete", "Done": "Complete"}
    meaning = status_meanings(tuple(groups), groups, {}, may_add=False)
    assert status(meaning).from_todo("NEEDS-ACTION") == "To do"
    assert status(meaning).from_todo("COMPLETED") == "Done"
    assert status(meaning).from_notion("Waiting") == "To do"


def test_what_the_user_says_comes_first() -> None:
    meaning = status_meanings(("To do", "Later", "Done"), {}, {"Later": "NEEDS-ACTION"}, may_add=True)
    assert status(meaning).from_todo("NEEDS-ACTION") == "Later"
    assert "In progress" not in meaning


def test_a_select_without_options_gets_the_usual_ones() -> None:
    assert status_meanings((), {}, {}, may_add=True) == {
        "Not started": "NEEDS-ACTION",
        "In progress": "IN-PROCESS",
        "Done": "COMPLETED",
    }
    assert priority_meanings((), {}, may_add=True) == {"High": 1, "Medium": 5, "Low": 9}


def test_priorities_are_bands() -> None:
    form = OptionForm("Priority", PRIORITIES)
    named = [form.from_todo(number) for number in range(1, 10)]
    assert named == ["🔴 High"] * 4 + ["Medium"] + ["Low"] * 4
    assert form.from_todo(None) is None
    assert form.from_notion(None) is None
    assert [form.to_todo(option) for option in ("🔴 High", "Medium", "Low", None)] == [1, 5, 9, None]


@pytest.mark.parametrize(
    ("meaning", "current", "option"),
    [(PRIORITIES, 3, "🔴 High"), (PRIORITIES, 7, "Low"), (NOTION_DEFAULT, "CANCELLED", "Done")],
)
def test_a_finer_value_is_not_echoed_back(meaning: dict[str, Any], current: Any, option: str) -> None:
    form = OptionForm("C", meaning)
    assert form.from_todo(current) == option
    assert form.to_todo(option, current) == current


def test_an_option_for_no_priority() -> None:
    form = OptionForm("Priority", {"None": None, "High": 1})
    assert form.from_todo(None) == form.from_notion(None) == "None"
    assert form.to_todo("None", 1) is None


def test_an_option_that_stands_for_nothing_is_not_carried() -> None:
    form = status(NOTION_DEFAULT)
    assert form.from_notion("Someday") == Opaque("option 'Someday', which stands for no value of a to-do")
    with pytest.raises(ItemError, match="'Someday' of Notion property 'Status'"):
        form.to_todo("Someday", "COMPLETED")


@pytest.mark.parametrize("current", [None, *STATUSES])
@pytest.mark.parametrize("tick", [True, False])
def test_a_tick_for_a_status(tick: bool, current: str | None) -> None:
    form = TickForm()
    value = form.to_todo(tick, current)
    assert form.from_todo(value) == tick
    if current is not None and form.from_todo(current) == tick:
        assert value == current


def test_tags_with_commas() -> None:
    form = TagsForm()
    assert form.from_todo(("a, b", "c")) == ("a; b", "c")
    assert form.to_todo(("a; b", "d"), ("a, b", "c")) == ("a, b", "d")


@pytest.mark.parametrize(
    ("form", "notion", "common"),
    [
        (TextForm(), None, ""),
        (TextForm(), "a\r\nb\x00", "a\nb"),
        (LineForm(), "", None),
        (LineForm(), " https://x ", "https://x"),
        (NumberForm(), 0, None),
        (NumberForm(), 5, 5),
        (Form(), None, None),
    ],
)
def test_notion_values_in_common_form(form: Form, notion: Any, common: Any) -> None:
    assert form.from_notion(notion) == common
    assert form.from_todo(common) == common


def test_tags_that_are_one_in_notion_stay_as_many_as_they_are() -> None:
    form = TagsForm()
    current = ("new,1", "new;1")
    assert form.from_todo(current) == ("new;1",)
    assert form.to_todo(("c", "new;1"), current) == ("c", "new,1", "new;1")
    assert form.to_todo(("c",), current) == ("c",)


@pytest.mark.parametrize(("value", "common"), [(None, None), (0, None), (7, 7), (9.0, 9)])
def test_a_number_for_a_priority(value: Any, common: int | None) -> None:
    assert NumberForm().from_notion(value) == common


@pytest.mark.parametrize("value", [10, -1, 2.5])
def test_a_number_that_is_no_priority_is_not_carried(value: float) -> None:
    assert isinstance(NumberForm().from_notion(value), Opaque)
