"""Filters say what they said before when they are joined, and what cannot be meant is told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import TaskDefinitionError
from tasks.services.notion.columns.column import Column
from tasks.services.notion.source.filters import DEPTH, all_of, checked, picked

WHERE = "Notion data source 'Chores'"


def column(name: str, type_: str, id_: str, *options: str, groups: Mapping[str, str] | None = None) -> Column:
    ids = {f"id-{option}": option for option in options}
    return Column(name, id_, type_, options, groups or {}, ids)


COLUMNS = {
    one.name: one
    for one in (
        column("Name", "title", "title"),
        column("Status", "status", "hlY%3D", "Open", "Doing", "Done", groups={"Done": "Complete"}),
        column("Tags", "multi_select", "DUnB", "home", "work"),
        column("Effort", "number", "nuM"),
        column("Paid", "checkbox", "ChK"),
        column("Due", "date", "dUe"),
        column("Link", "url", "uRl"),
        column("Place", "place", "pLc"),
        column("Sum", "formula", "fOr"),
    )
}


def test_properties_are_named_by_their_ids_and_dates_are_texts() -> None:
    given_ = {
        "or": [
            {"property": "Status", "status": {"equals": "Open"}},
            {"property": "hlY%3D", "status": {"does_not_equal": ["id-Open", "Complete"]}},
            {
                "and": [
                    {"property": "Due", "date": {"on_or_after": date(2026, 7, 1)}},
                    {"timestamp": "created_time", "created_time": {"past_week": {}}},
                    {"property": "Link", "rich_text": {"starts_with": "https"}},
                    {"property": "Sum", "type": "formula", "formula": {"number": {"equals": 3}}},
                    {"property": "Place", "anything": {"new": True}},
                ]
            },
        ]
    }
    assert checked(given_, COLUMNS, WHERE) == {
        "or": [
            {"property": "hlY=", "status": {"equals": "Open"}},
            {"property": "hlY=", "status": {"does_not_equal": ["id-Open", "Complete"]}},
            {
                "and": [
                    {"property": "dUe", "date": {"on_or_after": "2026-07-01"}},
                    {"timestamp": "created_time", "created_time": {"past_week": {}}},
                    {"property": "uRl", "rich_text": {"starts_with": "https"}},
                    {"property": "fOr", "formula": {"number": {"equals": 3}}},
                    {"property": "pLc", "anything": {"new": True}},
                ]
            },
        ]
    }


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({}, "no condition"),
        ({"and": []}, "'and' stands alone"),
        ({"or": [{}], "property": "Name"}, "'or' stands alone"),
        ({"property": "Statut", "status": {"equals": "Open"}}, r"no property 'Statut'; it has Due, Effort"),
        ({"status": {"equals": "Open"}}, "no property None"),
        (
            {"property": "Status", "select": {"equals": "Open"}},
            "of type status: .* under 'status', not .*'select'",
        ),
        ({"property": "Status"}, "not under nothing"),
        (
            {"property": "Status", "status": {"contains": "Open"}},
            r"'contains' is no condition .* equals, does_not",
        ),
        ({"property": "Status", "status": "Open"}, "a table with one condition"),
        ({"property": "Status", "status": {"equals": "Opne"}}, "no option 'Opne'; it has Open, Doing, Done"),
        ({"property": "Tags", "multi_select": {"contains": ["home", "x"]}}, "no option 'x'"),
        ({"property": "Tags", "multi_select": {"contains": [["home"]]}}, r"no option \['home'\]"),
        ({"property": ["Tags"], "multi_select": {"contains": "home"}}, r"no property \['Tags'\]"),
        ({"timestamp": "made", "made": {"past_week": {}}}, "timestamp is created_time or last_edited_time"),
        ({"timestamp": "created_time", "created_time": {"equal": "x"}}, "'equal' is no condition"),
    ],
)
def test_a_wrong_filter_is_told_with_what_there_is(wrong: Any, said: str) -> None:
    with pytest.raises(TaskDefinitionError, match=said):
        checked(wrong, COLUMNS, WHERE)


def test_the_short_form() -> None:
    only = {"Status": ["Open", "Doing"], "Paid": False, "Effort": 3, "Tags": "home"}
    assert picked(only, COLUMNS, WHERE) == {
        "and": [
            {
                "or": [
                    {"property": "hlY=", "status": {"equals": "Open"}},
                    {"property": "hlY=", "status": {"equals": "Doing"}},
                ]
            },
            {"property": "ChK", "checkbox": {"equals": False}},
            {"property": "nuM", "number": {"equals": 3}},
            {"property": "DUnB", "multi_select": {"contains": "home"}},
        ]
    }
    assert picked({}, COLUMNS, WHERE) is None


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"Statut": "Open"}, "no property 'Statut'"),
        ({"Status": "Opne"}, "no option 'Opne'"),
        ({"Status": []}, "not an empty list"),
        ({"Status": True}, "takes the name of an option, or a list of those, not True"),
        ({"Effort": True}, "takes a number"),
        ({"Paid": ["no"]}, "takes true or false, or a list of those, not 'no'"),
        ({"Due": "2026-07-01"}, "of type date, which `only` cannot pick by: use `filter`"),
    ],
)
def test_a_wrong_short_form_is_told(wrong: Any, said: str) -> None:
    with pytest.raises(TaskDefinitionError, match=said):
        picked(wrong, COLUMNS, WHERE)


leaves = st.sampled_from("abcd").map(lambda letter: {"property": letter})
nested = st.recursive(
    leaves,
    lambda inner: st.tuples(st.sampled_from(["and", "or"]), st.lists(inner, min_size=1, max_size=3)).map(
        lambda told: {told[0]: told[1]}
    ),
    max_leaves=5,
)


def holds(filter: Mapping[str, Any], true: set[str]) -> bool:
    if "and" in filter:
        return all(holds(part, true) for part in filter["and"])
    if "or" in filter:
        return any(holds(part, true) for part in filter["or"])
    return filter["property"] in true


def depth(filter: Mapping[str, Any]) -> int:
    parts = filter.get("and") or filter.get("or") or []
    return 1 + max(map(depth, parts)) if parts else 0


@given(st.lists(st.none() | nested, max_size=3), st.sets(st.sampled_from("abcd")))
def test_joined_filters_say_what_they_said_apart(filters: list[Any], true: set[str]) -> None:
    joined = all_of(*filters)
    given_ = [filter for filter in filters if filter is not None]
    assert (joined is None) == (not given_)
    if joined is not None:
        assert holds(joined, true) == all(holds(filter, true) for filter in given_)
        assert depth(joined) <= DEPTH


def test_what_would_come_to_thousands_of_alternatives_is_refused() -> None:
    pair = {"or": [{"and": [{"property": "a"}, {"property": "b"}]}, {"property": "c"}]}
    with pytest.raises(TaskDefinitionError, match="128 alternatives"):
        all_of(*[pair] * 7)
    long = {"or": [{"and": [{"property": "a"}, {"property": "b"}]}] * 150}
    joined = all_of(long, {"property": "c"})
    assert joined is not None
    assert len(joined["or"]) == 150
