"""Texts, formatted texts, addresses, and what can only be shown as a text."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.mapping import Converter, Mapping, Pair, bind
from tasks.mapping.markdown import marked, plain
from tasks.sides import Attribute, End, File, Kind, Labels
from tasks.values.opaque import Opaque

LABELS = Labels("Notion", "the calendar")
SIGNS = st.text(st.one_of(st.sampled_from('ab *_`[]()#>\\~!-<"\n\t'), st.characters()), max_size=30)


def bound(left: Kind, right: Kind, only_to: End | None = None) -> Mapping:
    return bind([Pair("A", "a", only_to)], {"A": Attribute(left)}, {"a": Attribute(right)}, LABELS)


def converter(left: Kind, right: Kind, only_to: End | None = None) -> Converter:
    return bound(left, right, only_to).by_name["A"].converter


@pytest.mark.parametrize(
    ("left", "right", "value", "common"),
    [
        (Kind.TEXT, Kind.TEXT, None, ""),
        (Kind.TEXT, Kind.TEXT, "a\r\nb\x00\ud800", "a\nb"),
        (Kind.ADDRESS, Kind.TEXT, "", None),
        (Kind.ADDRESS, Kind.ADDRESS, " https://x\r\n/y ", "https://x/y"),
        (Kind.NUMBER, Kind.PRIORITY, 0, None),
        (Kind.NUMBER, Kind.PRIORITY, 5, 5),
        (Kind.NUMBER, Kind.PRIORITY, 9.0, 9),
        (Kind.NUMBER, Kind.PRIORITY, None, None),
        (Kind.NUMBER, Kind.WHOLE, 3.0, 3),
    ],
)
def test_values_in_common_form(left: Kind, right: Kind, value: Any, common: Any) -> None:
    form = converter(left, right)
    assert form.common(End.LEFT, value) == common
    assert form.common(End.RIGHT, common) == common


@pytest.mark.parametrize("kind", [Kind.NUMBER, Kind.WHOLE])
@pytest.mark.parametrize("value", [1192092895507812500000, -(10**28) - 1, 2**53 + 1])
def test_a_large_number_is_read_from_a_text_as_it_is(kind: Kind, value: int) -> None:
    form = converter(kind, Kind.TEXT)
    assert form.common(End.RIGHT, form.native(End.RIGHT, value)) == value


@pytest.mark.parametrize("value", [10, -1, 2.5, float("inf"), float("nan")])
def test_a_number_that_is_no_priority_is_not_carried(value: float) -> None:
    assert isinstance(converter(Kind.NUMBER, Kind.PRIORITY).common(End.LEFT, value), Opaque)


def test_a_text_whose_signs_one_end_drops_is_no_edit() -> None:
    form = converter(Kind.TEXT, Kind.TEXT)
    assert form.common(End.LEFT, "bell\x07") == form.common(End.RIGHT, "bell")
    assert form.native(End.LEFT, "bell", "bell\x07") == "bell\x07"
    assert form.native(End.RIGHT, form.common(End.LEFT, "bell\x07")) == "bell"


def test_an_address_in_a_text_of_several_lines() -> None:
    form = converter(Kind.TEXT, Kind.ADDRESS)
    assert form.native(End.RIGHT, form.common(End.LEFT, "https://x\n")) == "https://x"
    assert form.native(End.LEFT, "https://x", "https://x\n") == "https://x\n"
    assert form.native(End.LEFT, None) == ""


# -- formatted texts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("**bold** and *slanted*", "bold and slanted"),
        ("*a **b***", "a b"),
        ("snake_case _it_ __it__", "snake_case it it"),
        ("[a *page*](https://x.y/z)", "a page (https://x.y/z)"),
        ("[https://x](https://x)", "https://x"),
        ("![picture](a.png)", "picture (a.png)"),
        ("# Title\n> quoted\n- [ ] task\n* item", "Title\nquoted\n- [ ] task\n* item"),
        ("`a*b` ~~gone~~ 2 * 3 * 4", "a*b gone 2 * 3 * 4"),
        ("```py\nx = *y*\n```\nend", "x = *y*\nend"),
        (r"\*no\* \[x\](y)", "*no* [x](y)"),
        ("a [b *c](d) e*", "a b *c (d) e*"),
        ("", ""),
    ],
)
def test_markdown_as_plain_text(markdown: str, text: str) -> None:
    assert plain(markdown) == text


@given(SIGNS)
@settings(max_examples=300)
def test_every_text_can_be_marked_so_that_it_shows_as_it_is(text: str) -> None:
    assert plain(marked(text)) == text


@given(st.text(st.sampled_from("ab c-1.\n"), max_size=20))
def test_a_text_without_marks_is_its_own_markdown(text: str) -> None:
    assert marked(text) == plain(text) == text


@pytest.mark.parametrize("part", ["*a", "[", "`", "[a](b", "_a", "**a *b", "![x](y) "])
def test_long_lines_are_read_in_one_pass(part: str) -> None:
    assert isinstance(plain(part * 3000), str)


def test_formatting_stays_until_the_text_is_edited() -> None:
    lossy = bound(Kind.FORMATTED, Kind.TEXT).lossy["A"]
    assert lossy.side == End.RIGHT
    assert lossy.show("**a**") == "a"
    assert lossy.restore("2 *times*", "**a**") == r"2 \*times\*"
    assert bound(Kind.TEXT, Kind.FORMATTED).lossy["A"].side == End.LEFT


# -- other kinds ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (Kind.PERSON, ("a", "b"), "a, b"),
        (Kind.REFERENCE, (), ""),
        (Kind.FILE, (File.link("a.png", "https://x"), File("b.png", "sha256:0")), "a.png\nb.png"),
        (Kind.OPAQUE, 3, "3"),
        (Kind.OPAQUE, None, ""),
        (Kind.OPAQUE, {"x": [1, 2]}, "x: 1, 2"),
    ],
)
def test_what_can_only_be_shown(kind: Kind, value: Any, text: str) -> None:
    form = converter(kind, Kind.TEXT, End.RIGHT)
    assert form.native(End.RIGHT, form.common(End.LEFT, value)) == text
    assert form.common(End.LEFT, Opaque("hidden")) == Opaque("hidden")


@pytest.mark.parametrize(
    ("kind", "text", "again"),
    [
        (Kind.NUMBER, "1.50", "1.5"),
        (Kind.NUMBER, " 7 ", "7"),
        (Kind.WHOLE, "7.0", "7"),
        (Kind.DATE, "2026-07-04", "2026-07-04"),
        (Kind.MOMENT, "2026-07-04T09:30+02:00", "2026-07-04T09:30:00+02:00"),
        (Kind.MOMENT, "2026-07-04", "2026-07-04"),
        (Kind.SPAN, "2026-07-04 / 2026-07-06", "2026-07-04/2026-07-06"),
        (Kind.SPAN, "2026-07-04", "2026-07-04"),
        (Kind.DATE, "", ""),
    ],
)
def test_a_text_says_a_value(kind: Kind, text: str, again: str) -> None:
    form = converter(Kind.TEXT, kind)
    value = form.native(End.RIGHT, form.common(End.LEFT, text))
    assert form.native(End.LEFT, form.common(End.RIGHT, value)) == again
    assert form.native(End.LEFT, form.common(End.RIGHT, value), text) == text
    assert form.common(End.LEFT, "else").odd


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Kind.WHOLE, "7.5"),
        (Kind.NUMBER, "nan"),
        (Kind.NUMBER, "1e999999999"),
        (Kind.MOMENT, "2026-07-04T09:30"),
        (Kind.SPAN, "2026-07-04/2026-07-03"),
        (Kind.SPAN, "2026-07-04/"),
    ],
)
def test_a_text_that_says_no_value_is_not_carried(kind: Kind, text: str) -> None:
    assert isinstance(converter(Kind.TEXT, kind).common(End.LEFT, text), Opaque)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3))
def test_a_number_is_the_same_in_decimals_and_as_a_double(value: Any) -> None:
    form = converter(Kind.NUMBER, Kind.NUMBER)
    if len(value.as_tuple().digits) <= 15:
        assert form.common(End.LEFT, value) == form.common(End.RIGHT, float(value))
        assert form.native(End.LEFT, form.common(End.RIGHT, float(value)), value) is value
