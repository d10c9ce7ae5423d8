"""Variables in a `.env`: what is set is read back, and every other line stays byte for byte."""

from __future__ import annotations

import os
from io import StringIO

import pytest
from dotenv import dotenv_values
from hypothesis import given, settings
from hypothesis import strategies as st

from config import SettingsError
from config.dotenv_file import with_variables
from config.texts import MARK

EXAMPLES = int(os.environ.get("LOCKSTEP_EXAMPLES", "40"))
LINES = st.sampled_from(
    ["# a remark", "", "A=1", "export B='two' # why", 'C="th\\"ree"', "  D = 4 ", "E='of\ntwo lines'", "F="]
)
VALUES = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1, max_size=20).map(
    str.strip
)


def read(text: str) -> dict[str, str | None]:
    return dict(dotenv_values(stream=StringIO(text), interpolate=False))


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    st.lists(LINES, max_size=7),
    st.sampled_from(["", "\n"]),
    st.dictionaries(st.sampled_from(["A", "C", "E", "NEW", "OTHER"]), VALUES, max_size=3),
)
def test_only_what_is_set_changes(lines: list[str], end: str, variables: dict[str, str]) -> None:
    text = "\n".join(lines) + end
    if any("${" in value for value in variables.values()):
        with pytest.raises(SettingsError):
            with_variables(text, variables)
        return
    made = with_variables(text, variables)
    assert read(made) == {**read(text), **variables}
    if not any(name in read(text) for name in variables):
        assert made.startswith(text)
    kept = [
        line for line in lines if line and line.replace("export ", "").split("=")[0].strip() not in variables
    ]
    rest = made
    for line in kept:
        _, found, rest = rest.partition(line)
        assert found == line


@pytest.mark.parametrize(
    "value", ["it's", 'say "so"', "a\\b", "# no remark", "a b", "ntn_1", "$HOME", "back\\\\'"]
)
def test_a_value_is_read_back(value: str) -> None:
    assert read(with_variables("", {"X": value})) == {"X": value}


def test_a_variable_that_is_there_twice_is_there_once() -> None:
    assert with_variables("A=1\nB=2\nA=3\n", {"A": "4"}) == "A=4\nB=2\n"


def test_what_it_cannot_hold_is_told_without_the_value() -> None:
    with pytest.raises(SettingsError, match=r"X has signs that \.env cannot hold") as error:
        with_variables("", {"X": "pass${word}"})
    assert "word}" not in str(error.value)


@pytest.mark.parametrize("there", ["A=1\nB=2\n", "# mine\nB=2\n", ""])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_mark_that_some_editors_put_first_stays_there(there: str, end: str) -> None:
    text = there.replace("\n", end)
    made = with_variables(MARK + text, {"A": "4"})
    assert made == MARK + with_variables(text, {"A": "4"})
    assert read(made.removeprefix(MARK))["A"] == "4"
