"""Values of any kind come back as they were written, or are refused by name."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import ItemError, UnfitError
from tasks.services.github.history import was_open, was_opened_since
from tasks.services.github.issue import number_in, read_issue
from tasks.services.github.marks import DELETED_LABEL, mark_in, mark_of, marked, unmarked
from tasks.services.github.writing import BODY_MAX, LABEL_MAX, TITLE_MAX, clean, fields_of
from tasks.sides import State

RAW: dict[str, Any] = {
    "number": 7, "node_id": "N", "title": "A", "state": "open", "html_url": "https://x/7",
    "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-02T00:00:00Z",
}  # fmt: skip
TEXTS = st.text(max_size=80) | st.sampled_from(["a\r\nb", " a ", "\n", "a\u2028b", "x" * 300, "\x00", "é"])
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "title": TEXTS,
        "body": TEXTS | st.none(),
        "state": st.sampled_from([*State, None]),
        "labels": st.lists(TEXTS, max_size=4).map(tuple) | st.none(),
        "assignees": st.lists(TEXTS, max_size=4).map(tuple),
        "milestone": TEXTS | st.none(),
        "type": TEXTS | st.none(),
    },
)


def unfit_of(values: dict[str, Any]) -> frozenset[str]:
    try:
        clean(values, DELETED_LABEL)
    except UnfitError as error:
        return error.attributes
    return frozenset()


@given(values=VALUES)
def test_what_is_written_is_read_again(values: dict[str, Any]) -> None:
    unfit = unfit_of(values)
    assert unfit <= values.keys()
    fit = clean({name: value for name, value in values.items() if name not in unfit}, DELETED_LABEL)
    assert clean(fit, DELETED_LABEL) == fit
    fields = fields_of(fit, 3)
    raw = {**RAW, **fields}
    raw["labels"] = [{"name": name} for name in fields.get("labels", ())]
    raw["assignees"] = [{"login": login} for login in fields.get("assignees", ())]
    raw["milestone"] = {"title": fit["milestone"]} if fit.get("milestone") else None
    raw["type"] = {"name": fit["type"]} if fit.get("type") else None
    shown = read_issue(raw, 1, DELETED_LABEL).values
    assert {name: shown[name] for name in fit} == fit
    assert len(shown["title"]) <= TITLE_MAX
    assert len(shown["body"]) <= BODY_MAX
    assert all(0 < len(name) <= LABEL_MAX for name in shown["labels"])


@given(body=st.text(max_size=60), key=st.text(max_size=20))
def test_a_mark_is_found_and_taken_off(body: str, key: str) -> None:
    with_mark = marked(body, key)
    assert mark_in(with_mark) == mark_of(key)
    assert unmarked(with_mark) == body


@pytest.mark.parametrize("part", ["number", "title", "html_url", "created_at", "node_id", "state"])
def test_an_issue_that_lacks_something_is_named(part: str) -> None:
    raw = {name: value for name, value in RAW.items() if name != part}
    with pytest.raises(ItemError, match=r"issue #.* cannot be read"):
        read_issue(raw, 1, DELETED_LABEL)
    for odd in (None, 7, [], {**RAW, "labels": [{}]}, {**RAW, "updated_at": "soon"}):
        with pytest.raises(ItemError, match="cannot be read"):
            read_issue(odd, 1, DELETED_LABEL)


@pytest.mark.parametrize(
    ("obj_id", "number"), [("12#7", 7), ("13#7", None), ("12#x", None), ("7", None), ("12#", None)]
)
def test_ids_are_of_one_repository(obj_id: str, number: int | None) -> None:
    assert number_in(obj_id, 12) == number


def event(kind: str, minute: int, label: str = "") -> dict[str, Any]:
    shaped: dict[str, Any] = {"event": kind, "created_at": f"2026-01-01T00:{minute:02}:00Z"}
    return {**shaped, "label": {"name": label}} if label else shaped


def test_what_a_history_tells() -> None:
    closed, labelled = event("closed", 5), event("labeled", 5, DELETED_LABEL.upper())
    for order in ([closed, labelled], [labelled, closed]):
        assert was_open(order, DELETED_LABEL)
        assert not was_opened_since(order, DELETED_LABEL)
        again = [*order, event("reopened", 6), event("closed", 7)]
        assert was_opened_since(again, DELETED_LABEL)
        anew = [*again, event("labeled", 8, DELETED_LABEL)]
        assert not was_opened_since(anew, DELETED_LABEL)
        assert not was_open(anew, DELETED_LABEL)
    earlier = [event("closed", 1), event("labeled", 5, "other"), labelled]
    assert not was_open(earlier, DELETED_LABEL)
    odd = [None, {}, {"event": "closed"}, {"event": "labeled", "created_at": "soon"}]
    assert was_open(odd, DELETED_LABEL)
    assert not was_opened_since(odd, DELETED_LABEL)
