"""Values are read as Google writes them, and written as it reads them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.google_tasks.resources import Task as Kept
from tasks.errors import UnfitError
from tasks.services.google_tasks.attributes import ATTRIBUTES, MOST_SIGNS, values_of, wanted
from tasks.services.google_tasks.task import read_task
from tasks.sides import State
from tasks.values.opaque import Opaque

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


def shown(**fields: Any) -> dict[str, Any]:
    """What the account on this machine shows of a task that was given these fields."""
    kept = Kept("abc", "list", NOW)
    kept.take(fields, NOW, whole=False)
    return kept.shown(0)


@given(
    title=TEXTS,
    notes=TEXTS,
    due=st.none() | st.dates(),
    status=st.sampled_from([State.OPEN, State.DONE]),
    before=st.fixed_dictionaries({"title": TEXTS, "status": st.sampled_from(["needsAction", "completed"])}),
)
def test_what_is_written_is_what_is_read(
    title: str, notes: str, due: date | None, status: State, before: dict[str, Any]
) -> None:
    values = {"title": title, "notes": notes, "due": due, "status": status}
    was = read_task(shown(**before))
    kept = Kept("abc", "list", NOW)
    kept.take(before, NOW, whole=False)
    body = wanted(values, was).body_for(was)
    kept.take(body, NOW, whole=False)
    now = read_task(kept.shown(0))
    assert {name: values_of(now)[name] for name in values} == values
    assert values_of(now)["done"] is (status is State.DONE)
    assert wanted(values, now).body_for(now) == {}, "what is shown already is not written again"


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({"status": State.ACTIVE}, "needsAction"),
        ({"status": State.CANCELLED}, "completed"),
        ({"status": None}, "needsAction"),
        ({"done": None}, "needsAction"),
        ({"done": True, "status": State.OPEN}, "completed"),
        ({"status": State.DONE, "done": False}, "completed"),
    ],
)
def test_other_states_become_the_nearest(values: dict[str, Any], status: str) -> None:
    assert wanted(values).fields == {"status": status}


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("title", "x" * 1025, "title has 1,025 signs, Google takes at most 1,024"),
        ("title", "🎨" * 513, "1,026 signs"),
        ("title", "\ud800", "half a sign"),
        ("notes", "x" * 8193, "8,193 signs"),
        ("notes", 5, "no text"),
        ("due", NOW, "without a time of day"),
        ("due", "2026-07-04", "without a time of day"),
        ("status", "later", "'later' is none of"),
        ("status", 7, "is none of"),
        ("done", "yes", "yes or no"),
        ("parent", ("a", "b"), "one parent, not 2"),
        ("position", "1", "Google's to say"),
        ("completed", NOW, "Google's to say"),
        ("colour", "red", "a task has no colour: there are title"),
    ],
)
def test_what_does_not_fit_is_named(name: str, value: Any, told: str) -> None:
    with pytest.raises(UnfitError, match=told) as caught:
        wanted({"title": "fits", "notes": "fits"} | {name: value})
    assert caught.value.attributes == {name}


def test_texts_of_the_longest_kind_fit() -> None:
    values = {name: "x" * most for name, most in MOST_SIGNS.items()}
    assert shown(**wanted(values).fields)["notes"] == values["notes"]


ANYTHING = st.text(max_size=9) | st.sampled_from(
    [
        None, True, 0, -1, 10**20, 1.5, "2026-02-30T00:00:00Z", "2026-07-04", "2026-07-04T10:00:00",
        "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", [], {}, [[]], [{"link": 5}, {"link": "https://x"}],
    ]
)  # fmt: skip
FIELDS = sorted(shown(title="x", notes="y", due="2026-07-04T00:00:00Z", status="completed").keys() - {"id"})


@given(st.fixed_dictionaries({}, optional=dict.fromkeys([*FIELDS, "parent", "deleted", "hidden"], ANYTHING)))
def test_whatever_google_says_is_read_or_refused(raw: dict[str, Any]) -> None:
    if not isinstance(raw.get("title", ""), str):
        with pytest.raises(ValueError, match="its title is no text"):
            read_task({**raw, "id": "abc"})
        return
    task = read_task({**raw, "id": "abc"})
    values = values_of(task)
    assert values.keys() == ATTRIBUTES.keys()
    odd = {name for name, value in values.items() if isinstance(value, Opaque)}
    assert odd <= {"notes", "due", "status", "done", "completed"}
    for name in odd - {"completed"}:
        with pytest.raises(UnfitError, match="not written over"):
            wanted({name: None}, task)
