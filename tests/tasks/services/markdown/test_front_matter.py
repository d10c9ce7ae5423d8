"""Values in front matter: what is read of them, and that a write moves no byte of anything else."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from tasks.services.markdown import fields, front_matter
from tasks.services.markdown.fields import Setting
from tasks.services.markdown.front_matter import FrontMatter, FrontMatterError
from tasks.services.markdown.links import Links
from tasks.sides import Kind
from tasks.values.canonical import same
from tasks.values.opaque import Opaque

EXAMPLES = int(os.environ.get("MARKDOWN_EXAMPLES", "80"))
SETTING = Setting(ZoneInfo("Europe/Berlin"), Links({"A.md": "id-a", "Sub/B.md": "id-b"}))
#: Lines of other people and programs, with all that YAML has.
FOREIGN = (
    "# a comment: with a colon\n",
    "\n",
    "author:   'Ada   Lovelace'   # who\n",
    'quoted key": no\n'.replace('quoted key"', '"quoted key"'),
    "numbers: [1,  2,3 ]\n",
    "nested:\n    deep:   {a: 1,b: [x,y]}\n    # inside\n    list:\n    - 1\n    -   two\n",
    "block: |\n   kept\n     as it is\n\n",
    "folded: >-\n  one\n  two\n\n",
    "anchor: &here\n  a: 1\nalias: *here\n",
    "empty:\n",
    "long: this goes\n  on here\n",
    "date: 2026-01-01\n",
    "umlaut: ä  \n",
    "tagged: !!str 12\n",
    "cssclasses:\n- wide\n-   tall # c\n",
)
#: How a key of ours may stand there, by what it is.
OURS: dict[Kind, tuple[str, ...]] = {
    Kind.TEXT: (
        "k: word\n", "k: 'it''s'   # mine\n", 'k:  "a\\nb"\n', "k:\n", "k: |-\n  two\n  lines\n", "k: >\n  f\n\n",
    ),
    Kind.NUMBER: ("k: 1\n", "k: 2.50   # mine\n", "k: '7'\n", "k:    # mine\n"),
    Kind.YES_NO: ("k: true\n", "k: no # mine\n", "k:\n"),
    Kind.MOMENT: (
        "k: 2026-03-02\n", "k: 2026-03-02T09:30:00 # mine\n", "k: '2026-03-02 09:30'\n", "k: 2026-03-02T09:30:00Z\n",
    ),
    Kind.CHOICES: (
        "k: [a, 'b b']   # mine\n", "k:\n  - a # mine\n  # mine\n  - \"b b\"\n", "k:\n- a\n- c\n", "k: a\n", "k: []\n",
        "k: # mine\n  - a\n", "k:\n",
    ),
    Kind.REFERENCE: ('k: "[[A]]"\n', 'k:\n  - "[[Sub/B|the b]]" # mine\n', "k:\n"),
}  # fmt: skip
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.sampled_from(
    [
        "null", "true", "0012", "1e5", "2026-01-01", "12:30", "- a", "a: b", "a #b", "[x", "'", '"', "\\", "~",
        "two\nlines", "two\n\nlines\n", "yes", "",
    ]
)  # fmt: skip
VALUES: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.TEXT: _TEXTS,
    Kind.NUMBER: st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.none(),
    Kind.YES_NO: st.booleans() | st.none(),
    Kind.MOMENT: st.dates()
    | st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 28), timezones=st.just(UTC))
    | st.none(),
    Kind.CHOICES: st.frozensets(_TEXTS.filter(bool) | st.sampled_from(["a", "b b", "c"]), max_size=4).map(
        lambda names: tuple(sorted(names))
    ),
    Kind.REFERENCE: st.sampled_from([(), ("id-a",), ("id-b",), ("id-a", "id-b")]),
}


@pytest.fixture(params=["BaseLoader", "CBaseLoader"], autouse=True)
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both parsers that PyYAML may have."""
    monkeypatch.setattr(front_matter, "_LOADER", getattr(yaml, request.param))


def read(kind: Kind, text: str, key: str = "k") -> Any:
    return fields.read(kind, key, FrontMatter(text).get(key), SETTING)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.data())
