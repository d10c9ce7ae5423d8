"""Sorts by text, as people count: against an order worked out in another way, and over the API."""

from __future__ import annotations

import re
from functools import cmp_to_key
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.notion.parts.collation import text_key
from tests.sandbox.notion.api import Api, Json, names, text

#: Letters, digits and signs whose order is not disputed; accents and case are told apart elsewhere.
PLAIN = "abyz09123 -.,~"
ARTICLES = ["Article 10", "Article 4", "article 007", "Article", "Article 4b", "", "10", "9"]
IN_ORDER = ["9", "10", "Article", "Article 4", "Article 4b", "article 007", "Article 10"]


def compare(left: str, right: str) -> int:
    """Step by step: a number against a number by value, else sign before number before letter."""
    ours, theirs = (re.findall(r"\d+|\D", each) for each in (left, right))
    for mine, other in zip(ours, theirs, strict=False):
        ranks = [1 if each.isdigit() else 2 if each.isalpha() else 0 for each in (mine, other)]
        if ranks[0] != ranks[1]:
            return ranks[0] - ranks[1]
        if ranks[0] == 1 and int(mine) != int(other):
            return int(mine) - int(other)
        if ranks[0] != 1 and mine != other:
            return 1 if mine > other else -1
    return len(ours) - len(theirs)


@given(st.lists(st.text(PLAIN, max_size=8), max_size=12))
def test_texts_sort_as_they_compare(texts: list[str]) -> None:
    assert sorted(texts, key=text_key) == sorted(texts, key=cmp_to_key(compare))


@given(st.lists(st.text(max_size=6), max_size=8), st.randoms(use_true_random=False))
def test_any_texts_have_one_order(texts: list[str], random: Random) -> None:
    mixed = random.sample(texts, len(texts))
    ranks = [[text_key(each) for each in sorted(order, key=text_key)] for order in (texts, mixed)]
    assert ranks[0] == ranks[1]


@pytest.mark.parametrize(
    "order",
    [
        ["a", "A", "b", "B"],
        ["e1", "é1", "e2"],
        ["resume", "résumé", "resumes"],
        ["Straße 2", "STRASSE 10"],
        ["٣", "4"],
        ["9" * 5000, "1" + "0" * 5000],
        ["_x", "1", "a"],
    ],
)
def test_case_accents_and_long_numbers(order: list[str]) -> None:
    mixed = [*order[1:], order[0]]
    assert sorted(mixed, key=text_key) == order


def test_leading_zeros_do_not_count() -> None:
    assert text_key("a 007") == text_key("a 7")


@pytest.mark.parametrize("kind", ["title", "rich_text", "url", "email", "phone_number", "formula", "rollup"])
@pytest.mark.parametrize("direction", ["ascending", "descending"])
def test_numbers_in_texts_sort_as_numbers(api: Api, kind: str, direction: str) -> None:
    source, column = articles(api, kind)
    sorts = [{"property": column, "direction": direction}]
    found = api.query(source, sorts=sorts)
    expected = IN_ORDER if direction == "ascending" else IN_ORDER[::-1]
    assert found == [*expected, ""]  # empty ones come last either way
    walked, body = [], {"sorts": sorts, "page_size": 3}
    while True:
        answer = api.ok("POST", f"data_sources/{source}/query", body)
        walked += names(answer)
        if not answer["has_more"]:
            break
        body["start_cursor"] = answer["next_cursor"]
        api.page(api.source())  # a write elsewhere, after which the order is worked out again
    assert walked == found


def articles(api: Api, kind: str) -> tuple[str, str]:
    """Rows that have the same text as title and in a column of another type."""
    if kind == "title":
        source = api.source()
        for title in ARTICLES:
            api.page(source, title)
        return source, "Name"
    columns: Json = {"T": {kind: {}}}
    there = ""
    if kind == "formula":
        columns = {"T": {"formula": {"expression": 'prop("Name")'}}}
    elif kind == "rollup":
        there = api.source(title="There")
        columns = {"Link": {"relation": {"data_source_id": there, "single_property": {}}}}
    source = api.source(columns)
    if kind == "rollup":
        wanted = {
            "relation_property_name": "Link",
            "rollup_property_name": "Name",
            "function": "show_original",
        }
        api.ok("PATCH", f"data_sources/{source}", {"properties": {"T": {"rollup": wanted}}})
    for title in ARTICLES:
        if kind == "formula":
            cells: Json = {}
        elif kind == "rollup":
            linked = [{"id": api.page(there, title)["id"]}] if title else []
            cells = {"Link": {"relation": linked}}
        else:
            cells = {"T": {kind: text(title) if kind == "rich_text" else title or None}}
        api.page(source, title, **cells)
    return source, "T"


def test_a_formula_of_several_types_sorts(api: Api) -> None:
    expression = 'if(prop("N") > 2, "text", prop("N"))'
    source = api.source({"N": {"number": {}}, "F": {"formula": {"expression": expression}}})
    for number in range(5):
        api.page(source, str(number), N={"number": number})
    assert sorted(api.query(source, sorts=[{"property": "F"}])) == list("01234")
