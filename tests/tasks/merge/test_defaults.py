"""Defaults of new objects in the merge, where an earlier run was cut off."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tasks.merge import Intent, Link, Plan, Policy, Record, Snapshot, Update, make_plan
from tasks.sides import End

POLICY = Policy(("x",), defaults={End.RIGHT: {"x": 1}})
BEGUN = datetime(2026, 1, 1, tzinfo=UTC)


def planned(links: list[Link], x: Any, target_id: str | None) -> Plan:
    """The plan where 1 was written to the right one without an answer, and the left one is empty by now."""
    left = Snapshot(End.LEFT, {"l": Record("l", {"x": None}, "h", blank=frozenset({"x"}))})
    right = Snapshot(End.RIGHT, {"r": Record("r", {"x": x}, "h")})
    intent = Intent("k", End.RIGHT, "l", {"x": 1}, target_id, begun_at=BEGUN, hash="h")
    return make_plan(links, left, right, POLICY, [intent])


def test_a_default_that_a_create_wrote_is_no_edit() -> None:
    (adopted,) = planned([], 1, None).actions
    assert (adopted.left, adopted.right) == ({"x": None}, {"x": 1})  # type: ignore[attr-defined]


def test_what_somebody_made_of_it_meanwhile_is_one() -> None:
    _, update = planned([], 2, None).actions
    assert isinstance(update, Update)
    assert (update.side, update.changes["x"].new) == (End.LEFT, 2)


def test_an_update_that_wrote_the_same_value_gave_no_default() -> None:
    plan = planned([Link("l", "r", {"x": 5}, {"x": 5})], 1, "r")
    (update,) = (one for one in plan.actions if isinstance(one, Update))
    assert (update.side, update.changes["x"].new) == (End.RIGHT, None)


def test_a_create_that_was_linked_before_it_was_settled_gave_one() -> None:
    plan = planned([Link("l", "r", {"x": None}, {"x": 1})], 1, None)
    assert not [one for one in plan.actions if isinstance(one, Update)]
