from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.services.caldav.lines.content_lines import Component, Property, clean, escape, split_list, unescape

NAME = st.from_regex(r"X-[A-Z0-9]{1,12}", fullmatch=True)
VALUE = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=200)


@given(st.text())
def test_text_comes_back(text: str) -> None:
    assert unescape(escape(clean(text))) == clean(text)


@given(st.lists(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1), min_size=1))
def test_lists_come_back(names: list[str]) -> None:
    assert split_list(",".join(escape(name) for name in names)) == names


@given(st.lists(st.tuples(NAME, VALUE)))
def test_lines_come_back_as_they_were(pairs: list[tuple[str, str]]) -> None:
    lines = [f"{name}:{value}" for name, value in pairs]
    component = Component("VTODO", [*lines, Component("VALARM", list(lines))])
    text = component.to_text()
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    assert Component.parse(text) == component
    assert Component.parse(text.replace("\r\n", "\n")) == component


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no calendar",
        "BEGIN:VCALENDAR\nBEGIN:VTODO\nEND:VCALENDAR\n",
        "BEGIN:VCALENDAR\n",
        "END:VCALENDAR\n",
        "BEGIN:VCALENDAR\nEND:VCALENDAR\nBEGIN:VCALENDAR\nEND:VCALENDAR\n",
        "X:1\nBEGIN:VCALENDAR\nEND:VCALENDAR\n",
    ],
)
def test_what_is_no_calendar_is_said_to_be_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Component.parse(text)


def test_a_parameter_may_hold_colons_and_semicolons() -> None:
    prop = Property.parse('X-A;ALTREP="data:text/html;a,b";LANGUAGE=de:value:with;signs')
    assert prop.param("ALTREP") == "data:text/html;a,b"
    assert prop.param("LANGUAGE") == "de"
    assert prop.value == "value:with;signs"
    assert str(prop) == 'X-A;ALTREP="data:text/html;a,b";LANGUAGE=de:value:with;signs'


def test_put_keeps_the_place_and_removes_doubles() -> None:
    todo = Component("VTODO", ["A:1", "B:1", "C:1", "B:2", Component("VALARM", ["B:3"])])
    todo.put("B", Property("B", (), "x"))
    todo.put("D", Property("D", (), "y"))
    assert todo.parts == ["A:1", "B:x", "C:1", "D:y", Component("VALARM", ["B:3"])]
    todo.put("B", None)
    assert todo.parts[:2] == ["A:1", "C:1"]
