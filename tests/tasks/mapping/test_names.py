"""Options for options, tags, and people."""

from __future__ import annotations

from collections.abc import Mapping as Values
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import TaskDefinitionError
from tasks.mapping import Converter, Pair, bind
from tasks.mapping.names import Names
from tasks.sides import Attribute, End, Kind, Labels, Option
from tasks.values.opaque import Opaque

LABELS = Labels("Notion", "GitHub")
FREE = Attribute(Kind.CHOICES, new_options=True)
TEXT = Attribute(Kind.TEXT)


def choice(*names: str, kind: Kind = Kind.CHOICE, **more: Any) -> Attribute:
    return Attribute(kind, options=tuple(map(Option, names)), **more)


def converter(left: Attribute, right: Attribute, values: Values[str, Any] | None = None) -> Converter:
    mapping = bind([Pair("C", "c", values=values or {})], {"C": left}, {"c": right}, LABELS)
    return mapping.by_name["C"].converter


def across(form: Converter, value: Any, current: Any = None) -> Any:
    return form.native(End.RIGHT, form.common(End.LEFT, value), current)


def back(form: Converter, value: Any, current: Any = None) -> Any:
    return form.native(End.LEFT, form.common(End.RIGHT, value), current)


def test_options_of_one_name_are_one_in_whatever_case() -> None:
    form = converter(choice("In Review", "Done"), choice("done", "in review"))
    assert [across(form, "In Review"), back(form, "done")] == ["in review", "Done"]
    assert across(form, None) is None


def test_what_the_user_says_comes_before_the_name() -> None:
    form = converter(
        choice("Open", "Closed", "Later"), choice("open", "closed"), {"Later": "open", "Open": "open"}
    )
    assert [across(form, name) for name in ("Open", "Later", "Closed")] == ["open", "open", "closed"]
    assert back(form, "open") == "Later"
    assert back(form, "open", "Open") == "Open"


def test_an_option_that_the_other_end_does_not_have_is_not_carried() -> None:
    form = converter(choice("A", "B"), choice("A"))
    assert form.common(End.LEFT, "B") == Opaque("option 'B', for which 'c' of GitHub has none")
    assert form.common(End.LEFT, "B").odd
    assert across(converter(choice("A", "B"), choice("A", new_options=True)), "B") == "B"
    assert back(converter(choice("A"), choice("A", "B")), "A") == "A"
    assert isinstance(converter(choice("A"), choice("A", "B")).common(End.RIGHT, "B"), Opaque)


def test_an_option_and_a_text() -> None:
    form = converter(choice("To do", "Done"), TEXT, {"Done": "fertig"})
    assert [across(form, name) for name in ("To do", "Done", None)] == ["To do", "fertig", None]
    assert [back(form, text) for text in ("to  DO", "fertig", "FERTIG", "", None)] == [
        "To do",
        "Done",
        "Done",
        None,
        None,
    ]
    assert isinstance(form.common(End.RIGHT, "else"), Opaque)
    assert across(form, "To do", "TO DO") == "TO DO"


def test_tags_with_commas() -> None:
    form = converter(FREE, FREE)
    assert form.common(End.RIGHT, ("a, b", "c")) == ("a; b", "c")
    assert across(form, ("a; b", "d"), ("a, b", "c")) == ("a, b", "d")


def test_tags_that_are_one_at_one_end_stay_as_many_as_they_are() -> None:
    form = converter(FREE, FREE)
    current = ("new,1", "new;1")
    assert form.common(End.RIGHT, current) == ("new;1",)
    assert across(form, ("c", "new;1"), current) == ("c", "new,1", "new;1")
    assert across(form, ("c",), current) == ("c",)


def test_tags_that_only_one_end_has_hold_the_value() -> None:
    form = converter(FREE, choice("bug", "docs", kind=Kind.CHOICES), {"Fehler": "bug"})
    assert across(form, ("Fehler", "docs")) == ("bug", "docs")
    assert back(form, ("bug",)) == ("Fehler",)
    assert isinstance(form.common(End.LEFT, ("docs", "other")), Opaque)


def test_tags_as_a_text() -> None:
    form = converter(FREE, TEXT)
    assert across(form, ("b", "a")) == "a, b"
    assert back(form, " a ,b,\n, a") == ("a", "b")
    assert across(form, ("a", "b"), "b,a") == "b,a"
    assert across(form, ()) == ""


def test_one_option_where_several_may_be_chosen() -> None:
    form = converter(choice("A", "B"), FREE)
    assert [across(form, "A"), across(form, None)] == [("A",), ()]
    assert [back(form, ("B",)), back(form, ())] == ["B", None]
    assert isinstance(form.common(End.RIGHT, ("A", "B")), Opaque)


def test_people_by_what_the_user_says() -> None:
    person = Attribute(Kind.PERSON)
    form = converter(person, person, {"id-1": "octocat"})
    assert across(form, ("id-1", "id-2")) == ("id-2", "octocat")
    assert back(form, ("octocat",)) == ("id-1",)
    assert across(converter(person, person), ("a",)) == ("a",)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"C": "A"}, "'C' of Notion has no option 'C', which values names; it has 'A', 'B'"),
        ({"A": "X"}, "'c' of GitHub has no option 'X', which values names; it has 'A'"),
        ({"A": 3}, "values of 'C': 3 is not the name of an option"),
    ],
)
def test_names_that_are_not_there_are_refused(values: Values[str, Any], message: str) -> None:
    with pytest.raises(TaskDefinitionError, match=message):
        converter(choice("A", "B"), choice("A"), values)


@given(
    st.dictionaries(st.sampled_from("aAbc"), st.sampled_from("aAbBc"), max_size=4), st.sampled_from("aAbBcCd")
)
def test_names_settle_whatever_stands_for_whatever(said: dict[str, str], name: str) -> None:
    names = Names(str.casefold)
    for left, right in said.items():
        names.add(left, right)
    for common in (names.from_left(name), names.from_right(name)):
        assert names.from_left(common) == common
        assert names.from_right(names.to_right(common)) == common