def test_a_write_moves_no_byte_of_anything_else(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(OURS)))
    ours = data.draw(st.sampled_from(["", *OURS[kind]]))
    others = data.draw(st.lists(st.sampled_from(FOREIGN), max_size=5, unique=True))
    place = data.draw(st.integers(0, len(others)))
    line_end = data.draw(st.sampled_from(["\n", "\r\n"]))
    before, after = ("".join(part).replace("\n", line_end) for part in (others[:place], others[place:]))
    text = before + ours.replace("\n", line_end) + after
    matter = FrontMatter(text, line_end)
    wanted = data.draw(VALUES[kind])
    made = fields.write(kind, "k", matter, wanted, SETTING)
    shown = fields.read(kind, "k", made.get("k"), SETTING)
    assert same(shown, wanted) or (not shown and not wanted)
    assert fields.write(kind, "k", made, wanted, SETTING).text == made.text
    if not ours:
        assert made.text.startswith(before + after)
    else:
        assert made.text.startswith(before)
        assert made.text.endswith(after)
        assert made.text.count("# mine") == ours.count("# mine") or "\n  - " in ours.replace("\r", "")
    known = yaml.safe_load(text) or {}
    assert {key: one for key, one in (yaml.safe_load(made.text) or {}).items() if key != "k"} == {
        key: one for key, one in known.items() if key != "k"
    }
    fields.shapes_of(made, ())


@settings(max_examples=EXAMPLES, deadline=None)
@given(_TEXTS, st.sampled_from([None, "'", '"']))
@example("a:", None)
@example("x" * 200 + " y", "'")
def test_a_text_that_is_written_is_a_text_to_every_reader(text: str, quote: str | None) -> None:
    assume(text)
    start = "" if quote is None else f"k: {quote}old{quote}\n"
    made = fields.write(Kind.TEXT, "k", FrontMatter(start), text, SETTING)
    assert yaml.safe_load(made.text) == {"k": text}


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_front_matter_or_refused_as_such(text: str) -> None:
    try:
        matter = FrontMatter(text)
    except FrontMatterError:
        return
    for key in matter.entries:
        for kind in fields.KINDS.values():
            fields.read(kind, key, matter.get(key), SETTING)
    try:
        made = fields.write(Kind.TEXT, "k", matter, "new", SETTING)
    except ValueError:
        return
    assert made.entries.keys() == matter.entries.keys() | {"k"}


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (Kind.TEXT, "k: 0012\n", "0012"),
        (Kind.TEXT, "k: null\n", None),
        (Kind.TEXT, "k: 'null'\n", "null"),
        (Kind.TEXT, "k: 12:30\n", "12:30"),
        (Kind.NUMBER, "k: 1e3\n", 1000.0),
        (Kind.NUMBER, 'k: "7"\n', 7),
        (Kind.YES_NO, "k: on\n", True),
        (Kind.DATE, "k: 2026-07-04\n", date(2026, 7, 4)),
        (Kind.MOMENT, "k: 2026-07-04T09:30\n", datetime(2026, 7, 4, 7, 30, tzinfo=UTC)),
        (Kind.MOMENT, "k: 2026-07-04 09:30:15.5+02:00\n", datetime(2026, 7, 4, 7, 30, 15, 500000, tzinfo=UTC)),
        (Kind.MOMENT, "k: 2026-07-04\n", date(2026, 7, 4)),
        (Kind.CHOICES, "k: [b, a, a, null]\n", ("a", "b")),
        (Kind.CHOICES, "k: one\n", ("one",)),
        (Kind.PRIORITY, "k: 3\n", 3),
        (Kind.REFERENCE, 'k: "[[a]]"\n', ("id-a",)),
        (Kind.REFERENCE, 'k: ["[[B#Head|x]]", "[[A.md]]"]\n', ("id-a", "id-b")),
        (Kind.DATE, "x: 1\n", None),
    ],
)  # fmt: skip
def test_values_are_read_as_people_write_them(kind: Kind, text: str, value: Any) -> None:
    shown = read(kind, text)
    assert shown == value
    assert type(shown) is type(value)


@pytest.mark.parametrize(
    ("kind", "text", "word"),
    [
        (Kind.NUMBER, "k: soon\n", "is no number"),
        (Kind.WHOLE, "k: 1.5\n", "is no whole number"),
        (Kind.DATE, "k: 2026-02-30\n", "is no day"),
        (Kind.DATE, "k: [2026-02-03]\n", "is a list"),
        (Kind.MOMENT, "k: 2026-02-03T25:00\n", "is no moment"),
        (Kind.YES_NO, "k: maybe\n", "neither true nor false"),
        (Kind.TEXT, "k: {a: 1}\n", "keys within a key"),
        (Kind.TEXT, "a: &x 1\nk: *x\n", "an alias"),
        (Kind.TEXT, "k: !secret x\n", "the tag"),
        (Kind.TEXT, "k: &x 1\nb: *x\n", "what other values refer to"),
        (Kind.CHOICES, "k: [a, &x b]\nb: *x\n", "what other values refer to"),
        (Kind.CHOICES, "a: &x b\nk:\n  - *x\n", "a list within a list"),
        (Kind.CHOICES, "k: [[a]]\n", "a list within a list"),
        (Kind.PRIORITY, "k: 12\n", "from 1 to 9"),
        (Kind.ADDRESS, 'k: "a\\nb"\n', "several lines"),
        (Kind.REFERENCE, "k: A\n", "is no link"),
        (Kind.REFERENCE, 'k: "[[Nowhere]]"\n', "leads to no note"),
    ],
)  # fmt: skip
def test_an_odd_value_is_shown_as_such_and_not_written_over(kind: Kind, text: str, word: str) -> None:
    shown = read(kind, text)
    assert isinstance(shown, Opaque)
    assert shown.odd
    assert word in shown.type
    with pytest.raises(ValueError, match="not written over"):
        fields.write(kind, "k", FrontMatter(text), None, SETTING)


