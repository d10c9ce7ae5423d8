"""A table more in a file of settings: all else stays byte for byte, comments and order too."""

from __future__ import annotations

import os
import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.texts import MARK
from worker.cli.setup.toml_text import with_table
from worker.telling.failures import CommandError

EXAMPLES = int(os.environ.get("LOCKSTEP_EXAMPLES", "30"))
TABLE = {
    "name": "new",
    "every": "5m",
    "notion": {"data_source": "ab"},
    "caldav": {"calendar": "https://example.org/c/"},
    "map": {"Name": "summary", "Due date": {"to": "due", "only_to": "notion"}},
}

LINES = st.sampled_from(
    [
        "# a remark",
        "",
        "log_level = 'INFO'   # loud",
        'log_format="text"',
        "keep_runs_days  =  3",
        "tasks = [ 'a', # one\n  'b',\n]",
    ]
)
TABLES = st.sampled_from(
    [
        "[[sync]]\nname = \"one\"\nonce = true # now\n[sync.notion]\n  data_source='x'\n[sync.map]\n\"A b\" = 'c'",
        "[[ sync ]]\nname='two'\n\n[[sync.notion]]\ndata_source = 'x'\n[[sync.notion]]\ndata_source = 'y'",
        "[[node]]\nname = 'n'  # a node\n[node.peer]\nnode = 'm'",
    ]
)


@st.composite
def files(draw: st.DrawFn) -> str:
    lines = draw(st.lists(LINES, max_size=5, unique_by=lambda line: line.split("=")[0].strip() or object()))
    lines += draw(st.lists(TABLES, max_size=4, unique=True))
    text = draw(st.sampled_from(["\n", "\n\n"])).join(lines) + draw(
        st.sampled_from(["", "\n", "\n\n", "\n# end"])
    )
    if draw(st.booleans()):
        text = f"#:schema https://example.org/other.json\n{text}"
    return text.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))


NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1, max_size=12)


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    files(),
    st.sampled_from(["", MARK]),
    NAMES,
    st.dictionaries(NAMES, NAMES, min_size=1, max_size=3),
    NAMES,
)
def test_all_else_stays(text: str, mark: str, name: str, pairs: dict[str, str], remark: str) -> None:
    table: dict[str, Any] = {**TABLE, "name": name, "map": pairs}
    with_mark = with_table(mark + text, table, {"notion": remark}, "./schema.json")
    assert with_mark.startswith(mark)
    made = with_mark.removeprefix(mark)
    first = "" if "#:schema" in text else "#:schema ./schema.json" + ("\r\n" if "\r\n" in text else "\n")
    assert made.startswith(first + text)
    before = tomllib.loads(text)
    assert tomllib.loads(made) == {**before, "sync": [*before.get("sync", []), table]}
    assert "\n" not in made.replace("\r\n", "") if "\r\n" in text else "\r" not in made


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.sampled_from(["", "\n", "  # why\n  "]), st.booleans())
def test_tasks_within_brackets_get_one_more_there(gap: str, more: bool) -> None:
    text = f"# mine\nsync = [{gap}{{name = 'x', once = true}}{', # x' if more else ''}\n]  # end\nlog_level = 'INFO'\n"
    made = with_table(text, TABLE, {})
    assert [one["name"] for one in tomllib.loads(made)["sync"]] == ["x", "new"]
    start, end = text.split("\n]")
    assert made.startswith(start)
    assert made.endswith("]" + end)


def test_two_ends_of_one_service_are_two_tables() -> None:
    table = {
        "name": "n",
        "every": "1h",
        "notion": [{"data_source": "a"}, {"data_source": "b"}],
        "map": {"A": "B"},
    }
    made = with_table("", table, {"notion 0": "Tasks", "notion 1": "Books"}, "s.json")
    assert made == (
        '#:schema s.json\n\n[[sync]]\nname = "n"\nevery = "1h"\n\n[[sync.notion]]\ndata_source = "a" # Tasks\n\n'
        '[[sync.notion]]\ndata_source = "b" # Books\n\n[sync.map]\nA = "B"\n'
    )


def test_where_none_can_be_added_it_is_told() -> None:
    with pytest.raises(CommandError, match=r"write this at its end\n\[\[sync\]\]"):
        with_table("sync = 3\n", TABLE, {})
