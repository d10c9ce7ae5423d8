"""Pairs as people write them, and the ones that go without saying."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.errors import TaskDefinitionError
from tasks.mapping import Pair, pairs_of, usual_pairs
from tasks.sides import Attribute, End, Kind

ENDS = {"notion": End.LEFT, "caldav": End.RIGHT}


def test_a_mapping_is_a_name_or_a_table_of_each_attribute() -> None:
    said = {
        "Name": "summary",
        "Status": {"to": "status", "values": {"Waiting": "needs action"}, "conflict_mode": "notion"},
        "Sum": {"to": "description", "only_to": "caldav"},
        "Due": {"to": "due", "conflict_mode": "error"},
        "Rank": {"to": "priority", "only_to": "left"},
    }
    assert pairs_of(said, ENDS) == (
        Pair("Name", "summary"),
        Pair("Status", "status", None, {"Waiting": "needs action"}, "left"),
        Pair("Sum", "description", End.RIGHT),
        Pair("Due", "due", mode="error"),
        Pair("Rank", "priority", End.LEFT),
    )


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({}, "the mapping is empty, so there is nothing to keep in step"),
        ({"A": 3}, "the mapping of 'A' is no attribute of the other side: write 'A' = \"…\""),
        ({"A": {"values": {}}}, "the mapping of 'A' does not say to which attribute: add to = "),
        ({"A": {"to": ""}}, "the mapping of 'A' does not say to which attribute"),
        ({"A": {"to": "b", "mode": "x"}}, "says 'mode'; it can say to, only_to, values, conflict_mode"),
        ({"A": {"to": "b", "only_to": "both"}}, "only_to is 'both', but the ends are 'notion', 'caldav'"),
        ({"A": {"to": "b", "values": ["x"]}}, "values is a table of what options stand for"),
        (
            {"A": {"to": "b", "conflict_mode": "older"}},
            "conflict_mode is 'older', but there are 'newer', 'error', 'notion', 'caldav'",
        ),
        (
            {"A": {"to": "b", "only_to": "notion", "conflict_mode": "error"}},
            "goes only to notion, so that nothing is in conflict: leave conflict_mode out",
        ),
        ({"A": "c", "B": {"to": "c"}, "C": "d"}, "the mapping names c more than once"),
    ],
)
def test_what_is_not_understood_is_refused(said: dict[str, Any], message: str) -> None:
    with pytest.raises(TaskDefinitionError, match=message):
        pairs_of(said, ENDS)


def has(kind: Kind, meaning: str = "", **more: Any) -> Attribute:
    return Attribute(kind, meaning=meaning, **more)


COLUMNS = {
    "Due": has(Kind.MOMENT, "due"),
    "Done": has(Kind.YES_NO, "done"),
    "Status": has(Kind.CHOICE, "status"),
    "Task": has(Kind.TEXT, "title"),
    "Owner": has(Kind.PERSON, "owner"),
    "Extra": has(Kind.TEXT),
}
TODO = {
    "summary": has(Kind.TEXT, "title"),
    "due": has(Kind.MOMENT, "due"),
    "status": has(Kind.STATE, "status"),
    "completed": has(Kind.YES_NO, "done"),
    "owner": has(Kind.TEXT, "owner"),
    "other": has(Kind.TEXT),
}


def without(attributes: dict[str, Attribute], *names: str) -> dict[str, Attribute]:
    return {name: attribute for name, attribute in attributes.items() if name not in names}


def test_attributes_with_one_meaning_go_together_the_title_first() -> None:
    assert usual_pairs(COLUMNS, TODO) == (
        Pair("Task", "summary"),
        Pair("Due", "due"),
        Pair("Status", "status"),
    )


@pytest.mark.parametrize(
    ("columns", "todo", "pair"),
    [
        (("Status",), (), Pair("Done", "completed")),
        (("Done",), ("status",), Pair("Status", "completed")),
        (("Status",), ("completed",), Pair("Done", "status")),
        ((), ("completed",), Pair("Status", "status")),
        ((), ("status",), Pair("Done", "completed")),
    ],
)
def test_how_far_something_is_goes_once(columns: tuple[str, ...], todo: tuple[str, ...], pair: Pair) -> None:
    found = usual_pairs(without(COLUMNS, *columns), without(TODO, *todo))
    assert found[2:] == (pair,)


def test_the_first_attribute_that_fits_is_taken() -> None:
    left = {
        "Notes": has(Kind.DATE, "notes"),
        "Fixed": has(Kind.TEXT, "notes", writable=False),
        "Remarks": has(Kind.TEXT, "notes"),
        "Description": has(Kind.TEXT, "notes"),
    }
    assert usual_pairs(left, {"description": has(Kind.CHOICES, "notes")}) == (Pair("Remarks", "description"),)
    assert usual_pairs(left, {"description": has(Kind.TEXT, "notes", writable=False)}) == ()


def test_what_was_chosen_before_stays_also_when_its_name_changed() -> None:
    kept = (Pair("Task", "summary"), Pair("Stage", "status"))
    left = {**without(COLUMNS, "Status"), "Notes": has(Kind.TEXT, "due")}
    assert usual_pairs(left, TODO, kept) == (*kept, Pair("Due", "due"))
