"""What cannot be read is neither carried across nor written over, and comes to no harm when it can be again."""

from __future__ import annotations

from typing import Any

from tasks.merge import (
    Agree,
    Conflict,
    Create,
    Delete,
    End,
    Link,
    Plan,
    Policy,
    Record,
    Skip,
    Snapshot,
    Update,
    make_plan,
)
from tasks.merge.plan_data import plan_from_data, plan_to_data
from tasks.values.canonical import dump, load, same
from tasks.values.opaque import Opaque

HIDDEN = Opaque("hidden")
POLICY = Policy(("A", "B"))


def plan(links: list[Link], left: dict[str, Any] | None, right: dict[str, Any] | None) -> Plan:
    sides = {
        side: Snapshot(side, {} if values is None else {side.value: Record(side.value, values, "h")})
        for side, values in ((End.LEFT, left), (End.RIGHT, right))
    }
    return make_plan(links, sides[End.LEFT], sides[End.RIGHT], POLICY, ())


def link(left: dict[str, Any], right: dict[str, Any]) -> Link:
    return Link("left", "right", left, right)


def test_it_is_kept_as_it_is() -> None:
    assert load(dump(HIDDEN)) == HIDDEN
    assert same(HIDDEN, Opaque("hidden"))
    assert not same(HIDDEN, "hidden")


def test_edits_of_both_sides_wait_until_it_can_be_read() -> None:
    base = link({"A": 1, "B": 1}, {"A": 1, "B": 1})
    made = plan([base], {"A": HIDDEN, "B": 2}, {"A": 5, "B": 1})
    (update,) = made.of(Update)
    assert set(update.changes) == {"B"}
    (skip,) = made.of(Skip)  # looked at again in each run: the base speaks for another value than is there
    assert (skip.side, skip.pair, skip.odd) == (End.LEFT, (base.left_id, base.right_id), False)
    assert len(made.actions) == 2
    assert plan([base], {"A": 1, "B": 1}, {"A": 5, "B": 1}).of(Update)[0].side is End.LEFT
    assert plan([base], {"A": 7, "B": 1}, {"A": 5, "B": 1}).of(Conflict)


def test_a_new_object_is_made_without_it() -> None:
    (create,) = plan([], {"A": HIDDEN, "B": 2}, None).actions
    assert isinstance(create, Create)
    assert (create.values, create.source) == ({"A": None, "B": 2}, {"A": HIDDEN, "B": 2})
    made = link(create.source, {"A": None, "B": 2})
    assert plan([made], {"A": HIDDEN, "B": 2}, {"A": "typed", "B": 2}).actions == ()
    filled = plan([made], {"A": "shown", "B": 2}, {"A": None, "B": 2}).of(Update)
    assert [(update.side, update.changes["A"].new) for update in filled] == [(End.RIGHT, "shown")]


def test_what_a_new_object_lacks_is_told_with_it() -> None:
    made = plan([], {"A": Opaque("no date", odd=True), "B": 2}, None)
    (create,) = made.actions
    assert isinstance(create, Create)
    assert (create.values, create.odd) == ({"A": None, "B": 2}, "not synced: A (no date)")
    assert create.reason == "new in the left side; not synced: A (no date)"
    assert plan_from_data(plan_to_data(made)) == made


def test_a_pair_is_linked_and_not_asked_for_again() -> None:
    made = plan([], {"A": HIDDEN, "B": 2}, {"A": 5, "B": 2})
    (agree,) = made.of(Agree)
    assert (agree.left["A"], agree.right["A"]) == (HIDDEN, 5)
    linked = link({"A": HIDDEN, "B": 2}, {"A": 5, "B": 2})
    assert plan([linked], {"A": HIDDEN, "B": 2}, {"A": 5, "B": 2}).actions == ()
    assert plan([linked], {"A": 4, "B": 2}, {"A": 5, "B": 2}).of(Conflict)


def test_a_deletion_is_carried_where_it_stayed_as_hidden_as_it_was() -> None:
    linked = link({"A": HIDDEN, "B": 2}, {"A": 5, "B": 2})
    assert isinstance(plan([linked], {"A": HIDDEN, "B": 2}, None).actions[0], Delete)