@pytest.mark.parametrize(
    ("kind", "text", "value", "written"),
    [
        (Kind.MOMENT, "k: 2026-03-02T09:30:00\n", datetime(2026, 7, 4, 7, tzinfo=UTC), "k: 2026-07-04T09:00:00\n"),
        (Kind.MOMENT, "k: 2026-03-02T09:30Z\n", datetime(2026, 7, 4, 7, tzinfo=UTC), "k: 2026-07-04T09:00:00+02:00\n"),
        (Kind.MOMENT, "", datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "k: 2026-10-25T02:30:00+01:00\n"),
        (Kind.MOMENT, "", datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "k: 2026-10-25T02:30:00\n"),
        (Kind.NUMBER, "k: 1.50\n", 1.5, "k: 1.50\n"),
        (Kind.NUMBER, "k: 1\n", Decimal("2.50"), "k: 2.50\n"),
        (Kind.NUMBER, "", 1e-7, "k: 1.0e-07\n"),
        (Kind.TEXT, "", "two\nlines\n", "k: |\n  two\n  lines\n"),
        (Kind.TEXT, "k: 'a'\n", "it's", "k: 'it''s'\n"),
        (Kind.TEXT, "k: a\n", "null", 'k: "null"\n'),
        (Kind.TEXT, "k: a # c\n", None, "k: # c\n"),
        (Kind.CHOICES, "", ("a", "b"), "k:\n  - a\n  - b\n"),
        (Kind.CHOICES, "k:\n    - b  # why\n    - a\n", ("b", "c"), "k:\n    - b  # why\n    - c\n"),
        (Kind.CHOICES, "k: ['b', a]\n", ("b", "c, d"), "k: ['b', \"c, d\"]\n"),
        (Kind.REFERENCE, 'k:\n  - "[[A|x]]"\n', ("id-a", "id-b"), 'k:\n  - "[[A|x]]"\n  - "[[B]]"\n'),
    ],
)  # fmt: skip
def test_values_are_written_as_people_write_them(kind: Kind, text: str, value: Any, written: str) -> None:
    assert fields.write(kind, "k", FrontMatter(text), value, SETTING).text == written


def test_a_write_that_would_make_something_else_of_others_is_refused() -> None:
    matter = FrontMatter("k: 1\nb: 2\n")
    for written in ("1\nc: 3", "[", "3\nb: 4"):
        with pytest.raises(FrontMatterError):
            matter.with_scalar("k", written)


def test_what_is_no_front_matter_is_told() -> None:
    for text, word in (
        ("- a\n", "no list of `key: value`"),
        ("a: 1\na: 2\n", "'a' twice"),
        ("{a: 1}\n", "in braces"),
        ("a: [\n", "in line"),
        ("? [a]\n: b\n", "no word"),
        ("a: " + "[" * 5000, "cannot be read"),
    ):
        with pytest.raises(FrontMatterError, match=word):
            FrontMatter(text)


def test_kinds_are_guessed_from_what_most_values_are_and_stay() -> None:
    texts = [
        "a: 1\nb: x\nt: y\n",
        "a: 2.5\nb: 2026-01-01\nt: [z]\n",
        "a: soon\nb: 2026-01-02T10:00\nc: {}\nd:\n",
    ]
    shapes = [fields.shapes_of(FrontMatter(text), ()) for text in texts]
    guessed = fields.guessed(shapes, {})
    assert guessed == {"a": Kind.NUMBER, "b": Kind.MOMENT, "t": Kind.TEXT}
    assert fields.guessed([{"a": "text"}, {"a": "text"}, {"a": "number"}], guessed)["a"] is Kind.NUMBER
    assert fields.guessed([{"a": "text"}], guessed)["a"] is Kind.TEXT
    assert fields.guessed([], guessed) == guessed
